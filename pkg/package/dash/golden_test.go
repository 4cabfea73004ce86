package dash_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"weir/pkg/media"
	"weir/pkg/package/dash"
	"weir/pkg/package/internal/scene"
)

var update = flag.Bool("update", false, "write the golden files anew")

// scenes are those of which an MPD is asked: an MPD without a Period is not
// valid (5.3.1.2), so nobody asks before the first segment.
func scenes() (some []scene.Scene) {
	for _, s := range scene.List() {
		if s.Name != "before-first" {
			some = append(some, s)
		}
	}
	return some
}

func manifest(tb testing.TB, p *media.Presentation) []byte {
	tb.Helper()
	text, err := dash.Manifest(p, dash.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func goldenFile(scene string) string { return filepath.Join("testdata", scene+".mpd") }

// opening is where one element follows another's tag.
var opening = regexp.MustCompile(`><([^/])`)

// lines begins each element on a line of its own, so that a diff can be read.
// White space there means nothing in an MPD.
func lines(text []byte) []byte {
	text = opening.ReplaceAll(text, []byte(">\n<$1"))
	return append(bytes.TrimRight(text, "\n"), '\n')
}

func TestGolden(t *testing.T) {
	for _, s := range scenes() {
		t.Run(s.Name, func(t *testing.T) {
			got, file := lines(manifest(t, s.Presentation)), goldenFile(s.Name)
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v; make golden writes it", err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s has changed (make golden, then read the diff); now:\n%s", file, got)
			}
		})
	}
}

// TestSameBytes: a viewer and a cache get the same MPD from two copies of the
// same presentation.
func TestSameBytes(t *testing.T) {
	again := scenes()
	for i, s := range scenes() {
		if !bytes.Equal(manifest(t, s.Presentation), manifest(t, again[i].Presentation)) {
			t.Errorf("%s: two renderings differ", s.Name)
		}
	}
}

func BenchmarkManifest(b *testing.B) {
	for _, s := range scenes() {
		if s.Name != "live" && s.Name != "44100" {
			continue
		}
		b.Run(s.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				manifest(b, s.Presentation)
			}
		})
	}
}
