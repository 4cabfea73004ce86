package ingest_test

import (
	"fmt"
	"math"
	"testing"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

func TestConstantRatesStandOnTheirGrid(t *testing.T) {
	for _, rate := range []media.Rational{
		{Num: 24_000, Den: 1001},
		{Num: 24, Den: 1},
		{Num: 25, Den: 1},
		ntsc30, fps30,
		{Num: 48, Den: 1},
		{Num: 50, Den: 1},
		{Num: 60_000, Den: 1001},
		fps60,
		{Num: 120, Den: 1},
		{Num: 15, Den: 1},
		{Num: 20, Den: 1},
		{Num: 10, Den: 1},
		{Num: 25, Den: 2},
	} {
		for name, round := range map[string]func(float64) float64{"floor": math.Floor, "round": math.Round, "ceil": math.Ceil} {
			t.Run(rate.String()+" "+name, func(t *testing.T) {
				s := newSource(rate, 48_000)
				s.round = round
				units := s.units(12)
				out, repairs := push(t, units)
				checkGrid(t, out, rate)
				checkSync(t, out, units, 0.031)
				if repairs != (ingest.Repairs{WaitedForKeyframe: repairs.WaitedForKeyframe}) {
					t.Errorf("needless repairs: %+v", repairs)
				}
				if got, want := len(only(out, media.Video)), len(only(units, media.Video)); got != want {
					t.Errorf("%d pictures of %d", got, want)
				}
			})
		}
	}
}

func TestFrameRateFromMetadataOrMeasured(t *testing.T) {
	for _, c := range []struct {
		actual   media.Rational
		declared float64
	}{{ntsc30, 29.97}, {ntsc30, 29.97003}, {media.Rational{Num: 24_000, Den: 1001}, 23.976}, {media.Rational{Num: 60_000, Den: 1001}, 59.94}, {fps30, 30}, {fps30, 0}, {fps60, 0}, {media.Rational{Num: 15, Den: 1}, 0}, {media.Rational{Num: 20, Den: 1}, 1e9}, {fps30, 60}, {media.Rational{Num: 25, Den: 2}, 12.5}} {
		s := newSource(c.actual, 48_000)
		s.video = videoTrack(media.Rational{})
		out, _ := pushWith(t, ingest.Metadata{FrameRate: c.declared}, s.units(5))
		checkGrid(t, out, c.actual)
	}
}

func TestMisdeclaredRateIsCorrectedWithoutABreak(t *testing.T) {
	for _, c := range []struct{ declared, actual media.Rational }{
		{fps30, ntsc30}, {ntsc30, fps30}, {fps60, media.Rational{Num: 60_000, Den: 1001}}, {media.Rational{Num: 60_000, Den: 1001}, fps60},
	} {
		for _, gop := range []float64{0.5, 2, 10} {
			t.Run(fmt.Sprintf("%v declared as %v, GOP %v s", c.actual, c.declared, gop), func(t *testing.T) {
				s := newSource(c.actual, 44_100)
				s.video = videoTrack(c.declared)
				s.gop = int(gop * c.actual.Float())
				units := s.units(60)
				out, repairs := push(t, units)
				worst := checkSync(t, only(out, media.Video), units, 0.025)
				if repairs.RateChanges != 1 || breaks(out, media.Video) != 1 {
					t.Errorf("%+v, %d breaks", repairs, breaks(out, media.Video))
				}
				video := only(out, media.Video)
				if got := video[len(video)-1].Track.FrameRate; got != c.actual {
					t.Errorf("ends at %v", got)
				}
				t.Logf("at most %.1f ms off, %d nudged", worst*1000, repairs.Nudged)
			})
		}
	}
}

func TestSlowClockDriftMovesTheGrid(t *testing.T) {
	for _, ppm := range []float64{-80, 80} {
		units := newSource(fps30, 48_000).units(300)
		for i := range units {
			units[i].DTS += media.Ticks(float64(units[i].DTS) * ppm / 1e6)
			units[i].PTS += media.Ticks(float64(units[i].PTS) * ppm / 1e6)
		}
		out, repairs := push(t, units)
		checkSync(t, only(out, media.Video), units, 0.005)
		if repairs.GridShifts == 0 || repairs.Nudged > 0 || repairs.RateChanges > 0 {
			t.Errorf("%v ppm: %+v", ppm, repairs)
		}
	}
}

func TestDroppedFramesAreMultiplesOfTheGrid(t *testing.T) {
	s := newSource(ntsc30, 48_000)
	s.reorder = false
	units := without(s.units(10), func(u media.AccessUnit) bool { return isVideo(u) && u.Data[1]%9 == 4 })
	out, _ := push(t, units)
	checkGrid(t, out, ntsc30)
	checkSync(t, out, units, 0.031)
}

func TestVariableRateHasNoGrid(t *testing.T) {
	s := newSource(fps30, 48_000)
	s.reorder = false
	s.video = videoTrack(media.Rational{})
	units := s.units(10)
	for i := range units {
		if isVideo(units[i]) {
			jitter := media.Ticks(units[i].Data[1]) * 7 % 25
			units[i].DTS += jitter
			units[i].PTS += jitter
		}
	}
	out, _ := push(t, units)
	for _, u := range only(out, media.Video) {
		if u.Track.FrameRate.Known() || u.Duration != 0 {
			t.Fatalf("rate %v, duration %d", u.Track.FrameRate, u.Duration)
		}
	}
	if worst := checkSync(t, only(out, media.Video), units, 0.0001); worst > 0.0001 {
		t.Errorf("%.2f ms off", worst*1000)
	}
}

func TestRateThatChangesInTheStream(t *testing.T) {
	s := newSource(fps60, 48_000)
	s.reorder = false
	units := without(s.units(20), func(u media.AccessUnit) bool {
		return isVideo(u) && u.DTS > 8000 && u.Data[1]%2 == 1
	})
	out, repairs := push(t, units)
	video := only(out, media.Video)
	if got := video[len(video)-1].Track.FrameRate; got != fps30 || repairs.RateChanges == 0 {
		t.Errorf("ends at %v, %+v", got, repairs)
	}
	checkSync(t, out, units, 0.031)
}

func TestSlowRateIsFoundLater(t *testing.T) {
	s := newSource(media.Rational{Num: 5, Den: 1}, 48_000)
	s.video = videoTrack(media.Rational{})
	s.reorder = false
	out, repairs := push(t, s.units(10))
	video := only(out, media.Video)
	if got := video[len(video)-1].Track.FrameRate; got != (media.Rational{Num: 5, Den: 1}) || breaks(out, media.Video) != 1 {
		t.Errorf("ends at %v, %+v", got, repairs)
	}
}
