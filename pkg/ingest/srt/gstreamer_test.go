package srt

import (
	"fmt"
	"os/exec"
	"testing"
	"time"

	"weir/internal/badnet"
	"weir/pkg/media"
)

// TestGStreamer sends with srtsink, encrypted, over a network that loses 2 %.
func TestGStreamer(t *testing.T) {
	t.Parallel()
	path := clip(t)
	if err := exec.CommandContext(t.Context(), "gst-inspect-1.0", "srtsink").Run(); err != nil {
		t.Skip("GStreamer's srtsink is not there")
	}
	gate := newRecorder()
	s, at := serve(t, Config{Gate: gate, Limits: Limits{IdleTimeout: 3 * time.Second}, Passphrase: func(string) string { return passphrase }})
	_, front := badnet.New(t, at, badnet.Conditions{Loss: 0.02})
	says, err := run(t, "gst-launch-1.0", "-q",
		"filesrc", "location="+path, "!", "qtdemux", "name=d",
		"d.video_0", "!", "queue", "!", "h264parse", "config-interval=-1", "!", "m.",
		"d.audio_0", "!", "queue", "!", "aacparse", "!", "m.",
		"mpegtsmux", "name=m", "alignment=7", "!", "srtsink", "sync=true",
		fmt.Sprintf("uri=srt://%s?mode=caller", front), "streamid="+goodKey, "latency=1000",
		"passphrase="+passphrase, "pbkeylen=16")
	if err != nil {
		t.Fatalf("%v: %s", err, says)
	}
	got := gate.next(t)
	got.ended(t)
	// srtsink throws away what it has not sent when it ends.
	if video, audio := len(got.by(media.Video)), len(got.by(media.Audio)); video < 80 || audio < 120 {
		t.Errorf("%d of 121 pictures and %d of 190 frames of audio: %s", video, audio, says)
	}
	pictures := got.by(media.Video)
	for i, u := range pictures[:min(len(pictures), 80)] {
		if i == 0 && !u.Sync || i > 0 && u.DTS-pictures[i-1].DTS > 3100 {
			t.Errorf("picture %d: %+v", i, u)
		}
	}
	if stats := s.Stats(); stats.Sealed != 0 || stats.Lost == 0 || stats.Again == 0 {
		t.Errorf("%+v", stats)
	}
}
