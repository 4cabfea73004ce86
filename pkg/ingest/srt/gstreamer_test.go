package srt

import (
	"fmt"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"weir/internal/badnet"
	"weir/pkg/media"
)

// TestGStreamer sends with srtsink, encrypted, over networks that lose packets.
func TestGStreamer(t *testing.T) {
	t.Parallel()
	path := clip(t)
	if err := exec.CommandContext(t.Context(), "gst-inspect-1.0", "srtsink").Run(); err != nil {
		t.Skipf("SKIPPED, NOT TESTED: GStreamer's srtsink is not there: %v", err)
	}
	for name, c := range map[string]struct {
		path    badnet.Conditions
		latency int // ms
		key     int // bytes
	}{
		"2 % lost":                       {badnet.Conditions{Loss: 0.02}, 1000, 16},
		"5 % lost, 5 % disorder, 200 ms": {badnet.Conditions{Loss: 0.05, Disorder: 0.05, Delay: 100 * time.Millisecond}, 2500, 32},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gate := newRecorder()
			gate.passphrase = passphrase
			s, at := serve(t, Config{Gate: gate, Limits: Limits{IdleTimeout: 4 * time.Second}})
			_, front := badnet.New(t, at, c.path)
			var says string
			var err error
			for range 3 { // srtsink gives up where its handshake is lost too often
				if says, err = sendGStreamer(t, path, front, c.latency, c.key); err == nil {
					break
				}
			}
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
		})
	}
}

// sendGStreamer has srtsink send a clip in real time.
func sendGStreamer(t *testing.T, path string, to netip.AddrPort, latency, key int) (says string, err error) {
	t.Helper()
	return run(t, "gst-launch-1.0", "-q",
		"filesrc", "location="+path, "!", "qtdemux", "name=d",
		"d.video_0", "!", "queue", "!", "h264parse", "config-interval=-1", "!", "m.",
		"d.audio_0", "!", "queue", "!", "aacparse", "!", "m.",
		"mpegtsmux", "name=m", "alignment=7", "!", "srtsink", "sync=true",
		fmt.Sprintf("uri=srt://%s?mode=caller", to), "streamid="+goodKey, fmt.Sprintf("latency=%d", latency),
		"passphrase="+passphrase, fmt.Sprintf("pbkeylen=%d", key))
}
