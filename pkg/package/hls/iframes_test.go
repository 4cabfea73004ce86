package hls_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"weir/pkg/media"
	"weir/pkg/package/internal/scene"
)

// TestIFrames holds the golden I-frame playlists to 4.4.3.6 and to what was
// published.
func TestIFrames(t *testing.T) {
	for _, s := range scene.List() {
		for _, w := range s.Windows {
			if w.Rendition.Kind != media.Video {
				continue
			}
			text, err := os.ReadFile(goldenFile(s.Name, w.Rendition.ID+"-iframes"))
			if err != nil {
				t.Fatalf("%v; make golden writes it", err)
			}
			entries, rest := parse(t, text)
			head := header(entries, rest)
			versionRule(t, head, 5)
			if len(entries) > 0 {
				head.one(t, "#EXT-X-I-FRAMES-ONLY")
			}
			if len(entries) != len(w.Segments) {
				t.Fatalf("%s: %d pictures of %d segments", s.Name, len(entries), len(w.Segments))
			}
			for i, e := range entries {
				seg := w.Segments[i]
				ranges, gaps := e.all("#EXT-X-BYTERANGE"), e.all("#EXT-X-GAP")
				if e.uri != strconv.FormatInt(int64(seg.Start), 10)+".m4s" || len(ranges)+len(gaps) != 1 {
					t.Errorf("%s: %s has ranges %v and gaps %v", s.Name, e.uri, ranges, gaps)
				}
				if len(ranges) == 1 && ranges[0] != strconv.Itoa(seg.Parts[0].Lead)+"@0" || (len(gaps) == 1) != (len(seg.Parts) == 0) {
					t.Errorf("%s: segment %d of %d parts has range %v", s.Name, seg.MSN, len(seg.Parts), ranges)
				}
				e.one(t, "#EXTINF")
			}
			index, err := os.ReadFile(goldenFile(s.Name, multivariant))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(index), `URI="`+w.Rendition.ID+`/iframes.m3u8"`) {
				t.Errorf("%s: the multivariant playlist does not list the pictures of %s", s.Name, w.Rendition.ID)
			}
		}
	}
}
