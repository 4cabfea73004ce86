package ingest_test

import (
	"testing"

	"pgregory.net/rapid"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// beside is a source's further track: its pictures, or each n-th of them.
func beside(s source, number, nth int, length float64) []media.AccessUnit {
	s.audio = nil
	track := *s.video
	track.Number = number
	if nth > 1 {
		track.FrameRate = media.Rational{Num: s.rate.Num, Den: s.rate.Den * nth}
	}
	s.video = &track
	var all []media.AccessUnit
	for i, u := range s.units(length) {
		if i%nth == 0 {
			all = append(all, u)
		}
	}
	return all
}

// woven are both tracks in the order of their DTS, the further one late by so
// many access units.
func woven(main, other []media.AccessUnit, late int) []media.AccessUnit {
	var all []media.AccessUnit
	for i, u := range main {
		all = append(all, u)
		for len(other) > 0 && (i == len(main)-1 || i >= late && other[0].DTS <= main[max(i-late, 0)].DTS) {
			all, other = append(all, other[0]), other[1:]
		}
	}
	return all
}

// TestOtherTracks: pictures of a further track get the times of the default
// track's, wherever the clock jumps and however late they are.
func TestOtherTracks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSource(rapid.SampledFrom([]media.Rational{fps30, fps60, ntsc30}).Draw(t, "rate"), 48_000)
		s.reorder = rapid.Bool().Draw(t, "reorders")
		s.begin = rapid.SampledFrom([]float64{0, 100, 4_294_960}).Draw(t, "begin") // the last wraps
		nth := 1
		if !s.reorder {
			nth = rapid.IntRange(1, 2).Draw(t, "nth")
		}
		main, other := s.units(9), beside(s, 1, nth, 9)
		units := woven(main, other, rapid.IntRange(0, 20).Draw(t, "late"))
		if jump := rapid.SampledFrom([]media.Ticks{0, 5000, 100_000}).Draw(t, "jump"); jump > 0 {
			units = move(units, jump, func(_ int, u media.AccessUnit) bool { return u.PTS >= 4000+media.Ticks(s.begin*1000) })
		}
		timeline := ingest.NewTimeline(ingest.TimelineConfig{Anchor: anchor})
		shown := map[byte]media.Ticks{}
		var last media.Ticks
		count := 0
		for _, u := range wrap(units) {
			for _, out := range timeline.Push(u) {
				switch {
				case !isVideo(out):
				case out.Track.Number == 0:
					shown[out.Data[1]] = out.PTS
				default:
					count++
					if at, ok := shown[out.Data[1]]; !ok || at != out.PTS || out.DTS > out.PTS || out.DTS <= last && count > 1 {
						t.Fatalf("picture %d of the other track at %d (DTS %d after %d), its counterpart at %d", out.Data[1], out.PTS, out.DTS, last, at)
					}
					last = out.DTS
				}
			}
		}
		if count < len(other)*3/4 {
			t.Fatalf("%d of %d pictures came, %+v", count, len(other), timeline.Repairs())
		}
	})
}
