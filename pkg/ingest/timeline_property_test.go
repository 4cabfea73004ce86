package ingest_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// drawSource draws a well-behaved encoder.
func drawSource(t *rapid.T) source {
	t.Helper()
	rate := rapid.SampledFrom([]media.Rational{
		{Num: 24_000, Den: 1001},
		{Num: 24, Den: 1},
		{Num: 25, Den: 1},
		ntsc30, fps30, fps60,
		{Num: 50, Den: 1},
		{Num: 60_000, Den: 1001},
		{Num: 15, Den: 1},
		{Num: 20, Den: 1},
	}).Draw(t, "rate")
	s := newSource(rate, rapid.SampledFrom([]int{48_000, 44_100, 32_000}).Draw(t, "sample rate"))
	s.gop = max(int(rapid.SampledFrom([]float64{0.5, 1, 2, 3.3}).Draw(t, "gop")*rate.Float()), 1)
	s.reorder = rapid.Bool().Draw(t, "reorder")
	s.round = rapid.SampledFrom([]func(float64) float64{math.Floor, math.Round, math.Ceil}).Draw(t, "rounding")
	s.begin = rapid.SampledFrom([]float64{0, 100, float64(1<<32)/1000 - 4}).Draw(t, "begin")
	s.audioLag = rapid.Float64Range(-0.2, 0.4).Draw(t, "audio lag")
	if !rapid.Bool().Draw(t, "declared") {
		s.video = videoTrack(media.Rational{})
	}
	return s
}

// A good encoder's access units come through untouched but for rounding.
func TestGoodSourcesStayAsTheyAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSource(t)
		units := s.units(8)
		meta := ingest.Metadata{}
		if !s.video.FrameRate.Known() {
			meta.FrameRate = math.Round(s.rate.Float()*1000) / 1000
		}
		out, repairs := pushWith(t, meta, units)
		checkGrid(t, out, s.rate)
		checkSync(t, out, units, 0.013)
		if got, want := len(only(out, media.Video)), len(only(units, media.Video)); got != want {
			t.Fatalf("%d pictures of %d", got, want)
		}
		if repairs.Jumps+repairs.TrackJumps+repairs.Nudged+repairs.RateChanges+repairs.AudioDropped > 0 {
			t.Fatalf("%+v", repairs)
		}
	})
}

// damage does something to a stretch of units that happens to real streams.
func damage(t *rapid.T, units []media.AccessUnit) []media.AccessUnit {
	t.Helper()
	at := rapid.IntRange(0, len(units)-1).Draw(t, "at")
	length := rapid.IntRange(1, 100).Draw(t, "length")
	kind := rapid.SampledFrom([]media.Kind{media.Video, media.Audio, 0}).Draw(t, "kind")
	hit := func(i int, u media.AccessUnit) bool {
		return i >= at && i < at+length && (kind == 0 || u.Track.Kind == kind)
	}
	switch rapid.IntRange(0, 4).Draw(t, "damage") {
	case 0: // Lost.
		kept := units[:0:0]
		for i, u := range units {
			if !hit(i, u) {
				kept = append(kept, u)
			}
		}
		return kept
	case 1: // Twice.
		return slices.Insert(units, at, units[at])
	case 2: // The clock jumps for good.
		by := media.Ticks(rapid.Int64Range(-20_000, 20_000).Draw(t, "by"))
		return move(units, by, func(i int, u media.AccessUnit) bool {
			return i >= at && (kind == 0 || u.Track.Kind == kind)
		})
	case 3: // A few wrong timestamps.
		by := media.Ticks(rapid.Int64Range(-5000, 5000).Draw(t, "by"))
		return move(units, by, func(i int, u media.AccessUnit) bool { return hit(i, u) && i%7 == 0 })
	default: // New parameters.
		units = slices.Clone(units)
		video, audio := videoTrack(fps30), aacTrack(rapid.SampledFrom([]int{48_000, 44_100}).Draw(t, "new rate"), 2)
		for i := at; i < len(units); i++ {
			if isVideo(units[i]) {
				units[i].Track = video
			} else {
				units[i].Track = audio
			}
		}
		return units
	}
}

// Whatever happens, the promises of Timeline hold, and units that are near
// each other in the source are near each other in the output.
func TestDamagedSourcesKeepThePromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		units := drawSource(t).units(10)
		for range rapid.IntRange(0, 4).Draw(t, "damages") {
			units = damage(t, units)
			if len(units) == 0 {
				return
			}
		}
		out, _ := push(t, units)
		checkConstantDurations(t, out)
	})
}

// checkConstantDurations fails if a picture of a constant rate is not followed
// by one a whole number of frames later, but for small moves of the grid.
func checkConstantDurations(t rapid.TB, out []media.AccessUnit) {
	t.Helper()
	video := only(out, media.Video)
	for i := 1; i < len(video); i++ {
		before, u := video[i-1], video[i]
		if u.Discontinuity || u.Sync || u.Track != before.Track || !u.Track.FrameRate.Known() {
			continue
		}
		slots := float64(u.DTS-before.DTS) * u.Track.FrameRate.Float() / 90_000
		if off := math.Abs(slots - math.Round(slots)); off > 0.002 {
			t.Fatalf("picture %d stands %.3f frames behind the one before, at %v", i, slots, u.Track.FrameRate)
		}
	}
}

// Sync between the tracks is kept over jumps of the whole clock and losses.
func TestSyncIsKeptOverJumps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSource(t)
		s.begin = 50
		units := s.units(12)
		at := media.Ticks(rapid.IntRange(51_000, 60_000).Draw(t, "at"))
		by := rapid.SampledFrom([]media.Ticks{-40_000, -9000, -1300, 1300, 2500, 60_000, 1 << 30}).Draw(t, "by")
		units = move(units, by, func(_ int, u media.AccessUnit) bool { return u.DTS >= at })
		lost := media.Ticks(rapid.IntRange(0, 800).Draw(t, "lost"))
		units = without(units, func(u media.AccessUnit) bool {
			return !isVideo(u) && u.DTS > 53_000 && u.DTS < 53_000+lost
		})
		out, _ := push(t, units)
		checkRelative(t, out, units)
	})
}
