package live_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/live"
)

// TestConfigure: a session goes on although its key is gone; keys and the
// resume window hold at once.
func TestConfigure(t *testing.T) {
	const other = "another-key-of-the-stream"
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.publish(t)
		if err := p.send(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		keys, err := ingest.NewKeys([]ingest.StreamKey{{Name: "main", Key: other}})
		if err != nil {
			t.Fatal(err)
		}
		g.Configure(live.Config{Keys: keys, ResumeWindow: 5 * time.Second, SourceOnly: true, AudioBitrate: 128_000})
		if err := p.send(5 * time.Second); err != nil {
			t.Errorf("the session did not go on: %v", err)
		}
		for _, w := range g.presentation(t).Windows {
			if first, last := w.Segments[0].Period, w.Segments[len(w.Segments)-1].Period; first != last {
				t.Errorf("viewers of %s see a discontinuity", w.Rendition.ID)
			}
		}
		p.session.Close(ingest.End{Err: errors.New("lost")})
		if _, err := g.Publish(t.Context(), ingest.Request{Protocol: "rtmp", Key: key}); err == nil {
			t.Error("the old key still opens the stream")
		}
		advance(7 * time.Second)
		synctest.Wait()
		if st, _ := g.Stream("main"); st.State != live.Ended {
			t.Errorf("7 s after the loss, with a resume window of 5 s, the stream is %s", st.State)
		}
		if _, err := g.Publish(t.Context(), ingest.Request{Protocol: "rtmp", Key: other}); err != nil {
			t.Errorf("the new key opens nothing: %v", err)
		}
	})
}
