package rtmp

import (
	"os/exec"
	"strings"
	"testing"

	"weir/pkg/media"
)

// gstreamer has rtmp2sink send a clip as fast as it can; it is skipped where that is
// missing.
func gstreamer(t *testing.T, path, url string, options ...string) (said string, err error) {
	t.Helper()
	if err = exec.CommandContext(t.Context(), "gst-inspect-1.0", "rtmp2sink").Run(); err != nil {
		t.Skipf("SKIPPED, NOT TESTED: GStreamer's rtmp2sink is not there: %v", err)
	}
	args := append([]string{
		"-q",
		"filesrc", "location=" + path, "!", "flvdemux", "name=d",
		"d.video", "!", "queue", "!", "h264parse", "!", "m.",
		"d.audio", "!", "queue", "!", "aacparse", "!", "m.",
		"flvmux", "name=m", "streamable=true", "!", "rtmp2sink", "sync=false", "location=" + url,
	}, options...)
	out, err := exec.CommandContext(t.Context(), "gst-launch-1.0", args...).CombinedOutput()
	return string(out), err
}

// TestGStreamerPublishes: GStreamer is a client of its own, and shows why it is
// refused.
func TestGStreamerPublishes(t *testing.T) {
	t.Parallel()
	path := clip(t, "camera_720p60_4M_cbr.flv")
	gate := newRecorder()
	server, address := serve(t, Config{Gate: gate, MaxBitrate: 500_000_000})
	said, err := gstreamer(t, path, "rtmp://"+address+"/live/"+goodKey)
	if err != nil {
		t.Fatalf("GStreamer: %v: %s", err, said)
	}
	s := <-gate.sessions
	if end := <-s.closed; !end.OnPurpose {
		t.Errorf("the session ended %+v, want on purpose", end)
	}
	checkUnits(t, s.units)
	video, audio := probe(t, path, "v:0"), probe(t, path, "a:0")
	if got := s.of(media.Video); len(got) != len(video) {
		t.Errorf("%d of %d pictures", len(got), len(video))
	}
	if got := s.of(media.Audio); len(got) < len(audio)-1 || len(got) > len(audio) {
		t.Errorf("%d of %d frames of audio", len(got), len(audio))
	}
	if stats := server.Stats(); stats.BadUnits != 0 {
		t.Errorf("stats %+v", stats)
	}
	said, err = gstreamer(t, path, "rtmp://"+address+"/live/another-key")
	if err == nil || !strings.Contains(said, "No stream has this stream key") {
		t.Errorf("with a wrong key, GStreamer says %q (%v)", said, err)
	}
}

// TestGStreamerOverTLS: it looks at the certificate, unless it is told not to.
func TestGStreamerOverTLS(t *testing.T) {
	t.Parallel()
	path := clip(t, "camera_720p60_4M_cbr.flv")
	gate, _, url, _ := publishOverTLS(t)
	url += goodKey
	if said, err := gstreamer(t, path, url); err == nil || !strings.Contains(said, "certificate") {
		t.Errorf("GStreamer trusts a certificate that nobody vouches for: %q (%v)", said, err)
	}
	if said, err := gstreamer(t, path, url, "tls-validation-flags=0"); err != nil {
		t.Fatalf("GStreamer: %v: %s", err, said)
	}
	s := <-gate.sessions
	if end := <-s.closed; !end.OnPurpose || s.request.Protocol != "rtmps" || len(s.of(media.Video)) < 150 {
		t.Errorf("the session ended %+v; request %+v, %d pictures", end, s.request, len(s.of(media.Video)))
	}
}
