package gateway

import (
	"testing"
	"time"

	"weir/pkg/media"
)

func TestMeasures(t *testing.T) {
	const second = media.Ticks(90_000)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	end := media.VideoTimescale.At(now) - second/2
	w := &media.Window{
		Rendition: &media.Rendition{Timescale: media.VideoTimescale},
		Segments: []*media.Segment{
			{Start: end - 5*second, Duration: 2 * second, Size: 500_000},
			{Start: end - 3*second, Duration: 2 * second, Gap: true},
		},
		Open: []*media.Part{{Start: end - second, Duration: second}},
	}
	if got := bitrate(w); got != 2_000_000 {
		t.Errorf("500 kB in 2 s are %d bit/s; a gap has no bitrate", got)
	}
	if got := latency(w, now); got == nil || *got != 0.5 {
		t.Errorf("half a second behind, said %v", got)
	}
	w.Open = nil
	if got := latency(w, now); got == nil || *got != 1.5 {
		t.Errorf("a second and a half behind, said %v", got)
	}
	if got := latency(&media.Window{Rendition: w.Rendition}, now); got != nil {
		t.Errorf("nothing is live, said %v", *got)
	}
}
