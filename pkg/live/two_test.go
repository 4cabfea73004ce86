package live_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/live"
	"weir/pkg/media"
)

var errReset = errors.New("connection reset")

// backup comes with a backup's key, primary with another.
func (g gate) backup(t *testing.T) *publisher {
	t.Helper()
	return g.as(t, ingest.Rules{Backup: true})
}

func (g gate) primary(t *testing.T) *publisher {
	t.Helper()
	return g.as(t, ingest.Rules{})
}

func (g gate) as(t *testing.T, rules ingest.Rules) *publisher {
	t.Helper()
	p, err := g.with(t, rules)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// together has publishers send at the same time.
func together(d time.Duration, all ...*publisher) {
	var sending sync.WaitGroup
	for _, p := range all {
		sending.Go(func() {
			if err := p.send(d); err != nil {
				p.t.Errorf("sending ended with %v", err)
			}
		})
	}
	sending.Wait()
}

// onAir is who is: primary, backup or, without a session, none.
func (g gate) onAir() string {
	synctest.Wait()
	st, _ := g.Stream("main")
	switch {
	case st.Session == nil:
		return "none"
	case st.Backup != nil && st.Backup.OnAir:
		return "backup"
	}
	return "primary"
}

// sendUntil sends until who is on air, for at most most, and says how long that took.
func (g gate) sendUntil(t *testing.T, who string, most time.Duration, all ...*publisher) time.Duration {
	t.Helper()
	began := time.Now()
	for time.Since(began) < most {
		if g.onAir() == who {
			return time.Since(began)
		}
		if st, _ := g.Stream("main"); st.State != live.Live && st.State != live.Ended {
			t.Errorf("viewers are told that the stream is %s", st.State)
		}
		together(40*time.Millisecond, all...)
	}
	t.Fatalf("%s is not on air after %v", who, most)
	return 0
}

func (g gate) expectSwitches(t *testing.T, switches, absences uint64) {
	t.Helper()
	synctest.Wait()
	st, _ := g.Stream("main")
	var all uint64
	for _, n := range st.Switches {
		all += n
	}
	if all != switches || st.Absences != absences || st.OnAir != live.OnAirSource || st.State != live.Live {
		t.Errorf("%d switches and %d absences, want %d and %d; %s with %s on air", all, st.Absences, switches, absences, st.State, st.OnAir)
	}
}

// expectNoHole fails where a timeline has one: longer than a frame, as two publishers'
// frames do not meet.
func expectNoHole(t *testing.T, view *media.Presentation) {
	t.Helper()
	for _, w := range view.Windows {
		for i := 1; i < len(w.Segments); i++ {
			last := w.Segments[i-1]
			if hole := w.Rendition.Timescale.Duration(w.Segments[i].Start - last.Start - last.Duration); hole > 50*time.Millisecond {
				t.Errorf("%s: a hole of %v before segment %d", w.Rendition.ID, hole, w.Segments[i].MSN)
			}
		}
	}
}
