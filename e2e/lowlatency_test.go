//go:build e2e

package e2e

import (
	"net/url"
	"slices"
	"testing"
	"time"
)

// TestLowLatency plays the source in hls.js's low-latency mode for 30 s: it stays
// near the edge, without a stall.
func TestLowLatency(t *testing.T) {
	clip := cameraClip(t)
	b := openBrowser(t)
	w := start(t, t.TempDir(), "--transcode.ladder", "source")
	b.play("hls", w.url("index.m3u8"), url.Values{"ll": {"1"}})
	w.publish(clip)
	b.wait("hls", "window.report().playingAt", 20*time.Second)
	var latencies []float64
	for range 60 {
		pass(500 * time.Millisecond)
		var behind float64
		b.evaluate("hls", "window.latency()", &behind)
		latencies = append(latencies, behind)
	}
	r := b.report("hls")
	if len(r.Stalls) > 0 || len(r.Errors) > 0 || r.Time < 28 {
		t.Errorf("%.1f s played, stalls %.0f, errors %v", r.Time, r.Stalls, r.Errors)
	}
	settled := latencies[len(latencies)/2:] // hls.js catches up first
	slices.Sort(settled)
	p50 := settled[len(settled)/2]
	t.Logf("hls.latency: p50 %.2f s, %.2f to %.2f s; got over %v", p50, settled[0], settled[len(settled)-1], r.Notes)
	if p50 > 2 {
		t.Errorf("hls.js plays %.2f s behind the edge, want 2 s at most", p50)
	}
}
