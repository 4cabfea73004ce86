package live_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/live"
)

// TestConfigure: a session goes on, and the resume window holds at once.
func TestConfigure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.publish(t)
		if err := p.send(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		g.Configure(live.Config{ResumeWindow: 5 * time.Second, SourceOnly: true, AudioBitrate: 128_000})
		if err := p.send(5 * time.Second); err != nil {
			t.Errorf("the session did not go on: %v", err)
		}
		for _, w := range g.presentation(t).Windows {
			if first, last := w.Segments[0].Period, w.Segments[len(w.Segments)-1].Period; first != last {
				t.Errorf("viewers of %s see a discontinuity", w.Rendition.ID)
			}
		}
		p.session.Close(ingest.End{Err: errors.New("lost")})
		advance(7 * time.Second)
		synctest.Wait()
		if st, _ := g.Stream("main"); st.State != live.Ended {
			t.Errorf("7 s after the loss, with a resume window of 5 s, the stream is %s", st.State)
		}
	})
}
