//go:build e2e

package e2e

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// glass is what observe.js has read from the clock in the picture.
type glass struct {
	// Delays are the milliseconds from the camera to the screen, of each
	// picture shown.
	Delays []float64
	// Unread counts pictures without a clock that can be read.
	Unread int
}

// filmed opens a camera of 1080p on a camera's clip.
func filmed(t *testing.T) *camera {
	t.Helper()
	source := filepath.Join(media, "camera_1080p30_6M_cbr.flv")
	if _, err := os.Stat(source); err != nil {
		missing(t, source)
	}
	return openCamera(t, source, 1920, 1080)
}

// glassSeconds is how long TestGlassToGlass looks; WEIR_GLASS_SECONDS is for a
// measurement in earnest, on an idle machine.
func glassSeconds() int {
	if n, err := strconv.Atoi(os.Getenv("WEIR_GLASS_SECONDS")); err == nil {
		return n
	}
	return 10
}

// TestGlassToGlass reads how far behind the camera each player's picture is,
// with the default ladder.
func TestGlassToGlass(t *testing.T) {
	c := filmed(t)
	for player, manifest := range map[string]string{"hls": "index.m3u8", "dash": "manifest-ll.mpd"} {
		t.Run(player, func(t *testing.T) {
			b := openBrowser(t)
			w := start(t, t.TempDir())
			b.play(player, w.url(manifest), url.Values{"ll": {"1"}})
			w.film(c)
			b.wait(player, "window.report().playingAt", 20*time.Second)
			pass(10 * time.Second) // it catches up first
			b.evaluate(player, "window.watchClock()", nil)
			was := b.report(player)
			var behind []float64
			for range glassSeconds() {
				pass(time.Second)
				var s float64
				b.evaluate(player, "window.latency()", &s)
				behind = append(behind, s)
			}
			var g glass
			b.evaluate(player, "window.glass()", &g)
			r := b.report(player)
			if len(g.Delays) < 10*glassSeconds() {
				t.Fatalf("%d pictures had a clock, %d had none", len(g.Delays), g.Unread)
			}
			slices.Sort(g.Delays)
			slices.Sort(behind)
			at := func(p int) float64 { return g.Delays[(len(g.Delays)-1)*p/100] / 1000 }
			t.Logf("%s: glass to glass p5 %.2f s, p50 %.2f s, p95 %.2f s of %d pictures (%d unread, %d dropped); the player says %.2f s; stalls %.0f; %dp; the gateway's delays %s",
				player, at(5), at(50), at(95), len(g.Delays), g.Unread, r.Dropped-was.Dropped, behind[len(behind)/2], r.Stalls, r.Height, stages(t, w))
			// The bar is 2 s on an idle machine.
			if at(50) > 3 {
				t.Errorf("half of the pictures are more than %.2f s old", at(50))
			}
			if n := len(r.Stalls) - len(was.Stalls); n > 0 {
				t.Errorf("%d stalls: %.0f", n, r.Stalls)
			}
		})
	}
}

// stages is what the gateway says about its own part of the delay.
func stages(t *testing.T, w *weir) string {
	t.Helper()
	body, _ := w.get("/api/v1/streams/main")
	var status struct {
		Worker     json.RawMessage
		Renditions json.RawMessage
	}
	_ = json.Unmarshal([]byte(body), &status)
	return string(status.Worker)
}

// TestFirstPicture measures how long a viewer waits for the first picture: one
// who waited for the stream to begin, from the publisher's connect on, and ones
// who join it while it runs, from the asking for the playlist on.
func TestFirstPicture(t *testing.T) {
	clip := cameraClip(t)
	b := openBrowser(t)
	w := start(t, t.TempDir())
	b.play("hls", w.url("index.m3u8"), url.Values{"ll": {"1"}})
	pass(time.Second)
	w.publish(clip)
	b.wait("hls", "window.report().pictureAt", 20*time.Second)
	waited := float64(*b.report("hls").PictureAt-w.logged("publisher connected").UnixMilli()) / 1000
	t.Logf("first picture %.2f s after the publisher's connect", waited)
	// The bars are 2.5 s and 500 ms on an idle machine.
	if waited > 3 {
		t.Errorf("a waiting viewer's first picture came after %.2f s", waited)
	}
	b.do("close", map[string]any{"page": "hls"})
	pass(10 * time.Second)
	var joins []float64
	for range 5 {
		b.play("hls", w.url("index.m3u8"), url.Values{"ll": {"1"}})
		b.wait("hls", "window.report().pictureAt", 20*time.Second)
		r := b.report("hls")
		joins = append(joins, float64(*r.PictureAt-*r.AskedAt))
		b.do("close", map[string]any{"page": "hls"})
	}
	slices.Sort(joins)
	t.Logf("first picture after joining: %.0f ms", joins)
	if joins[len(joins)/2] > 1000 {
		t.Errorf("joining took %.0f ms", joins)
	}
}
