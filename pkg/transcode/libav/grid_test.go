package libav

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// ramp is sound whose samples say their place.
func ramp(place int64, n int) stereo {
	s := stereo{make([]float32, n), make([]float32, n)}
	for i := range n {
		s.left[i] = float32(place + int64(i))
		s.right[i] = -s.left[i]
	}
	return s
}

// Whatever comes, frames are whole, on the grid and rising, and sound stands
// within the tolerance of the place it was given.
func TestGridHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &grid{rate: 48_000}
		place := int64(rapid.IntRange(0, 10_000).Draw(t, "start"))
		last := int64(-1)
		take := func() {
			for {
				f, ok := g.next()
				if !ok {
					return
				}
				at, s := f.place, f.sound
				if at%frameSamples != 0 || at <= last || s.samples() != frameSamples || len(s.right) != frameSamples {
					t.Fatalf("frame at %d after %d with %d samples", at, last, s.samples())
				}
				last = at
				for i, v := range s.left {
					// Zero is silence; the tolerance is 480 samples, and the
					// ramp is exact up to 2^24.
					if off := float64(at) + float64(i) - float64(v); v != 0 && (off > 490 || off < -490) {
						t.Fatalf("sound of %f at %d", v, at+int64(i))
					}
					if s.right[i] != -v {
						t.Fatal("the channels differ")
					}
				}
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "blocks") {
			n := rapid.IntRange(1, 3000).Draw(t, "samples")
			g.push(place, ramp(place, n))
			take()
			if rapid.IntRange(0, 19).Draw(t, "finish") == 0 {
				g.finish()
				take()
			}
			place += int64(n)
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				place += int64(rapid.IntRange(0, 100_000).Draw(t, "gap"))
			case 1:
				place = max(0, place-int64(rapid.IntRange(0, 5000).Draw(t, "overlap")))
			case 2:
				place += 1_000_000
			}
		}
		g.finish()
		take()
		if g.waiting.samples() != 0 || len(g.ready) != 0 {
			t.Fatalf("%d samples left", g.waiting.samples())
		}
	})
}

// A clock that runs a little wrong is followed without gaps.
func TestGridFollowsDrift(t *testing.T) {
	for _, step := range []int64{1023, 1025} {
		g := &grid{rate: 48_000}
		place := int64(0)
		var frames int64
		for range 20_000 {
			g.push(place, ramp(place, frameSamples))
			place += step
			for {
				if _, ok := g.next(); !ok {
					break
				}
				frames++
			}
		}
		if off := place - frames*frameSamples; off < -2*frameSamples || off > 2*frameSamples {
			t.Errorf("step %d: %d samples off after 7 minutes", step, off)
		}
		if ahead := place - g.end(); ahead > 100 || ahead < -100 {
			t.Errorf("step %d: the grid is %d samples from the clock", step, ahead)
		}
	}
}

// For an hour, a source of 44.1 kHz whose clock is 100 ppm wrong and whose
// times are rounded to milliseconds is heard at its time.
func TestGridFollowsAnHour(t *testing.T) {
	const (
		rate  = 44_100
		block = 1152 // MP3
		span  = 1 << 20
	)
	for _, ppm := range []float64{-100, 0, 100} {
		g := &grid{rate: rate}
		slower := 1 + ppm/1e6
		var worst float64
		for n := int64(0); n < 3600*rate; n += block {
			s := stereo{make([]float32, block), make([]float32, block)}
			for i := range s.left {
				s.left[i] = float32((n + int64(i)) % span)
			}
			ms := math.Floor(float64(n) * slower * 1000 / rate)
			g.push(int64(math.Round(ms*rate/1000)), s)
			for {
				f, ok := g.next()
				if !ok {
					break
				}
				off := math.Remainder(float64(f.sound.left[0])-float64(f.place)/slower, span)
				if math.Abs(off) < span/4 { // not where the count begins anew
					worst = max(worst, math.Abs(off)/rate)
				}
			}
		}
		t.Logf("%+v ppm: %.1f ms off at worst", ppm, 1000*worst)
		if worst > 0.005 {
			t.Errorf("%+v ppm: %.1f ms off", ppm, 1000*worst)
		}
	}
}
