package transcode

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/pkg/media"
)

func rungsAt(fps int) []Rung {
	rate := media.Rational{Num: fps, Den: 1}
	return []Rung{{ID: "720p", FrameRate: rate}, {ID: "480p", FrameRate: rate}, {ID: "360p", FrameRate: rate}}
}

// plant is an overload with a clock and what it controls: three rungs of which
// all that is wanted is paid for.
type plant struct {
	o    *overload
	wish []Pace
	now  time.Time
	at   time.Duration
	lag  time.Duration
	seen []happening
}

type happening struct {
	at   time.Duration
	rung int
	pace Pace
	shed bool
}

func newPlant(rungs []Rung) *plant {
	return &plant{o: newOverload(rungs, 10*time.Second), wish: make([]Pace, len(rungs)), now: time.Unix(1000, 0)}
}

const tick = time.Second / 30

// look lets the overload see the lag, one picture later.
func (p *plant) look() {
	p.now, p.at = p.now.Add(tick), p.at+tick
	if s, shed, changed := p.o.observe(p.now, p.lag, p.wish); changed {
		p.seen = append(p.seen, happening{p.at, s.rung, s.pace, shed})
	}
}

// play lets d pass; lag tells how the lag goes.
func (p *plant) play(d time.Duration, lag func(at time.Duration) time.Duration) {
	for at := time.Duration(0); at < d; at += tick {
		p.lag = lag(at)
		p.look()
	}
}

// work lets d pass with a worker that makes so many seconds of media each
// second if it has the whole ladder to encode.
func (p *plant) work(d time.Duration, speed float64) {
	costs := []float64{0.55, 0.25, 0.15}
	for at := time.Duration(0); at < d; at += tick {
		cost := 0.05 // of decoding
		for i, pace := range p.o.paces(p.wish) {
			cost += costs[i] * []float64{1, 0.5, 0}[pace]
		}
		p.lag = max(0, p.lag+tick-time.Duration(float64(tick)*speed/cost))
		p.look()
	}
}

func (p *plant) sheds() (n int) {
	for _, h := range p.seen {
		if h.shed {
			n++
		}
	}
	return n
}

// At half the speed that is needed, and less, the first rung gives way within
// two seconds, and one after the other until only the last is left.
func TestOverloadSheds(t *testing.T) {
	for name, speed := range map[string]float64{"stands still": 0, "half": 0.5, "0.7 times": 0.7} {
		p := newPlant(rungsAt(30))
		p.play(30*time.Second, func(at time.Duration) time.Duration { return time.Duration(float64(at) * (1 - speed)) })
		want := []happening{{rung: 0, pace: PaceHalf}, {rung: 0, pace: PaceOff}, {rung: 1, pace: PaceHalf}, {rung: 1, pace: PaceOff}, {rung: 2, pace: PaceHalf}}
		if len(p.seen) != len(want) {
			t.Fatalf("%s: %d steps, want %d: %v", name, len(p.seen), len(want), p.seen)
		}
		for i, h := range p.seen {
			if h.rung != want[i].rung || h.pace != want[i].pace || !h.shed {
				t.Errorf("%s: step %d is %+v, want %+v", name, i, h, want[i])
			}
		}
		if first := p.seen[0].at; first > 2100*time.Millisecond {
			t.Errorf("%s: nothing gave way for %v", name, first)
		}
		if paces := p.o.paces(p.wish); !slices.Equal(paces, []Pace{PaceOff, PaceOff, PaceHalf}) {
			t.Errorf("%s: paces %v", name, paces)
		}
	}
}

// hiccup is the lag of a worker that stands still from a second on, for d, and
// then works at speed.
func hiccup(d time.Duration, speed float64) func(time.Duration) time.Duration {
	return func(at time.Duration) time.Duration {
		stood := min(max(0, at-time.Second), d)
		after := max(0, at-time.Second-d)
		return max(0, stood-time.Duration(float64(after)*(speed-1)))
	}
}

// What passes by itself sheds nothing.
func TestOverloadLetsBe(t *testing.T) {
	for name, lag := range map[string]func(time.Duration) time.Duration{
		"a hiccup of 0.7 s, then 1.15 times real time": hiccup(700*time.Millisecond, 1.15),
		"a hiccup of 1 s, then 1.2 times real time":    hiccup(time.Second, 1.2),
		"a hiccup of 1 s, then 2 times real time":      hiccup(time.Second, 2),
		"a replay that catches up":                     func(at time.Duration) time.Duration { return max(0, 8*time.Second-at/4) },
		"a hiccup of 0.7 s in a replay": func(at time.Duration) time.Duration {
			worked := at - min(max(0, at-time.Second), 700*time.Millisecond)
			return max(0, 12*time.Second+at-worked*3/2)
		},
		"bursts of a second": func(at time.Duration) time.Duration { return at % time.Second },
		"on time":            func(time.Duration) time.Duration { return 200 * time.Millisecond },
	} {
		p := newPlant(rungsAt(30))
		if p.play(time.Minute, lag); len(p.seen) > 0 {
			t.Errorf("%s: %v", name, p.seen)
		}
	}
}

// Rungs come back in the opposite order, where the source comes in bursts too.
func TestOverloadRestores(t *testing.T) {
	for name, lag := range map[string]func(time.Duration) time.Duration{
		"on time":                 func(time.Duration) time.Duration { return 0 },
		"bursts of half a second": func(at time.Duration) time.Duration { return at % (500 * time.Millisecond) },
	} {
		p := newPlant(rungsAt(30))
		p.play(6*time.Second, func(at time.Duration) time.Duration { return at })
		taken := p.seen
		p.seen = nil
		p.play(time.Minute, lag)
		want := []shedStep{{1, PaceFull}, {0, PaceHalf}, {0, PaceFull}}
		if len(taken) != len(want) || len(p.seen) != len(want) {
			t.Fatalf("%s: of %v came back %v", name, taken, p.seen)
		}
		for i, h := range p.seen {
			if h.shed || h.rung != want[i].rung || h.pace != want[i].pace {
				t.Errorf("%s: step %d back is %+v, want %+v", name, i, h, want[i])
			}
		}
		if first := p.seen[0].at; first < 15*time.Second {
			t.Errorf("%s: a rung came back after %v", name, first)
		}
	}
}

// Where there is no room, rungs are tried more and more rarely, however slowly
// it shows.
func TestOverloadTriesMoreRarely(t *testing.T) {
	for _, speed := range []float64{0.5, 0.8, 0.95, 0.98} {
		p := newPlant(rungsAt(30))
		p.work(10*time.Minute, speed)
		p.seen = nil
		p.work(50*time.Minute, speed)
		if n := p.sheds(); n < 1 || n > 20 {
			t.Errorf("at %v times the speed that is needed, %d sheds in 50 minutes: %v", speed, n, p.seen)
		}
	}
}

// A load that goes leaves nothing behind: the whole ladder is back, and the
// next overload is met as the first was.
func TestOverloadForgets(t *testing.T) {
	p := newPlant(rungsAt(30))
	p.work(5*time.Minute, 0.6)
	p.work(15*time.Minute, 2)
	if !slices.Equal(p.o.paces(p.wish), p.wish) || p.o.retry != p.o.first {
		t.Errorf("paces %v, retry after %v", p.o.paces(p.wish), p.o.retry)
	}
}

// A slide show has no frames to lose, and film has too few.
func TestSlowRatesAreNotHalved(t *testing.T) {
	for _, fps := range []int{15, 24, 25} {
		p := newPlant(rungsAt(fps))
		p.play(20*time.Second, func(at time.Duration) time.Duration { return at })
		if !slices.Equal(p.o.paces(p.wish), []Pace{PaceOff, PaceOff, PaceFull}) || len(p.seen) != 2 {
			t.Errorf("%d fps: %v", fps, p.seen)
		}
	}
}

// Steps are spent on rungs that are wanted, and the last of them stays.
func TestOverloadMindsTheWish(t *testing.T) {
	p := newPlant(rungsAt(30))
	p.wish = []Pace{PaceOff, PaceFull, PaceOff}
	p.play(20*time.Second, func(at time.Duration) time.Duration { return at })
	if len(p.seen) != 1 || p.seen[0].rung != 1 || p.seen[0].pace != PaceHalf || p.seen[0].at > 2*time.Second {
		t.Errorf("one rung is wanted: %v", p.seen)
	}

	p = newPlant(rungsAt(30))
	p.play(20*time.Second, func(at time.Duration) time.Duration { return at })
	p.wish[2] = PaceOff // nobody watches the one that is left
	if paces := p.o.paces(p.wish); paces[1] != PaceHalf || paces[2] != PaceOff {
		t.Errorf("paces %v: nothing is encoded of what is wanted", paces)
	}
	p.seen = nil
	p.wish = []Pace{PaceOff, PaceOff, PaceOff}
	if p.play(time.Minute, func(time.Duration) time.Duration { return 0 }); len(p.seen) > 0 {
		t.Errorf("nothing is wanted, but: %v", p.seen)
	}
}

// Whatever the lag and the wish do, steps are apart, a step that is taken back
// has been in force for longer, and one of the rungs that are wanted runs.
func TestOverloadNeverFlaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPlant(rungsAt(rapid.SampledFrom([]int{25, 30, 60}).Draw(t, "fps")))
		last := time.Time{}
		for range rapid.IntRange(1, 2000).Draw(t, "pictures") {
			p.now = p.now.Add(time.Duration(rapid.IntRange(1, 200).Draw(t, "ms")) * time.Millisecond)
			p.lag = max(0, p.lag+time.Duration(rapid.IntRange(-300, 300).Draw(t, "change"))*time.Millisecond)
			if rapid.IntRange(0, 50).Draw(t, "wishes") == 0 {
				p.wish[rapid.IntRange(0, 2).Draw(t, "rung")] = Pace(rapid.IntRange(0, 2).Draw(t, "pace"))
			}
			before := p.o.paces(p.wish)
			s, shed, changed := p.o.observe(p.now, p.lag, p.wish)
			after := p.o.paces(p.wish)
			if changed == slices.Equal(before, after) || changed && (after[s.rung] > before[s.rung]) != shed {
				t.Fatalf("%+v, shed %v, changed %v: %v became %v", s, shed, changed, before, after)
			}
			if i := lastWanted(p.wish); i >= 0 && after[i] == PaceOff {
				t.Fatalf("wished %v, get %v: nothing is left", p.wish, after)
			}
			if changed && !last.IsZero() && p.now.Sub(last) < settle {
				t.Fatalf("steps %v apart", p.now.Sub(last))
			}
			if changed {
				last = p.now
			}
		}
	})
}

// Whatever the machine can do, the lag stays bounded as long as the last rung
// alone is not too much, and there is peace after a while.
func TestOverloadHoldsTheLag(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPlant(rungsAt(30))
		for range rapid.IntRange(1, 4).Draw(t, "phases") {
			speed := rapid.Float64Range(0.3, 2).Draw(t, "speed")
			for range 300 {
				p.work(time.Second, speed)
				if p.lag > 8*time.Second {
					t.Fatalf("%v behind at %v: %v", p.lag, p.at, p.seen)
				}
			}
			p.seen = nil
			if p.work(5*time.Minute, speed); len(p.seen) > 16 {
				t.Fatalf("%d steps in five minutes at a speed of %v: %v", len(p.seen), speed, p.seen)
			}
		}
	})
}
