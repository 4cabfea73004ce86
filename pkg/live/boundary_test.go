package live

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"weir/pkg/media"
)

// pictures are a source's pictures in decode order: the GOPs are lengths in
// frames, with two B pictures between references if reorder is true.
func pictures(rate media.Rational, reorder bool, gops []int) []media.AccessUnit {
	const begin = 158_000_000_000_123
	track := &media.Track{Kind: media.Video, Timescale: media.VideoTimescale, FrameRate: rate}
	at := func(n int) media.Ticks { return begin + rate.Ticks(int64(n), media.VideoTimescale) }
	var all []media.AccessUnit
	for _, length := range gops {
		first := len(all)
		for k := range length {
			n, shown := first+k, first+k
			if reorder && k > 0 {
				group, place := (k-1)/3*3, (k-1)%3
				shown = first + group + place
				if place == 0 {
					shown = first + min(group+3, length-1)
				}
			}
			all = append(all, media.AccessUnit{
				Track: track, DTS: at(n), PTS: at(shown + 2), Duration: at(n+1) - at(n), Sync: k == 0,
			})
		}
	}
	all[0].Discontinuity = true
	return all
}

// regular is a list of equal GOPs for 60 s or so.
func regular(rate media.Rational, seconds float64) []int {
	length := max(int(math.Round(seconds*rate.Float())), 1)
	list := make([]int, 0, 128)
	for total := 0; total < int(60*rate.Float()); total += length {
		list = append(list, length)
	}
	return list
}

// run pushes pictures until the cutter is overdue and returns its boundaries;
// the last picture's PTS ends the list.
func run(t rapid.TB, c *cutter, all []media.AccessUnit) (boundaries []media.Boundary, overdue bool) {
	t.Helper()
	horizon, latest := media.Ticks(0), media.Ticks(-1)
	for _, au := range all {
		b, cuts := c.Push(au)
		if cuts {
			if n := len(boundaries); n > 0 && b.MSN != boundaries[n-1].MSN+1 {
				t.Fatalf("number %d after %d", b.MSN, boundaries[n-1].MSN)
			}
			if b.PTS < horizon {
				t.Fatalf("boundary at %d behind the horizon %d", b.PTS, horizon)
			}
			if latest >= b.PTS {
				t.Fatalf("boundary at %d comes after a picture at %d", b.PTS, latest)
			}
			boundaries = append(boundaries, b)
		}
		latest = max(latest, au.PTS)
		if h := c.Horizon(); h < horizon {
			t.Fatalf("the horizon went back from %d to %d", horizon, h)
		} else {
			horizon = h
		}
		if c.Overdue() {
			return boundaries, true
		}
	}
	return boundaries, false
}

// lengths are the durations of the closed segments in seconds.
func lengths(boundaries []media.Boundary) []float64 {
	var list []float64
	for i := 1; i < len(boundaries); i++ {
		list = append(list, float64(boundaries[i].PTS-boundaries[i-1].PTS)/90_000)
	}
	return list
}

var frameRates = []media.Rational{
	{Num: 24_000, Den: 1001},
	{Num: 24, Den: 1},
	{Num: 25, Den: 1},
	{Num: 30_000, Den: 1001},
	{Num: 30, Den: 1},
	{Num: 50, Den: 1},
	{Num: 60_000, Den: 1001},
	{Num: 60, Den: 1},
	{Num: 15, Den: 1},
	{Num: 10, Den: 1},
}

func TestPassthroughOfRegularGOPs(t *testing.T) {
	for gop, want := range map[float64]float64{
		2: 2, 1: 2, 0.5: 2, 0.25: 2, 4.0 / 3: 4.0 / 3, 5.0 / 3: 5.0 / 3, 0.75: 2.25, 2.4: 2.4, 1.5: 1.5, 1.1: 2.2,
	} {
		rate := media.Rational{Num: 60, Den: 1}
		c := newCutter(cutConfig{target: 2, msn: 100, sequence: 3})
		boundaries, overdue := run(t, c, pictures(rate, true, regular(rate, gop)))
		if overdue || boundaries[0].MSN != 100 || boundaries[0].Period.Sequence != 3 {
			t.Errorf("GOP %v: overdue %v, first %+v", gop, overdue, boundaries[0])
		}
		for i, length := range lengths(boundaries) {
			if math.Abs(length-want) > 0.001 && i >= 2 || length < gop-0.001 || length >= 2.5 {
				t.Errorf("GOP %v: segment %d lasts %v", gop, i, length)
			}
		}
	}
}

func TestSceneCutsKeepPassthrough(t *testing.T) {
	// A keyframe interval of 2 s that starts anew at each scene cut.
	c := newCutter(cutConfig{target: 2})
	boundaries, overdue := run(t, c, pictures(media.Rational{Num: 30, Den: 1}, true, []int{21, 60, 60, 12, 60, 45, 50, 60, 60}))
	if overdue {
		t.Fatalf("overdue after %v", lengths(boundaries))
	}
}

func TestOverdue(t *testing.T) {
	rate := media.Rational{Num: 30, Den: 1}
	for _, frames := range []int{75, 76, 120, 300} {
		all := pictures(rate, false, []int{60, frames, 60})
		boundaries, overdue := run(t, newCutter(cutConfig{target: 2}), all)
		if !overdue || len(boundaries) != 2 {
			t.Errorf("GOP of %d frames: overdue %v after %v", frames, overdue, lengths(boundaries))
		}
	}
	if _, overdue := run(t, newCutter(cutConfig{target: 2}), pictures(rate, false, []int{60, 74, 60})); overdue {
		t.Error("a GOP of 74 frames is overdue")
	}
}

func TestOverdueCutterStillEndsTheSegment(t *testing.T) {
	c := newCutter(cutConfig{target: 2})
	count, overdue := 0, 0
	for _, au := range pictures(media.Rational{Num: 30, Den: 1}, false, []int{60, 120, 60, 60}) {
		if _, cuts := c.Push(au); cuts {
			count++
		}
		if c.Overdue() {
			overdue++
		}
	}
	if count != 4 || overdue != 120-75+1 {
		t.Errorf("%d boundaries, overdue at %d pictures", count, overdue)
	}
}

func TestEncodedIgnoresKeyframes(t *testing.T) {
	for _, rate := range frameRates {
		for _, gops := range [][]int{regular(rate, 10), regular(rate, 1.1), {int(60 * rate.Float())}} {
			for _, reorder := range []bool{false, true} {
				all := pictures(rate, reorder, gops)
				boundaries, overdue := run(t, newCutter(cutConfig{mode: cutEncoded, target: 2}), all)
				frames := math.Ceil(2*rate.Float() - 0.25)
				for i, length := range lengths(boundaries) {
					if math.Abs(length-frames/rate.Float()) > 3.0/90_000 {
						t.Fatalf("%v: segment %d lasts %v, want %v frames", rate, i, length, frames)
					}
				}
				if overdue || len(boundaries) < 25 {
					t.Errorf("%v: %d boundaries, overdue %v", rate, len(boundaries), overdue)
				}
				checkFirstPictures(t, all, boundaries)
			}
		}
	}
}

// checkFirstPictures fails unless a picture stands within two ticks behind
// each boundary, so that the first picture not before it is that one.
func checkFirstPictures(t rapid.TB, all []media.AccessUnit, boundaries []media.Boundary) {
	t.Helper()
	for _, b := range boundaries {
		found := false
		for _, au := range all {
			found = found || au.PTS >= b.PTS && au.PTS <= b.PTS+2
		}
		if !found {
			t.Fatalf("no picture at boundary %d", b.PTS)
		}
	}
}

func TestEncodedWithVariableRate(t *testing.T) {
	track := &media.Track{Kind: media.Video, Timescale: media.VideoTimescale}
	var all []media.AccessUnit
	for i := range 300 {
		at := media.Ticks(i)*9000 + media.Ticks(i*37%50)*90
		all = append(all, media.AccessUnit{Track: track, DTS: at, PTS: at, Sync: i == 0})
	}
	boundaries, _ := run(t, newCutter(cutConfig{mode: cutEncoded, target: 2}), all)
	for i, b := range boundaries {
		if b.PTS != media.Ticks(i)*180_000 {
			t.Fatalf("boundary %d at %d", i, b.PTS)
		}
	}
	if len(boundaries) != 15 {
		t.Errorf("%d boundaries", len(boundaries))
	}
}

func TestSourceModeKeepsItsTarget(t *testing.T) {
	rate := media.Rational{Num: 30, Den: 1}
	for _, c := range []struct {
		gop    float64
		target int
		want   float64
	}{{2, 2, 2}, {4, 4, 4}, {10, 10, 10}, {8.34, 8, 8.34}, {1, 3, 3}, {2.4, 2, 2.4}} {
		boundaries, overdue := run(t, newCutter(cutConfig{mode: cutSource, target: c.target}), pictures(rate, true, regular(rate, c.gop)))
		for i, length := range lengths(boundaries)[2:] {
			if math.Abs(length-c.want) > 0.034 {
				t.Errorf("GOP %v, target %d: segment %d lasts %v", c.gop, c.target, i, length)
			}
		}
		if overdue {
			t.Errorf("GOP %v, target %d: overdue", c.gop, c.target)
		}
	}
}

func TestDiscontinuityOpensAPeriod(t *testing.T) {
	for _, mode := range []cutMode{cutPassthrough, cutEncoded, cutSource} {
		t.Run(fmt.Sprint(mode), func(t *testing.T) {
			rate := media.Rational{Num: 30, Den: 1}
			all := pictures(rate, true, []int{60, 60, 60, 60})
			cut := 2*60 + 20 // In the middle of a GOP, at the wrong place.
			late := pictures(rate, true, []int{60, 60})
			for i := range late {
				late[i].PTS += 20*90_000 + 77
				late[i].DTS += 20*90_000 + 77
			}
			all = append(all[:cut:cut], late...)
			boundaries, _ := run(t, newCutter(cutConfig{mode: mode, target: 2, sequence: 7}), all)
			if len(boundaries) != 5 {
				t.Fatalf("%d boundaries", len(boundaries))
			}
			before, after := boundaries[2].Period, boundaries[3].Period
			if boundaries[0].Period != before || before == after || boundaries[4].Period != after || after.Sequence != before.Sequence+1 || before.Sequence != 7 {
				t.Errorf("periods %+v and %+v", before, after)
			}
			for _, b := range []media.Boundary{boundaries[0], boundaries[3]} {
				if off := b.PTS - b.Period.Start; off < 0 || off >= 900 || b.Period.Start%900 != 0 {
					t.Errorf("period at %d for a boundary at %d", b.Period.Start, b.PTS)
				}
			}
			if boundaries[3].PTS != late[0].PTS {
				t.Errorf("period's boundary at %d, keyframe at %d", boundaries[3].PTS, late[0].PTS)
			}
		})
	}
}

func TestNothingBeforeTheFirstKeyframe(t *testing.T) {
	all := pictures(media.Rational{Num: 30, Den: 1}, false, []int{30, 60})[5:]
	boundaries, _ := run(t, newCutter(cutConfig{target: 2}), all)
	if boundaries[0].PTS != all[25].PTS {
		t.Errorf("begins at %d", boundaries[0].PTS)
	}
}

// drawGOPs draws the keyframe distances of one kind of encoder, in frames.
// longest is that of the longest in seconds, or out of reach where the
// distances are too irregular to rely on.
func drawGOPs(t *rapid.T, rate media.Rational) (list []int, longest float64) {
	t.Helper()
	base := rapid.SampledFrom([]float64{0.5, 1, 5.0 / 3, 2, 2.002, 4, 10}).Draw(t, "gop")
	jitter := rapid.SampledFrom([]float64{0, 0, 0.1, 0.5}).Draw(t, "jitter")
	scenes := rapid.Bool().Draw(t, "scene cuts")
	if jitter > 0.1 {
		longest = math.Inf(1)
	}
	for i := range rapid.IntRange(3, 40).Draw(t, "count") {
		seconds := base + jitter*rapid.Float64Range(-0.5, 0.5).Draw(t, "off")
		if scenes && i%10 > 0 && rapid.IntRange(0, 3).Draw(t, "scene") == 0 {
			seconds = rapid.Float64Range(0.1, 1).Draw(t, "part") * base
		}
		frames := max(int(seconds*rate.Float()), 1)
		longest = max(longest, float64(frames)/rate.Float())
		list = append(list, frames)
	}
	return list, longest
}

func TestBoundaryProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.SampledFrom(frameRates).Draw(t, "rate")
		gops, longest := drawGOPs(t, rate)
		all := pictures(rate, rapid.Bool().Draw(t, "reorder"), gops)
		mode := rapid.SampledFrom([]cutMode{cutPassthrough, cutEncoded, cutSource}).Draw(t, "mode")
		target := 2
		if mode == cutSource {
			target = rapid.IntRange(2, 10).Draw(t, "target")
		}
		boundaries, overdue := run(t, newCutter(cutConfig{mode: mode, target: target}), all)
		limit := float64(target) + 0.5
		for i, length := range lengths(boundaries) {
			if length >= limit || length <= 0 {
				t.Fatalf("segment %d of %v s in mode %d, target %d", i, length, mode, target)
			}
		}
		if mode != cutPassthrough {
			if overdue {
				t.Fatal("overdue although it may cut anywhere")
			}
			return
		}
		keyframes := make(map[media.Ticks]bool)
		for _, au := range all {
			keyframes[au.PTS] = keyframes[au.PTS] || au.Sync
		}
		for _, b := range boundaries {
			if !keyframes[b.PTS] {
				t.Fatalf("no keyframe at boundary %d", b.PTS)
			}
		}
		if overdue && longest <= 2 {
			t.Fatalf("overdue although no GOP is longer than %v s", longest)
		}
	})
}

// rung is what a segmenter or an encoder makes of pictures and in-band
// boundaries: which picture comes first in each segment that it has from the
// beginning.
type rung struct {
	boundaries []media.Boundary
	first      map[uint64]media.Ticks
}

func (r *rung) take(au media.AccessUnit) {
	for _, b := range slices.Backward(r.boundaries) {
		if au.PTS >= b.PTS {
			if first, ok := r.first[b.MSN]; !ok || au.PTS < first {
				r.first[b.MSN] = au.PTS
			}
			return
		}
	}
}

func TestLateRungsSeeTheSameBoundaries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.SampledFrom(frameRates).Draw(t, "rate")
		gops, _ := drawGOPs(t, rate)
		all := pictures(rate, rapid.Bool().Draw(t, "reorder"), gops)
		mode := rapid.SampledFrom([]cutMode{cutPassthrough, cutEncoded, cutSource}).Draw(t, "mode")
		join := rapid.IntRange(1, len(all)).Draw(t, "join")
		c := newCutter(cutConfig{mode: mode, target: 2, msn: 5})
		early := rung{first: make(map[uint64]media.Ticks)}
		late := rung{first: make(map[uint64]media.Ticks)}
		for i, au := range all {
			b, cuts := c.Push(au)
			for _, r := range []*rung{&early, &late} {
				if r == &late && i < join {
					continue
				}
				if cuts {
					r.boundaries = append(r.boundaries, b)
				}
				r.take(au)
			}
		}
		for msn, first := range late.first {
			if first != early.first[msn] {
				t.Fatalf("segment %d begins at %d on one rung, at %d on a late one", msn, early.first[msn], first)
			}
		}
		if len(early.first) != len(early.boundaries) {
			t.Fatalf("%d of %d segments have pictures", len(early.first), len(early.boundaries))
		}
	})
}
