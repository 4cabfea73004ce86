package live_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/ingest"
)

// with publishes under rules.
func (g gate) with(t *testing.T, rules ingest.Rules) (*publisher, error) {
	t.Helper()
	g.rules.Store(&rules)
	session, err := g.Publish(t.Context(), ingest.Request{Protocol: "rtmp", Application: "live", Key: key})
	if err != nil {
		return nil, err
	}
	return (&publisher{t: t, session: session}).tracks(), nil
}

func reasonOf(err error) ingest.Reason {
	if why, ok := errors.AsType[*ingest.Rejection](err); ok {
		return why.Reason
	}
	return ""
}

// TestTakeoverForbidden: whoever must not take over is refused while the other one
// sends, and comes in when that has been silent for a while.
func TestTakeoverForbidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.publish(t)
		if err := p.send(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		forbid := ingest.Rules{Takeover: ingest.TakeoverForbid}
		if _, err := g.with(t, forbid); reasonOf(err) != ingest.AlreadyLive || !strings.Contains(err.Error(), "Stop that one first") {
			t.Errorf("it is told %v", err)
		}
		if err := p.send(5 * time.Second); err != nil {
			t.Errorf("the other one was disturbed: %v", err)
		}
		advance(4 * time.Second) // its connection is dead, and nobody knows it yet
		back, err := g.with(t, forbid)
		if err != nil {
			t.Fatalf("it does not come back: %v", err)
		}
		if why := reasonOf(p.send(time.Second)); why != ingest.TakenOver {
			t.Errorf("the dead one ended by %q", why)
		}
		if err := back.send(2 * time.Second); err != nil {
			t.Error(err)
		}
		if _, err := g.with(t, ingest.Rules{}); err != nil {
			t.Errorf("another key may take over: %v", err)
		}
	})
}

// TestDuration counts a broadcast over its reconnects, and anew when the stream
// has ended.
func TestDuration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		rules := ingest.Rules{MaxDuration: 30}
		p, err := g.with(t, rules)
		if err != nil {
			t.Fatal(err)
		}
		if err = p.send(20 * time.Second); err != nil {
			t.Fatal(err)
		}
		p.session.Close(ingest.End{Err: errors.New("lost")})
		if p, err = g.with(t, rules); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		err = p.send(20 * time.Second)
		if lasted := time.Since(begin); reasonOf(err) != ingest.DurationReached || lasted < 9*time.Second || lasted > 11*time.Second {
			t.Errorf("it went on for %v: %v", lasted, err)
		}
		p.session.Close(ingest.End{Err: err})
		if _, err = g.with(t, rules); reasonOf(err) != ingest.DurationReached {
			t.Errorf("it comes back: %v", err)
		}
		advance(62 * time.Second) // the resume window
		synctest.Wait()
		if _, err = g.with(t, rules); err != nil {
			t.Errorf("no second broadcast: %v", err)
		}
	})
}

// TestRevoke ends the session that came with a key, and no other.
func TestRevoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.publish(t)
		g.Revoke(t.Context(), "another")
		if err := p.send(2 * time.Second); err != nil {
			t.Fatal(err)
		}
		g.Revoke(t.Context(), keyID)
		if why := reasonOf(p.send(time.Second)); why != ingest.KeyRevoked {
			t.Errorf("it ended by %q", why)
		}
	})
}
