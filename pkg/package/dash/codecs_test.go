package dash_test

import (
	"testing"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"

	"weir/pkg/media"
	"weir/pkg/package/internal/scene"
)

// TestAnotherCodecHasASetOfItsOwn: players choose a codec before they adapt, and
// begin with the ladder.
func TestAnotherCodecHasASetOfItsOwn(t *testing.T) {
	s := scene.New(scene.Shape{Rate: media.Rational{Num: 30, Den: 1}, Sampling: 48_000}).Publish(3).Break(time.Second, 1).Publish(4)
	p := s.Presentation()
	for _, w := range p.Windows {
		if w.Rendition.ID != scene.Low {
			continue
		}
		for i, seg := range w.Segments {
			if seg.Period.Sequence > 0 {
				init, track, other := *seg.Init, *seg.Init.Track, *seg
				track.Codec, init.Codecs, init.Track, other.Init = media.AV1, "av01.0.08M.08", &track, &init
				w.Segments[i] = &other
			}
		}
	}
	m, err := mpd.MPDFromBytes(manifest(t, p))
	if err != nil {
		t.Fatal(err)
	}
	type set struct {
		id, priority uint32
		codecs       string
	}
	want := [][]set{
		{{0, 1, "avc1.640028"}, {1, 1, "mp4a.40.2"}},
		{{0, 2, "avc1.640028"}, {1, 1, "mp4a.40.2"}, {3, 1, "av01.0.08M.08"}},
	}
	if len(m.Periods) != len(want) {
		t.Fatalf("%d periods", len(m.Periods))
	}
	for i, period := range m.Periods {
		var got []set
		for _, a := range period.AdaptationSets {
			priority := uint32(1)
			if a.SelectionPriority != nil {
				priority = *a.SelectionPriority
			}
			got = append(got, set{*a.Id, priority, a.Representations[0].Codecs})
		}
		if len(got) != len(want[i]) {
			t.Fatalf("period %d has the sets %v, want %v", i, got, want[i])
		}
		for n := range got {
			if got[n] != want[i][n] {
				t.Errorf("period %d has the sets %v, want %v", i, got, want[i])
			}
		}
	}
}
