package gateway

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"weir/pkg/media"
	"weir/pkg/publish"
)

// TestMultitrack publishes one picture in three sizes, as OBS does, and finds three
// renditions with the same segments, of which the gateway has encoded none.
func TestMultitrack(t *testing.T) {
	t.Parallel()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skipf("SKIPPED, NOT TESTED: ffmpeg is not installed: %v", err)
	}
	dir := t.TempDir()
	clips := make([]string, 0, 3)
	for _, lines := range []int{360, 240, 120} {
		clip := filepath.Join(dir, fmt.Sprintf("%d.mp4", lines))
		// With B-frames in the largest alone: their times are reordered differently.
		made := exec.CommandContext(t.Context(), ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30",
			"-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", "9", "-vf", fmt.Sprintf("scale=-2:%d", lines), "-pix_fmt", "yuv420p",
			"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-x264-params", "keyint=60:min-keyint=60:scenecut=0", "-c:a", "aac", "-ac", "2", clip)
		if out, failed := made.CombinedOutput(); failed != nil {
			t.Skipf("SKIPPED, NOT TESTED: this ffmpeg makes no clip: %v, %s", failed, out)
		}
		clips = append(clips, clip)
	}
	w := newWay(t)
	err = publish.Run(t.Context(), publish.Options{
		File: clips[0], Tracks: clips[1:], URL: "rtmp://" + w.address + "/live/choir", Speed: 100,
	})
	if err != nil {
		t.Fatal(err)
	}
	st, ok := w.windows.Stream("choir")
	if !ok {
		t.Fatal("nothing was published")
	}
	p, err := st.Wait(t.Context(), func(p *media.Presentation) bool { return p.Ended })
	if err != nil {
		t.Fatal(err)
	}
	windows := p.Windows
	if len(windows) != 4 {
		t.Fatalf("%d renditions", len(windows))
	}
	for i, id := range []string{"source", "240p", "120p"} {
		r, segments := windows[i].Rendition, windows[i].Segments
		if r.ID != id || !r.Passthrough || r.Codecs == "" || len(segments) != 5 {
			t.Fatalf("rendition %d is %+v with %d segments", i, r, len(segments))
		}
		for n, seg := range segments {
			if same := windows[0].Segments[n]; seg.Gap || seg.MSN != same.MSN || seg.Start != same.Start || seg.Duration != same.Duration {
				t.Errorf("segment %d of %s is %+v, of the source %+v", n, id, seg, same)
			}
		}
	}
	if stats := w.server.Stats(); stats.BadUnits+stats.OtherUnits > 0 {
		t.Errorf("stats %+v", stats)
	}
}
