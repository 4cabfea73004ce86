//go:build e2e

package e2e

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestLowLatency plays the source for 30 s in the low-latency mode of each player:
// it stays near the edge, without a stall. Other tests run beside this one;
// TestGlassToGlass measures alone.
func TestLowLatency(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		manifest string
		most     float64
	}{
		"hls":   {"index.m3u8", 3},
		"dash":  {"manifest-ll.mpd", 3},
		"shaka": {"manifest-ll.mpd", 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clip := cameraClip(t)
			b := openBrowser(t)
			w := start(t, t.TempDir(), "--transcode.ladder", "source")
			b.play(name, w.url(c.manifest), url.Values{"ll": {"1"}})
			w.publish(clip)
			nearTheEdge(t, b, name, c.most)
		})
	}
}

// nearTheEdge watches a player for 30 s.
func nearTheEdge(t *testing.T, b *browser, player string, most float64) {
	t.Helper()
	b.wait(player, "window.report().playingAt", 20*time.Second)
	began := b.report(player).Time
	var latencies []float64
	for range 60 {
		pass(500 * time.Millisecond)
		var behind float64
		b.evaluate(player, "window.latency()", &behind)
		latencies = append(latencies, behind)
	}
	r := b.report(player)
	if len(r.Stalls) > 0 || len(r.Errors) > 0 || r.Time-began < 28 {
		t.Errorf("%.1f s played, stalls %.0f, errors %v", r.Time-began, r.Stalls, r.Errors)
	}
	settled := latencies[len(latencies)/2:] // players catch up first
	slices.Sort(settled)
	p50 := settled[len(settled)/2]
	t.Logf("latency: p50 %.2f s, %.2f to %.2f s; got over %v", p50, settled[0], settled[len(settled)-1], r.Notes)
	if p50 > most {
		t.Errorf("it plays %.2f s behind the edge, want %.0f s at most", p50, most)
	}
}

// TestLowLatencySwitches goes through all rungs in the low-latency mode of each
// player; hls.js is led by what the playlists report of each other.
func TestLowLatencySwitches(t *testing.T) {
	t.Parallel()
	for player, manifest := range map[string]string{"hls": "index.m3u8", "dash": "manifest-ll.mpd", "shaka": "manifest-ll.mpd"} {
		t.Run(player, func(t *testing.T) {
			clip := cameraClip(t)
			b := openBrowser(t)
			w := start(t, t.TempDir())
			b.play(player, w.url(manifest), url.Values{"ll": {"1"}})
			w.publish(clip)
			b.wait(player, "window.report().playingAt", 20*time.Second)
			pass(5 * time.Second)
			selectEach(t, b, player)
			var behind float64
			b.evaluate(player, "window.latency()", &behind)
			r := b.report(player)
			t.Logf("%.2f s behind the edge in the end; stalls %.0f, got over %v", behind, r.Stalls, r.Notes)
			if behind > 5 {
				t.Errorf("it plays %.2f s behind the edge after switching", behind)
			}
		})
	}
}

// ahead is the media that the watch page's player has got beyond what it shows.
const ahead = `(() => { const v = document.querySelector("video"); return v.buffered.length ? v.buffered.end(v.buffered.length - 1) - v.currentTime : 0 })()`

// jitterClip is half a minute of pictures that come at irregular times.
func jitterClip(t *testing.T) string {
	t.Helper()
	return cached(t, "jitter-360p-30s.flv", append([]string{
		"-f", "lavfi", "-i", "testsrc2=s=640x360:r=30", "-f", "lavfi", "-i", "sine=f=440:r=48000", "-t", "30",
		"-vf", "settb=1/1000,setpts='PTS+0.8*random(1)/30/TB'", "-fps_mode", "vfr", "-enc_time_base", "1:1000",
	}, encoding()...)...)
}

// TestWatchPageLatency plays a source of a constant frame rate, which has parts,
// and one of a variable rate, which has none, on the watch page.
func TestWatchPageLatency(t *testing.T) {
	t.Parallel()
	clips := map[string]string{"constant": cameraClip(t), "variable": jitterClip(t)}
	b := openBrowser(t)
	for name, clip := range clips {
		for _, player := range []string{"hls", "dash"} {
			t.Run(name+"-"+player, func(t *testing.T) { watchLatency(t, b, player, clip, name == "constant") })
		}
	}
}

// watchLatency plays clip on the watch page.
func watchLatency(t *testing.T, b *browser, player, clip string, constant bool) {
	t.Helper()
	w := start(t, t.TempDir(), "--transcode.ladder", "source")
	page := t.Name()
	b.open(page, w.pageURL("/watch/main?player="+player))
	w.publish(clip)
	b.wait(page, "document.querySelector('video')?.readyState >= 3 && document.querySelector('video').currentTime > 1", 20*time.Second)
	var most float64
	for range 20 {
		pass(500 * time.Millisecond)
		var now float64
		b.evaluate(page, ahead, &now)
		most = max(most, now)
	}
	var trouble bool
	b.evaluate(page, "document.querySelector('video').paused || document.querySelector('video').readyState < 3", &trouble)
	playlist, _ := w.get("/live/main/source/index.m3u8")
	isLow := strings.Contains(playlist, "#EXT-X-PART:")
	t.Logf("parts: %v; at most %.1f s ahead", isLow, most)
	if trouble || isLow != constant || isLow && most > 3 {
		t.Errorf("does not play well: parts %v, %.1f s ahead, stopped %v", isLow, most, trouble)
	}
	b.do("close", map[string]any{"page": page})
}

// TestLowLatencyGoesOn loses the publisher for 2 s and lets it come back: the
// segment that was open breaks off, and DASH players go on near the edge.
func TestLowLatencyGoesOn(t *testing.T) {
	t.Parallel()
	clip := cameraClip(t)
	b := openBrowser(t)
	w := start(t, t.TempDir(), "--transcode.ladder", "source")
	players := []string{"dash", "shaka"}
	for _, player := range players {
		b.play(player, w.url("manifest-ll.mpd"), url.Values{"ll": {"1"}})
	}
	first := w.publish(clip)
	for _, player := range players {
		b.wait(player, "window.report().playingAt", 20*time.Second)
	}
	pass(6 * time.Second)
	first.kill()
	pass(2 * time.Second)
	w.publish(clip)
	pass(10 * time.Second)
	for _, player := range players {
		before := b.report(player).Time
		pass(5 * time.Second)
		var behind float64
		b.evaluate(player, "window.latency()", &behind)
		r := b.report(player)
		t.Logf("%s: %.1f s in the last 5 s, %.2f s behind the edge, stalls %.0f", player, r.Time-before, behind, r.Stalls)
		if r.Time-before < 4 || behind > 4 || len(r.Errors) > 0 {
			t.Errorf("%s did not go on by itself: %.1f s in 5 s, errors %v", player, r.Time-before, r.Errors)
		}
	}
}
