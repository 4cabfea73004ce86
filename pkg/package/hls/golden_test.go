package hls_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"weir/pkg/media"
	"weir/pkg/package/hls"
	"weir/pkg/package/internal/scene"
)

var update = flag.Bool("update", false, "write the golden files anew")

// multivariant is the golden file of that playlist; the others have the
// rendition's name.
const multivariant = "index"

// rendered is every playlist of a presentation.
func rendered(p *media.Presentation) map[string][]byte {
	all := map[string][]byte{multivariant: hls.Multivariant(p, hls.Full)}
	for _, w := range p.Windows {
		id := w.Rendition.ID
		all[id] = hls.MediaPlaylist(p, w, hls.Full)
		if delta := hls.MediaPlaylist(p, w, hls.Delta); !bytes.Equal(delta, all[id]) {
			all[id+"-delta"] = delta
		}
		if w.Rendition.Kind == media.Video {
			all[id+"-iframes"] = hls.IFrames(p, w)
		}
	}
	return all
}

func goldenFile(scene, playlist string) string {
	return filepath.Join("testdata", scene, playlist+".m3u8")
}

func TestGolden(t *testing.T) {
	for _, s := range scene.List() {
		t.Run(s.Name, func(t *testing.T) {
			for name, got := range rendered(s.Presentation) {
				file := goldenFile(s.Name, name)
				holdGolden(t, file, got)
			}
		})
	}
}

// holdGolden compares got with a golden file, or writes that if told to.
func holdGolden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; make golden writes it", err)
	}
	if string(got) != string(want) {
		t.Errorf("%s has changed (make golden, then read the diff); now:\n%s", file, got)
	}
}

// TestSameBytes: a viewer and a cache get the same playlist from two copies of
// the same presentation.
func TestSameBytes(t *testing.T) {
	again := scene.List()
	for i, s := range scene.List() {
		other := rendered(again[i].Presentation)
		for name, got := range rendered(s.Presentation) {
			if string(got) != string(other[name]) {
				t.Errorf("%s, %s: two renderings differ", s.Name, name)
			}
		}
	}
}

func TestUnknownCodecsAreNotHalfSaid(t *testing.T) {
	p := scene.New(scene.Shape{Rate: media.Rational{Num: 30, Den: 1}, Sampling: 48_000}).Presentation()
	p.Windows[1].Rendition.Codecs = ""
	variants := decodeMaster(t, hls.Multivariant(p, hls.Full)).Variants
	for i, want := range []string{"avc1.640028,mp4a.40.2", "", "mp4a.40.2"} {
		if got := variants[i].Codecs; got != want {
			t.Errorf("variant %s: CODECS %q, want %q", variants[i].URI, got, want)
		}
	}
}

func live(b *testing.B) *media.Presentation {
	b.Helper()
	for _, s := range scene.List() {
		if s.Name == "live" {
			return s.Presentation
		}
	}
	b.Fatal("there is no scene called live")
	return nil
}

func BenchmarkMultivariant(b *testing.B) {
	p := live(b)
	b.ReportAllocs()
	for b.Loop() {
		hls.Multivariant(p, hls.Full)
	}
}

func BenchmarkMediaPlaylist(b *testing.B) {
	p := live(b)
	b.ReportAllocs()
	for b.Loop() {
		hls.MediaPlaylist(p, p.Windows[0], hls.Full)
	}
}
