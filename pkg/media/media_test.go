package media

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRescaleRoundsToNearest(t *testing.T) {
	for _, c := range []struct {
		in       Ticks
		from, to Timescale
		want     Ticks
	}{
		{1, 1000, 90_000, 90},
		{1, 90_000, 1000, 0},
		{45, 90_000, 1000, 1},
		{-45, 90_000, 1000, -1},
		{1024, 48_000, 90_000, 1920},
		{1024, 44_100, 90_000, 2090},
		{158_400_000_000_000, 90_000, 48_000, 84_480_000_000_000},
	} {
		if got := Rescale(c.in, c.from, c.to); got != c.want {
			t.Errorf("Rescale(%d, %d, %d) = %d, want %d", c.in, c.from, c.to, got, c.want)
		}
	}
}

func TestRescaleEndsAtTheLargest(t *testing.T) {
	for _, c := range []struct{ in, want Ticks }{
		{math.MaxInt64, math.MaxInt64},
		{math.MinInt64, -math.MaxInt64},
		{math.MaxInt64 / 2, math.MaxInt64},
		{-math.MaxInt64 / 2, -math.MaxInt64},
	} {
		if got := Rescale(c.in, 1, 90_000); got != c.want {
			t.Errorf("Rescale(%d, 1, 90000) = %d, want %d", c.in, got, c.want)
		}
	}
	if got := Rescale(math.MinInt64, 2, 1); got != math.MinInt64/2 {
		t.Errorf("half of the least is %d", got)
	}
}

func TestRescaleThereAndBackIsExactWhenFiner(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ticks := Ticks(rapid.Int64Range(-1<<42, 1<<42).Draw(t, "ticks"))
		from := Timescale(rapid.Uint32Range(1, 96_000).Draw(t, "from"))
		to := Timescale(rapid.Uint32Range(uint32(from), 1_000_000).Draw(t, "to"))
		if got := Rescale(Rescale(ticks, from, to), to, from); got != ticks {
			t.Fatalf("%d at %d became %d by way of %d", ticks, from, got, to)
		}
	})
}

func TestWallClockRoundTrip(t *testing.T) {
	wall := time.Date(2026, 11, 23, 12, 0, 0, 250_000_000, time.UTC)
	ticks := VideoTimescale.At(wall)
	if got := VideoTimescale.Time(ticks); !got.Equal(wall) {
		t.Fatalf("%v became %v", wall, got)
	}
}

func TestRationalTicksDoNotDrift(t *testing.T) {
	rate := Rational{Num: 60_000, Den: 1001}
	if got := rate.Ticks(1, VideoTimescale); got != 1502 {
		t.Errorf("one frame at 59.94 = %d ticks, want 1502 (1501.5 rounded)", got)
	}
	if got := rate.Ticks(60_000, VideoTimescale); got != 1001*90_000 {
		t.Errorf("60000 frames at 59.94 = %d ticks, want 1001 s", got)
	}
}

func TestFrameDuration(t *testing.T) {
	video := Track{Kind: Video, Codec: H264, Timescale: 90_000, FrameRate: Rational{Num: 25, Den: 1}}
	audio := Track{Kind: Audio, Codec: AAC, Timescale: 44_100, SampleRate: 44_100}
	variable := Track{Kind: Video, Codec: H264, Timescale: 90_000}
	if v, a, x := video.FrameDuration(), audio.FrameDuration(), variable.FrameDuration(); v != 3600 || a != 1024 || x != 0 {
		t.Fatalf("durations %d, %d, %d; want 3600, 1024, 0", v, a, x)
	}
}
