package live_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/live"
)

// The backup goes on air as soon as the primary is lost, wherever its keyframes stand,
// and neither a slate nor a gap is between.
func TestBackupTakesTheLostPrimarysPlace(t *testing.T) {
	for _, frames := range []int{150, 160, 173, 187, 197} { // the last one is just too late for a keyframe
		after := time.Duration(frames) * 40 * time.Millisecond
		t.Run(after.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate(t, t.TempDir())
				defer g.stop()
				main := g.primary(t)
				together(time.Second, main)
				spare := g.backup(t)
				together(after, main, spare)
				if st, _ := g.Stream("main"); st.Backup == nil || st.Backup.OnAir || len(st.Switches) > 0 {
					t.Errorf("the backup is %+v", st.Backup)
				}
				main.session.Close(ingest.End{Err: errReset})
				if took := g.sendUntil(t, "backup", 4*time.Second, spare); took > 100*time.Millisecond {
					t.Errorf("the backup went on air after %v", took)
				}
				together(6*time.Second, spare)
				g.expectSwitches(t, 1, 0)
				view := g.expectConsistent(t)
				for _, w := range view.Windows {
					if got := letters(w); !strings.HasPrefix(got, "sss") || strings.Count(got, "|") != 1 || strings.Contains(got, "g") || !strings.HasSuffix(got, "ss") {
						t.Errorf("%s lists %s", w.Rendition.ID, got)
					}
				}
				expectNoHole(t, view)
				spare.session.Close(ingest.End{Err: errReset})
			})
		})
	}
}

// A primary that stalls is no better than one that is lost. It is on air again when
// its media has come for ten seconds, at its next keyframe, whether it sends what it
// has held back or goes on where it stopped.
func TestStalledPrimaryGetsItsPlaceBack(t *testing.T) {
	for name, late := range map[string]time.Duration{"catches up": 6 * time.Second, "goes on where it stopped": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate(t, t.TempDir())
				defer g.stop()
				main, spare := g.primary(t), g.backup(t)
				together(7*time.Second, main, spare)
				if took := g.sendUntil(t, "backup", 4*time.Second, spare); took < 900*time.Millisecond {
					t.Errorf("the backup went on air after %v", took)
				}
				together(7*time.Second-2*time.Second, spare)
				main.atOnce = true
				together(late, main)
				main.atOnce = false
				together(2*time.Second, main, spare)
				if main.session.Err() != nil || g.onAir() != "backup" {
					t.Fatal("the primary is back too early")
				}
				took := 2*time.Second + g.sendUntil(t, "primary", 15*time.Second, main, spare)
				if took < 9900*time.Millisecond || took > 13*time.Second {
					t.Errorf("the primary is on air again after %v", took)
				}
				together(6*time.Second, main, spare)
				g.expectSwitches(t, 2, 0)
				view := g.expectConsistent(t)
				expectNoHole(t, view)
				if got := letters(view.Windows[0]); !strings.Contains(got, "s|s") {
					t.Errorf("there is a gap on the way back: %s", got)
				}
				if spare.session.Err() != nil {
					t.Error("the backup does not stand by any more")
				}
				main.session.Close(ingest.End{OnPurpose: true})
				spare.session.Close(ingest.End{Err: errReset})
			})
		})
	}
}

// A primary that comes and goes is not switched to.
func TestUnsteadyPrimaryStaysOffAir(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		spare := g.backup(t)
		together(3*time.Second, spare)
		if g.onAir() != "backup" {
			t.Fatal("a backup that nobody is before is not on air at once")
		}
		main := g.primary(t)
		for range 5 {
			together(8*time.Second, main, spare)
			together(1200*time.Millisecond, spare)
		}
		if g.onAir() != "backup" {
			t.Error("it went on air")
		}
		main.session.Close(ingest.End{Err: errReset})
		together(2*time.Second, spare)
		g.expectSwitches(t, 0, 0)
		main = g.primary(t)
		if took := g.sendUntil(t, "primary", 15*time.Second, main, spare); took < 9900*time.Millisecond || took > 13*time.Second {
			t.Errorf("a steady one is on air after %v", took)
		}
		g.expectConsistent(t)
		// Without the one that is on air, the other one waits for nothing.
		spare.session.Close(ingest.End{Err: errReset})
		together(5*time.Second, main)
		g.expectSwitches(t, 1, 0)
		main.session.Close(ingest.End{OnPurpose: true})
	})
}

// Without both there is the slate (a gap, here), until one of them is back.
func TestBothPublishersLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		main, spare := g.primary(t), g.backup(t)
		together(7*time.Second, main, spare)
		main.session.Close(ingest.End{Err: errReset})
		spare.session.Close(ingest.End{Err: errReset})
		advance(8 * time.Second)
		if st, _ := g.Stream("main"); st.OnAir != live.OnAirGap || st.Absences != 1 || st.Backup != nil {
			t.Errorf("%s is on air, %d absences, backup %+v", st.OnAir, st.Absences, st.Backup)
		}
		spare = g.backup(t)
		together(5*time.Second, spare)
		g.expectConsistent(t)
		g.expectSwitches(t, 1, 1)
		spare.session.Close(ingest.End{Err: errReset})
		advance(65 * time.Second)
		if !g.presentation(t).Ended {
			t.Error("the resume window has no end")
		}
	})
}

// A backup that stood by without sending begins a stream again that nobody was left of.
func TestSilentBackupComesBackAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		main, spare := g.primary(t), g.backup(t)
		together(7*time.Second, main, spare)
		advance(900 * time.Millisecond)
		main.session.Close(ingest.End{Err: errReset})
		advance(70 * time.Second)
		if st, _ := g.Stream("main"); st.State != live.Ended || st.Session != nil || st.Backup == nil {
			t.Errorf("after the resume window: %s, backup %+v", st.State, st.Backup)
		}
		together(14*time.Second, spare)
		g.expectSwitches(t, 1, 1)
		g.expectConsistent(t)
		spare.session.Close(ingest.End{Err: errReset})
	})
}

// Only the primary ends the stream, on air or not; the backup waits for it to come
// again. A backup that says that it is done is as good as lost.
func TestOnlyThePrimaryEndsTheStream(t *testing.T) {
	for _, back := range []bool{false, true} {
		t.Run(fmt.Sprint("stands by: ", back), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate(t, t.TempDir())
				defer g.stop()
				main, spare := g.primary(t), g.backup(t)
				together(7*time.Second, main, spare)
				if back {
					g.sendUntil(t, "backup", 4*time.Second, spare)
					together(time.Second, main, spare)
				}
				main.session.Close(ingest.End{OnPurpose: true})
				if !g.presentation(t).Ended {
					t.Fatal("the stream has not ended")
				}
				together(6*time.Minute, spare)
				if st, ok := g.Stream("main"); !ok || st.State != live.Ended || st.Session != nil || st.Backup == nil || st.Backup.OnAir {
					t.Fatalf("the backup does not wait: %+v", st)
				}
				main = g.primary(t)
				together(6*time.Second, main, spare)
				main.session.Close(ingest.End{Err: errReset})
				g.sendUntil(t, "backup", 4*time.Second, spare)
				spare.session.Close(ingest.End{OnPurpose: true})
				if view := g.expectConsistent(t); view.Ended {
					t.Error("the backup has ended the stream")
				}
			})
		})
	}
}

// Each of the two is taken over by its like alone, and kicks end both.
func TestWhoTakesOverFromWhom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		main, spare := g.primary(t), g.backup(t)
		together(3*time.Second, main, spare)
		another := g.backup(t)
		if why := reasonOf(spare.send(time.Second)); why != ingest.TakenOver {
			t.Errorf("the first backup ended by %q", why)
		}
		spare.session.Close(ingest.End{Err: errReset})
		together(2*time.Second, main, another)
		forbid := ingest.Rules{Backup: true, Takeover: ingest.TakeoverForbid}
		if _, err := g.with(t, forbid); reasonOf(err) != ingest.AlreadyLive {
			t.Errorf("a backup that must not take over is told %v", err)
		}
		main.session.Close(ingest.End{Err: errReset})
		synctest.Wait()
		back := g.primary(t) // at once, but it has to be steady
		together(4*time.Second, back, another)
		g.expectSwitches(t, 1, 0)
		if err := g.Kick(t.Context(), "main", time.Minute); err != nil {
			t.Fatal(err)
		}
		for _, p := range []*publisher{back, another} {
			if why := reasonOf(p.send(time.Second)); why != ingest.Kicked {
				t.Errorf("one ended by %q", why)
			}
		}
		for _, rec := range g.Sessions("main") {
			if rec.Ended.IsZero() || rec.AccessUnits == 0 {
				t.Errorf("the record of a session is %+v", rec)
			}
		}
	})
}
