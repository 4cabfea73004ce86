package live

import (
	"testing"

	"weir/pkg/media"
)

func TestPeaksAreMeasuredOverSegmentsInARow(t *testing.T) {
	type segment struct {
		msn     uint64
		seconds float64
		bytes   int
		gap     bool
		want    int
	}
	for name, row := range map[string][]segment{
		"whole segments": {{1, 2, 1000, false, 4000}, {2, 2, 2000, false, 8000}, {3, 2, 500, false, 2000}},
		"a short one is no measure by itself, but with the next": {{1, 0.5, 2000, false, 0}, {2, 0.5, 1000, false, 24_000}},
		"or with that before":        {{1, 2, 1000, false, 4000}, {2, 0.5, 2000, false, 9600}},
		"not with those before that": {{1, 2, 9000, false, 36_000}, {2, 2, 1000, false, 4000}, {3, 0.5, 1000, false, 6400}},
		"nor over a gap":             {{1, 0.5, 2000, false, 0}, {2, 2, 0, true, 0}, {3, 0.5, 1000, false, 0}},
		"nor over a missing one":     {{1, 0.5, 2000, false, 0}, {3, 0.5, 1000, false, 0}},
		"a long one is measured":     {{1, 10, 10_000, false, 8000}, {2, 9, 18_000, false, 16_000}},
	} {
		t.Run(name, func(t *testing.T) {
			var p peak
			for _, s := range row {
				got := p.add(&media.Segment{MSN: s.msn, Duration: media.Ticks(s.seconds * 90_000), Size: s.bytes, Gap: s.gap}, media.VideoTimescale)
				if got != s.want {
					t.Errorf("segment %d: %d b/s, want %d", s.msn, got, s.want)
				}
			}
		})
	}
}
