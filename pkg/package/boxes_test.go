package packager_test

import (
	"bytes"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"
	"pgregory.net/rapid"

	"weir/pkg/media"
	packager "weir/pkg/package"
)

// failer is a test of either kind.
type failer interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// samplesOf reads a part as an independent reader sees it.
func samplesOf(t failer, part *media.Part) []mp4.FullSample {
	file, err := mp4.DecodeFile(bytes.NewReader(part.Bytes))
	if err != nil {
		t.Fatalf("part %d: an independent reader refuses it: %v", part.Serial, err)
	}
	samples, err := file.Segments[0].Fragments[0].GetFullSamples(nil)
	if err != nil || len(samples) == 0 {
		t.Fatalf("part %d: %d samples, %v", part.Serial, len(samples), err)
	}
	return samples
}

// partBoxes holds what a part says of itself to its boxes: it starts where it
// says, and its samples last as long as it does. They may last longer only if
// they could not be shorter: a tick each. It returns the samples.
func partBoxes(t failer, part *media.Part) []mp4.FullSample {
	samples := samplesOf(t, part)
	last := samples[len(samples)-1]
	start, end := media.Ticks(samples[0].DecodeTime), media.Ticks(last.DecodeTime)+media.Ticks(last.Dur)
	over := end - part.Start - part.Duration
	shortest := end-start == media.Ticks(len(samples))
	if start != part.Start || over < 0 || over > 0 && !shortest || samples[0].IsSync() != part.Independent {
		t.Fatalf("part %d says [%d, %d), independent %v; its boxes say [%d, %d), sync %v", part.Serial,
			part.Start, part.Start+part.Duration, part.Independent, start, end, samples[0].IsSync())
	}
	return samples
}

// checkBoxes compares the samples of all segments with the access units that
// went in: every one is there, at its presentation time.
func checkBoxes(t failer, segments []*media.Segment, units []media.AccessUnit) {
	n := 0
	for _, seg := range segments {
		for _, part := range seg.Parts {
			for _, s := range partBoxes(t, part) {
				if n == len(units) {
					t.Fatalf("there are more samples than the %d access units", n)
				}
				at := media.Ticks(s.DecodeTime) + media.Ticks(s.CompositionTimeOffset)
				if au := units[n]; at != au.PTS || s.IsSync() != au.Sync || !bytes.Equal(s.Data, au.Data) {
					t.Fatalf("access unit %d, PTS %d, sync %v, %d bytes, became PTS %d, sync %v, %d bytes",
						n, au.PTS, au.Sync, len(au.Data), at, s.IsSync(), len(s.Data))
				}
				n++
			}
		}
	}
	if n != len(units) {
		t.Fatalf("%d samples of %d access units", n, len(units))
	}
}

// TestEveryPictureKeepsItsTime: whatever the frame rate does, with B-frames or
// without, each picture is presented when it was, and segments follow each
// other to the tick.
func TestEveryPictureKeepsItsTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		units, boundaries := variable(t)
		s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
		var got taken
		for _, au := range units {
			if len(boundaries) > 0 && boundaries[0].PTS == au.PTS {
				got.take(t, s.Boundary(boundaries[0]), nil)
				boundaries = boundaries[1:]
			}
			events, err := s.Push(au)
			got.take(t, events, err)
		}
		got.take(t, s.End(), nil)
		for i := 1; i < len(got.segments); i++ {
			if before := got.segments[i-1]; got.segments[i].Start != before.Start+before.Duration {
				t.Fatalf("segment %d starts at %d, the one before it ends at %d", i, got.segments[i].Start, before.Start+before.Duration)
			}
		}
		checkBoxes(t, got.segments, units)
	})
}

// variable draws closed GOPs of pictures at irregular times, in decode order, as
// an encoder makes them whose settings stay: the reordering delay of all
// keyframes is the same. Every second GOP starts a segment.
func variable(t *rapid.T) (units []media.AccessUnit, boundaries []media.Boundary) {
	track := videoTrack(media.Rational{})
	period := &media.Period{}
	step := rapid.Custom(func(t *rapid.T) media.Ticks { return media.Ticks(rapid.IntRange(1500, 9000).Draw(t, "step")) })
	distance := rapid.IntRange(0, 1).Draw(t, "B-frames") // I P B P B
	lead := media.Ticks(rapid.IntRange(0, 15_000).Draw(t, "lead"))
	at, dts := media.Ticks(1<<40), media.Ticks(0)
	for gop := range 6 {
		if gop%2 == 0 {
			boundaries = append(boundaries, media.Boundary{MSN: uint64(gop / 2), PTS: at, Period: period})
		}
		shown := []media.Ticks{at}
		for range rapid.IntRange(8, 40).Draw(t, "pictures") {
			at += step.Draw(t, "distance")
			shown = append(shown, at)
		}
		at += step.Draw(t, "distance")
		for i := range shown {
			order := i
			if distance > 0 && i > 0 && (i%2 == 0 || i+1 < len(shown)) {
				order = i + 1 - 2*((i+1)%2) // P and B change places
			}
			dts = max(dts+1, shown[max(i-distance, 0)]-lead)
			units = append(units, media.AccessUnit{
				Track: track, DTS: dts, PTS: shown[order], Sync: i == 0, Data: []byte{byte(len(units)), 1},
			})
		}
	}
	return units, boundaries
}

// TestShrinkingCompositionOffsets: the next segment's first picture is decoded
// nearer to its presentation than this one's was. The segment ends there all
// the same, in its boxes too.
func TestShrinkingCompositionOffsets(t *testing.T) {
	track, period := videoTrack(media.Rational{}), &media.Period{}
	s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
	var got taken
	var units []media.AccessUnit
	for gop, offset := range []media.Ticks{9000, 3000, 6000} {
		for i := range 60 {
			dts := media.Ticks(60*gop+i) * 3000
			au := media.AccessUnit{Track: track, DTS: dts, PTS: dts + offset, Sync: i == 0, Data: []byte{1}}
			if au.Sync {
				got.take(t, s.Boundary(media.Boundary{MSN: uint64(gop), PTS: au.PTS, Period: period}), nil)
			}
			events, err := s.Push(au)
			got.take(t, events, err)
			units = append(units, au)
		}
	}
	got.take(t, s.End(), nil)
	checkBoxes(t, got.segments, units)
	for i, want := range []media.Ticks{174_000, 183_000, 180_000} {
		if seg := got.segments[i]; seg.Duration != want {
			t.Errorf("segment %d lasts %d ticks, want %d", i, seg.Duration, want)
		}
	}
}

// TestUnknownDurations: at a variable rate only the next access unit tells how
// long one lasts; the last of all lasts as long as the one before it.
func TestUnknownDurations(t *testing.T) {
	track := videoTrack(media.Rational{})
	s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
	var got taken
	got.take(t, s.Boundary(media.Boundary{MSN: 1, Period: &media.Period{}}), nil)
	var units []media.AccessUnit
	for i, at := range []media.Ticks{0, 3000, 60_000, 61_000, 65_000} { // one lasts longer than a part
		au := media.AccessUnit{Track: track, DTS: at, PTS: at, Sync: i == 0, Data: []byte{byte(i)}}
		events, err := s.Push(au)
		got.take(t, events, err)
		units = append(units, au)
	}
	got.take(t, s.End(), nil)
	checkBoxes(t, got.segments, units)
	if d := got.segments[0].Duration; d != 69_000 {
		t.Errorf("the segment lasts %d ticks, want 69000", d)
	}
	target := media.VideoTimescale.Ticks(partTarget)
	for _, part := range got.parts {
		if len(samplesOf(t, part)) > 1 && part.Duration > target {
			t.Errorf("part %d lasts %v and could have been two", part.Index, media.VideoTimescale.Duration(part.Duration))
		}
	}
}
