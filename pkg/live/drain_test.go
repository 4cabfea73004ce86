package live_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/live"
)

func reason(err error) ingest.Reason {
	if why, ok := errors.AsType[*ingest.Rejection](err); ok {
		return why.Reason
	}
	return ""
}

// TestDrain: who is there may go on until the drain, nobody comes, and the
// playlists stay open however long the restart takes.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		g := newGate(t, dir)
		p := g.publish(t)
		if err := p.send(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		g.Refuse()
		_, err := g.Publish(t.Context(), ingest.Request{Protocol: "rtmp", Key: key})
		if reason(err) != ingest.ShuttingDown {
			t.Errorf("a new publisher hears %v", err)
		}
		if err := p.send(3 * time.Second); err != nil || g.Publishing() != 1 {
			t.Errorf("%d publish; the publisher cannot go on: %v", g.Publishing(), err)
		}
		if err := g.Drain(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		if err := p.send(time.Second); reason(err) != ingest.ShuttingDown || g.Publishing() != 0 {
			t.Errorf("%d publish; the publisher hears %v", g.Publishing(), err)
		}
		last := g.presentation(t)
		if w := last.Windows[0]; w.Ended || len(w.Open) > 0 {
			t.Errorf("ended %v, %d parts of the open segment are left", w.Ended, len(w.Open))
		}
		advance(10 * time.Minute)
		if st, _ := g.Stream("main"); st.State != live.Reconnecting {
			t.Errorf("after 10 minutes the stream is %s", st.State)
		}
		g.stop()

		again := newGate(t, dir)
		defer again.stop()
		if st, ok := again.Stream("main"); !ok || st.State != live.Reconnecting {
			t.Errorf("after a restart the stream is %s", st.State)
		}
		if err := again.publish(t).send(5 * time.Second); err != nil {
			t.Error(err)
		}
	})
}

func TestDrainToTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.publish(t)
		if err := p.send(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		g.Refuse()
		if err := g.Drain(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		// Its publisher is gone, and it ends all the same.
		if err := g.Drain(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if st, _ := g.Stream("main"); st.State != live.Ended || !g.presentation(t).Windows[0].Ended {
			t.Errorf("the stream is %s", st.State)
		}
		if err := g.Drain(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		advance(6 * time.Minute)
		if _, ok := g.Stream("main"); ok {
			t.Error("the stream is never forgotten")
		}
	})
}
