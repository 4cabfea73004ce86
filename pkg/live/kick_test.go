package live_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/live"
)

func TestKick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		if err := g.Kick(t.Context(), "main", 0); !errors.Is(err, live.ErrNotPublishing) {
			t.Errorf("nobody was there, and still: %v", err)
		}
		p := g.publish(t)
		if err := p.send(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		if err := g.Kick(t.Context(), "main", 30*time.Second); err != nil {
			t.Fatal(err)
		}
		why, ok := errors.AsType[*ingest.Rejection](p.send(time.Second))
		if !ok || why.Reason != ingest.Kicked || !strings.Contains(why.Message, "again in 30s") {
			t.Errorf("the publisher hears %v", why)
		}
		p.session.Close(ingest.End{Err: errors.New("closed")})
		if err := g.Kick(t.Context(), "main", time.Hour); !errors.Is(err, live.ErrNotPublishing) {
			t.Errorf("it was kicked twice: %v", err)
		}
		advance(30 * time.Second)
		_, err := g.Publish(t.Context(), ingest.Request{Protocol: "rtmp", Key: key})
		if err != nil {
			t.Errorf("a kick that failed holds nobody off: %v", err)
		}
	})
}

func TestKickHoldsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.publish(t)
		if err := g.Kick(t.Context(), "main", 30*time.Second); err != nil {
			t.Fatal(err)
		}
		p.session.Close(ingest.End{Err: errors.New("closed")})
		advance(20 * time.Second)
		_, err := g.Publish(t.Context(), ingest.Request{Protocol: "rtmp", Key: key})
		why, ok := errors.AsType[*ingest.Rejection](err)
		if !ok || why.Reason != ingest.Kicked || !strings.Contains(why.Message, "again in 10s") {
			t.Errorf("it came back too early: %v", err)
		}
		advance(10 * time.Second)
		again := g.publish(t)
		if err := again.send(time.Second); err != nil {
			t.Error(err)
		}
	})
}

func TestSessionsAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		lost := g.publish(t)
		if err := lost.send(2 * time.Second); err != nil {
			t.Fatal(err)
		}
		lost.session.Close(ingest.End{Err: errors.New("broken pipe")})
		synctest.Wait()
		taken := g.publish(t)
		last := g.publish(t)
		synctest.Wait()
		if open := g.Sessions("main")[0]; !open.Ended.IsZero() || open.ID != 3 {
			t.Errorf("the third session is open, said %+v", open)
		}
		taken.session.Close(ingest.End{})
		last.session.Close(ingest.End{OnPurpose: true})
		synctest.Wait()
		var reasons []ingest.Reason
		for _, rec := range g.Sessions("") {
			reasons = append(reasons, rec.Reason)
		}
		if len(reasons) != 3 || reasons[0] != live.EndedOnPurpose || reasons[1] != ingest.TakenOver || reasons[2] != live.EndedLost {
			t.Errorf("the sessions ended by %v", reasons)
		}
		first := g.Sessions("main")[2]
		if first.Ended.Sub(first.Began) != 2*time.Second || first.AccessUnits == 0 {
			t.Errorf("the first session lasted 2 s, said %+v", first)
		}
		if len(g.Sessions("other")) != 0 {
			t.Error("another stream has no sessions")
		}
		// However many come, the memory does not grow.
		for range 600 {
			g.publish(t).session.Close(ingest.End{OnPurpose: true})
		}
		synctest.Wait()
		if all := g.Sessions(""); len(all) != 500 || all[0].ID != 603 {
			t.Errorf("%d sessions are kept, the last is %d", len(all), all[0].ID)
		}
	})
}
