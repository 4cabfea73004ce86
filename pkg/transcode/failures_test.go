package transcode

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBackoffDoubles(t *testing.T) {
	var f failures
	now := time.Unix(0, 0)
	for i, seconds := range []float64{0, 1, 2, 4, 8, 16, 30, 30} {
		f.died(now, 0, uint64(i))
		if got := f.backoff(); got.Seconds() != seconds {
			t.Errorf("%s after %d failures, want %g s", got, i+1, seconds)
		}
	}
	f.died(now, healthyAfter, 0)
	if got := f.backoff(); got != 0 {
		t.Errorf("%s after a worker that lived", got)
	}
}

func TestWhenWorkersAreHopeless(t *testing.T) {
	for name, c := range map[string]struct {
		every    time.Duration
		progress bool
		after    int // deaths; 0 for never
	}{
		"at once":                  {0, true, maxDeaths},
		"in the window":            {deathWindow / (maxDeaths - 1), true, maxDeaths},
		"now and then":             {deathWindow/(maxDeaths-1) + 1, true, 0},
		"now and then for nothing": {50 * time.Second, false, maxDeaths},
	} {
		var f failures
		now, got := time.Unix(0, 0), 0
		for i := 1; i <= 20 && got == 0; i++ {
			progress := uint64(1)
			if c.progress {
				progress = uint64(i)
			}
			f.died(now, 0, progress)
			if f.hopeless() {
				got = i
			}
			now = now.Add(c.every)
		}
		if got != c.after {
			t.Errorf("%s: hopeless after %d deaths, want %d", name, got, c.after)
		}
	}
}

// Whatever happens: a healthy worker clears the record, and with five deaths
// within two minutes there is no other way.
func TestHopelessProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f failures
		now, progress := time.Unix(0, 0), uint64(0)
		var since []time.Time
		fruitless := 0
		for range rapid.IntRange(1, 30).Draw(t, "deaths") {
			lived := time.Duration(rapid.IntRange(0, 70).Draw(t, "lived")) * time.Second
			now = now.Add(lived + time.Duration(rapid.IntRange(0, 30).Draw(t, "pause"))*time.Second)
			gain := uint64(rapid.IntRange(0, 1).Draw(t, "gain"))
			progress += gain
			if lived >= healthyAfter {
				since, fruitless = nil, 0
			}
			since = append(since, now)
			fruitless++
			if gain > 0 {
				fruitless = 1
			}
			f.died(now, lived, progress)
			recent := 0
			for _, at := range since {
				if now.Sub(at) <= deathWindow {
					recent++
				}
			}
			if want := recent >= maxDeaths || fruitless >= maxDeaths; f.hopeless() != want {
				t.Fatalf("hopeless %v, want %v, with %d recent deaths and %d fruitless", f.hopeless(), want, recent, fruitless)
			}
			if len(f.deaths) > maxDeaths {
				t.Fatalf("%d deaths are kept", len(f.deaths))
			}
		}
	})
}
