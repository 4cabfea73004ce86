//go:build e2e

package e2e

import (
	"context"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestReaders has programs that are no browsers play, side by side, 200 pictures and 6 s of
// sound, by HLS as it stands, by HLS without low latency, and by DASH. GStreamer
// 1.22 is left out of DASH: in a live SegmentTimeline it counts a segment's place
// from the start of the timeline twice, and asks for what will be in 56 years.
func TestReaders(t *testing.T) {
	t.Parallel()
	clip := cameraClip(t)
	for _, name := range []string{"gst-launch-1.0", "mpv", "ffmpeg"} {
		program(t, name)
	}
	w := start(t, t.TempDir())
	w.publish(clip)
	eventually(t, 10*time.Second, "the stream is there", func() bool {
		_, code := fetch(t, w.url("manifest.mpd"))
		return code == http.StatusOK
	})
	for _, manifest := range []string{"index.m3u8", "index.m3u8?ll=0", "manifest.mpd"} {
		var beside sync.WaitGroup
		for _, reader := range [][]string{
			{
				"gst-launch-1.0", "-q", "playbin3", "uri=URL",
				"video-sink=fakesink sync=true num-buffers=200", "audio-sink=fakesink sync=true num-buffers=280",
			},
			{"mpv", "--no-config", "--msg-level=all=warn", "--vo=null", "--ao=null", "--frames=200", "URL"},
			{"ffmpeg", "-nostdin", "-v", "warning", "-xerror", "-i", "URL", "-map", "0:v:0", "-map", "0:a:0", "-frames:v", "200", "-f", "null", "-"},
		} {
			if strings.HasPrefix(reader[0], "gst") && manifest == "manifest.mpd" {
				continue
			}
			beside.Go(func() { read(t, reader[0]+" "+manifest, replaced(reader, w.url(manifest))) })
		}
		beside.Wait()
	}
}

// replaced puts the URL where the arguments want it.
func replaced(arguments []string, address string) []string {
	out := make([]string, len(arguments))
	for i, a := range arguments {
		out[i] = strings.ReplaceAll(a, "URL", address)
	}
	return out
}

// read has a program play for as long as its arguments say.
func read(t *testing.T, name string, command []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	began := time.Now()
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	t.Logf("%s, %.1f s: %s", name, time.Since(began).Seconds(), out)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
}
