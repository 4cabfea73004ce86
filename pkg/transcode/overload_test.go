package transcode

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/pkg/media"
)

func threeRungs() []Rung {
	rate := media.Rational{Num: 30, Den: 1}
	return []Rung{{ID: "720p", FrameRate: rate}, {ID: "480p", FrameRate: rate}, {ID: "360p", FrameRate: rate}}
}

// play runs an overload for d at 30 pictures a second; lag tells how the lag
// goes. It returns the steps with their times.
type happening struct {
	at   time.Duration
	step shedStep
	shed bool
}

func play(o *overload, begin time.Time, d time.Duration, lag func(at time.Duration) time.Duration) (all []happening) {
	for at := time.Duration(0); at < d; at += time.Second / 30 {
		if step, shed, changed := o.observe(begin.Add(at), lag(at)); changed {
			all = append(all, happening{at, step, shed})
		}
	}
	return all
}

// TestOverloadSheds: at half the speed that is needed, the first rung gives way
// within two seconds, and one after the other until only the last is left.
func TestOverloadSheds(t *testing.T) {
	o := newOverload(threeRungs(), 10*time.Second)
	got := play(o, time.Unix(1000, 0), 20*time.Second, func(at time.Duration) time.Duration { return at / 2 })
	want := []shedStep{{0, PaceHalf}, {0, PaceOff}, {1, PaceHalf}, {1, PaceOff}, {2, PaceHalf}}
	if len(got) != len(want) {
		t.Fatalf("%d steps, want %d: %v", len(got), len(want), got)
	}
	for i, h := range got {
		if h.step != want[i] || !h.shed {
			t.Errorf("step %d is %+v, want %v", i, h, want[i])
		}
	}
	if got[0].at > 2100*time.Millisecond {
		t.Errorf("nothing gave way for %v", got[0].at)
	}
	if paces := o.paces(3); !slices.Equal(paces, []Pace{PaceOff, PaceOff, PaceHalf}) {
		t.Errorf("paces %v", paces)
	}
}

// TestOverloadLetsBe: what passes by itself sheds nothing.
func TestOverloadLetsBe(t *testing.T) {
	for name, lag := range map[string]func(time.Duration) time.Duration{
		"a hiccup of 0.7 s": func(at time.Duration) time.Duration {
			if at < 700*time.Millisecond {
				return at
			}
			return 0
		},
		"a replay that catches up": func(at time.Duration) time.Duration { return max(0, 8*time.Second-at/4) },
		"on time":                  func(time.Duration) time.Duration { return 100 * time.Millisecond },
	} {
		if got := play(newOverload(threeRungs(), time.Second), time.Unix(1000, 0), time.Minute, lag); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestOverloadRestores: rungs come back in the opposite order, and are tried
// more and more rarely where there is no room for them.
func TestOverloadRestores(t *testing.T) {
	o := newOverload(threeRungs(), 10*time.Second)
	begin := time.Unix(1000, 0)
	play(o, begin, 6*time.Second, func(at time.Duration) time.Duration { return at })
	taken := o.taken
	got := play(o, begin.Add(6*time.Second), time.Minute, func(time.Duration) time.Duration { return 0 })
	if len(got) != taken || o.taken != 0 || got[0].shed {
		t.Fatalf("%d of %d steps came back: %v", len(got), taken, got)
	}

	tight := newOverload(threeRungs(), 10*time.Second)
	lag, tries := time.Duration(0), 0
	for at := time.Duration(0); at < 30*time.Minute; at += time.Second / 30 {
		if tight.taken == 0 {
			lag += time.Second / 60 // the whole ladder is too much
		} else {
			lag = max(0, lag-time.Second/30)
		}
		if _, shed, changed := tight.observe(begin.Add(at), lag); changed && !shed {
			tries++
		}
	}
	if tries < 5 || tries > 12 {
		t.Errorf("%d tries in half an hour, want fewer and fewer", tries)
	}
}

// TestSlowRatesAreNotHalved: a slide show has no frames to lose.
func TestSlowRatesAreNotHalved(t *testing.T) {
	rungs := threeRungs()
	for i := range rungs {
		rungs[i].FrameRate = media.Rational{Num: 15, Den: 1}
	}
	if steps := newOverload(rungs, time.Second).steps; !slices.Equal(steps, []shedStep{{0, PaceOff}, {1, PaceOff}}) {
		t.Errorf("steps %v", steps)
	}
}

// TestOverloadNeverFlaps holds the rules whatever the lag does: steps are apart,
// in order, and the last rung is never off.
func TestOverloadNeverFlaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := newOverload(threeRungs(), 10*time.Second)
		now, last := time.Unix(1000, 0), time.Time{}
		lag := time.Duration(0)
		for range rapid.IntRange(1, 2000).Draw(t, "pictures") {
			now = now.Add(time.Duration(rapid.IntRange(1, 200).Draw(t, "ms")) * time.Millisecond)
			lag = max(0, lag+time.Duration(rapid.IntRange(-300, 300).Draw(t, "change"))*time.Millisecond)
			before := o.taken
			_, shed, changed := o.observe(now, lag)
			if !changed {
				continue
			}
			if want := map[bool]int{true: before + 1, false: before - 1}[shed]; o.taken != want {
				t.Fatalf("%d steps in force, want %d", o.taken, want)
			}
			if !last.IsZero() && now.Sub(last) < settle {
				t.Fatalf("steps %v apart", now.Sub(last))
			}
			last = now
			if o.paces(3)[2] == PaceOff {
				t.Fatal("the last rung is off")
			}
		}
	})
}
