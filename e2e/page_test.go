//go:build e2e

package e2e

import (
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
}
