//go:build e2e

package e2e

import (
	"encoding/json"
	"testing"
	"time"
)

// TestWatchPage opens the watch page before the stream and looks at it.
func TestWatchPage(t *testing.T) {
	t.Parallel()
	clip := cameraClip(t)
	b := openBrowser(t)
	w := start(t, t.TempDir())
	b.open("watch", w.pageURL("/watch/main"))
	pass(time.Second)
	b.screenshot("watch", "watch-waiting")
	w.publish(clip)
	b.wait("watch", "document.querySelector('video')?.currentTime > 1", 15*time.Second)
	pass(2 * time.Second)
	b.screenshot("watch", "watch-live")
	var muted bool
	b.evaluate("watch", "document.querySelector('video').muted", &muted)
	if !muted {
		t.Error("the page does not start muted: browsers would not let it start")
	}
	w.hearsFrom("watch page")
}

// hearsFrom waits until a player has told how it fares.
func (w *weir) hearsFrom(player string) {
	w.t.Helper()
	var status struct {
		Audience struct {
			Reporting int     `json:"reporting"`
			Latency   float64 `json:"latency_s"`
		}
	}
	for range 100 {
		body, _ := w.get("/api/v1/streams/main")
		if err := json.Unmarshal([]byte(body), &status); err != nil {
			w.t.Fatal(err)
		}
		if status.Audience.Reporting > 0 && status.Audience.Latency > 0 {
			w.t.Logf("%s: %+v", player, status.Audience)
			return
		}
		pass(100 * time.Millisecond)
	}
	w.t.Errorf("the %s does not tell how far behind it is: %+v", player, status.Audience)
}
