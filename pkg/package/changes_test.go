package packager_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"weir/pkg/media"
	packager "weir/pkg/package"
)

// start is a time of day as a stream has it, in seconds: media time is Unix
// time, so another timescale is another number by far.
const start = media.Ticks(1_795_435_200)

func pushAll(t failer, s *packager.Segmenter, got *taken, units []media.AccessUnit) {
	for _, au := range units {
		events, err := s.Push(au)
		got.take(t, events, err)
	}
}

// TestSamplingRateChanges: silence at 48 kHz stood in until the real audio came,
// or a publisher came back with another rate. No access unit is lost.
func TestSamplingRateChanges(t *testing.T) {
	for _, rates := range [][2]int{{48_000, 44_100}, {44_100, 48_000}, {48_000, 96_000}} {
		s := packager.NewSegmenter(packager.Config{Kind: media.Audio, PartTarget: partTarget})
		var got taken
		var units []media.AccessUnit
		for i, rate := range rates {
			track := audioTrack(rate)
			at := start + 4*media.Ticks(i)
			b := media.Boundary{MSN: uint64(i), PTS: at * 90_000, Period: &media.Period{Sequence: uint64(i), Start: at * 90_000}}
			got.take(t, s.Boundary(b), nil)
			run := sounds(track, at*media.Ticks(rate), 80)
			pushAll(t, s, &got, run)
			units = append(units, run...)
		}
		got.take(t, s.End(), nil)
		if len(got.inits) != 2 || len(got.segments) != 2 {
			t.Fatalf("%v Hz: %d inits, %d segments; want 2 of each", rates, len(got.inits), len(got.segments))
		}
		for i, seg := range got.segments {
			if seg.Init != got.inits[i] || seg.Duration != 80*1024 {
				t.Errorf("%v Hz: segment %d lasts %d samples, init %s", rates, i, seg.Duration, seg.Init.Hash)
			}
		}
		checkBoxes(t, got.segments, units)
	}
}

// TestParametersChangeAtBoundariesOnly: a segment has one init segment.
func TestParametersChangeAtBoundariesOnly(t *testing.T) {
	track := videoTrack(media.Rational{Num: 25, Den: 1})
	s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
	units := pictures(track, 0, 100, 50, 0)
	same, other := *track, *track
	other.Width = 640
	var got taken
	got.take(t, s.Boundary(media.Boundary{MSN: 1, Period: &media.Period{}}), nil)
	pushAll(t, s, &got, units[:20])
	for i := range units[20:] {
		units[20+i].Track = &same // what the boxes say is the same
	}
	pushAll(t, s, &got, units[20:50])
	if len(got.inits) != 1 {
		t.Errorf("%d inits of one set of parameters", len(got.inits))
	}
	foreign := units[50]
	foreign.Track = &other
	if _, err := s.Push(foreign); !errors.Is(err, packager.ErrUnusable) {
		t.Errorf("other parameters within a segment: %v", err)
	}
	got.take(t, s.Boundary(media.Boundary{MSN: 2, PTS: foreign.PTS, Period: &media.Period{Sequence: 1}}), nil)
	broken := foreign
	broken.Track = &media.Track{Kind: media.Video, Codec: media.H264, Timescale: media.VideoTimescale}
	if _, err := s.Push(broken); !errors.Is(err, packager.ErrUnusable) {
		t.Errorf("a track without a configuration: %v", err)
	}
	events, err := s.Push(foreign) // the boundary is still there for it
	got.take(t, events, err)
	got.take(t, s.End(), nil)
	if len(got.inits) != 2 || len(got.segments) != 2 || got.segments[1].Init != got.inits[1] {
		t.Fatalf("%d inits, %d segments; want 2 of each, the second with its own", len(got.inits), len(got.segments))
	}
	checkBoxes(t, got.segments, append(units[:50:50], foreign))
}

// TestSkippedSegmentsAreGaps: no access unit came for a whole segment. Numbers
// follow each other all the same, and no segment lasts longer for it.
func TestSkippedSegmentsAreGaps(t *testing.T) {
	const second = media.Ticks(media.VideoTimescale)
	s := packager.NewSegmenter(packager.Config{Kind: media.Audio, PartTarget: partTarget})
	one, two := &media.Period{}, &media.Period{Sequence: 1, Start: 60 * second}
	var got taken
	for i, b := range []media.Boundary{
		{PTS: 0, Period: one},
		{PTS: 2 * second, Period: one},
		{PTS: 4 * second, Period: one},
		{PTS: 60 * second, Period: two},
	} {
		b.MSN = 10 + uint64(i)
		got.take(t, s.Boundary(b), nil)
	}
	track := audioTrack(48_000)
	pushAll(t, s, &got, sounds(track, 0, 40))
	pushAll(t, s, &got, sounds(track, 60*48_000, 40))
	got.take(t, s.End(), nil)
	want := []media.Segment{
		{MSN: 10, Start: 0, Duration: 96_000, Period: one},
		{MSN: 11, Start: 96_000, Duration: 96_000, Period: one, Gap: true},
		{MSN: 12, Start: 192_000, Duration: 48_000, Period: one, Gap: true},
		{MSN: 13, Start: 60 * 48_000, Duration: 40 * 1024, Period: two},
	}
	if len(got.segments) != len(want) {
		t.Fatalf("%d segments, want %d", len(got.segments), len(want))
	}
	for i, seg := range got.segments {
		if w := want[i]; seg.MSN != w.MSN || seg.Start != w.Start || seg.Duration != w.Duration || seg.Gap != w.Gap || seg.Period != w.Period {
			t.Errorf("segment %d: [%d, +%d), gap %v; want %d: [%d, +%d), gap %v",
				seg.MSN, seg.Start, seg.Duration, seg.Gap, w.MSN, w.Start, w.Duration, w.Gap)
		}
	}
}

// TestNothingIsSkippedBeforeTheFirst: a rendition that begins late has no gaps
// before it.
func TestNothingIsSkippedBeforeTheFirst(t *testing.T) {
	s := packager.NewSegmenter(packager.Config{Kind: media.Audio, PartTarget: partTarget})
	var got taken
	period := &media.Period{}
	for i := range 3 {
		got.take(t, s.Boundary(media.Boundary{MSN: uint64(i), PTS: media.Ticks(i) * 180_000, Period: period}), nil)
	}
	pushAll(t, s, &got, sounds(audioTrack(48_000), 192_000, 10))
	got.take(t, s.End(), nil)
	if len(got.segments) != 1 || got.segments[0].MSN != 2 {
		t.Errorf("segments %v, want number 2 alone", got.segments)
	}
}

// TestGapKeepsLaterBoundaries: a gap takes its own segment's place, not those
// of the segments that follow.
func TestGapKeepsLaterBoundaries(t *testing.T) {
	track, period := videoTrack(media.Rational{Num: 25, Den: 1}), &media.Period{}
	s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
	first := media.Boundary{MSN: 1, Period: period}
	var got taken
	got.take(t, s.Boundary(first), nil)
	got.take(t, s.Boundary(media.Boundary{MSN: 2, PTS: 180_000, Period: period}), nil)
	got.take(t, s.Gap(first, 180_000), nil)
	pushAll(t, s, &got, pictures(track, 180_000, 10, 50, 0))
	got.take(t, s.End(), nil)
	if len(got.segments) != 2 || !got.segments[0].Gap || got.segments[1].MSN != 2 || got.segments[1].Gap {
		t.Errorf("segments %v, want a gap and number 2", got.segments)
	}
}

// TestCutBetweenKeyframes: a source whose keyframes are too far apart is cut at
// other pictures, and the parts say so.
func TestCutBetweenKeyframes(t *testing.T) {
	track, period := videoTrack(media.Rational{Num: 25, Den: 1}), &media.Period{}
	s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
	units := pictures(track, 0, 100, 100, 0)
	var got taken
	for i := range 2 {
		got.take(t, s.Boundary(media.Boundary{MSN: uint64(i), PTS: units[50*i].PTS, Period: period}), nil)
		pushAll(t, s, &got, units[50*i:50*i+50])
	}
	got.take(t, s.End(), nil)
	checkBoxes(t, got.segments, units)
	if a, b := got.segments[0].Parts[0], got.segments[1].Parts[0]; !a.Independent || b.Independent {
		t.Errorf("independent: %v, %v; want the first alone", a.Independent, b.Independent)
	}
}

// TestReplay: however often an open segment starts again, with whatever came of
// it before, what comes out complete is what comes without.
func TestReplay(t *testing.T) {
	track, period := videoTrack(media.Rational{Num: 30, Den: 1}), &media.Period{}
	units := pictures(track, 0, 241, 60, 2)
	run := func(t failer, s *packager.Segmenter, got *taken, from, to int) {
		for i, au := range units[from:to] {
			if au.Sync {
				got.take(t, s.Boundary(media.Boundary{MSN: uint64(from+i) / 60, PTS: au.PTS, Period: period}), nil)
			}
			events, err := s.Push(au)
			got.take(t, events, err)
		}
	}
	var plain taken
	run(t, packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget}), &plain, 0, len(units))
	rapid.Check(t, func(t *rapid.T) {
		s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
		var got taken
		at := 0
		for range rapid.IntRange(0, 5).Draw(t, "restarts") {
			next := rapid.IntRange(at+1, len(units)-1).Draw(t, "crash")
			run(t, s, &got, at, next)
			at = (next - 1) / 60 * 60
		}
		run(t, s, &got, at, len(units))
		if len(got.segments) != len(plain.segments) {
			t.Fatalf("%d segments, want %d", len(got.segments), len(plain.segments))
		}
		for i, part := range got.parts {
			if part.Serial != uint64(i) {
				t.Fatalf("part %d has serial %d", i, part.Serial)
			}
		}
		for i, seg := range got.segments {
			want := plain.segments[i]
			if seg.MSN != want.MSN || seg.Start != want.Start || seg.Duration != want.Duration || len(seg.Parts) != len(want.Parts) {
				t.Fatalf("segment %d is %+v, want %+v", i, seg, want)
			}
		}
		checkBoxes(t, got.segments, units[:240])
	})
}
