package packager_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"weir/pkg/media"
	packager "weir/pkg/package"
)

// lowLatencyRates are frame rates of which whole frames fill a part to 85 %.
func lowLatencyRates() []media.Rational {
	return []media.Rational{
		{Num: 24_000, Den: 1001},
		{Num: 24, Den: 1},
		{Num: 25, Den: 1},
		{Num: 30_000, Den: 1001},
		{Num: 30, Den: 1},
		{Num: 48, Den: 1},
		{Num: 50, Den: 1},
		{Num: 60_000, Den: 1001},
		{Num: 60, Den: 1},
	}
}

// TestFullPartsDoNotWait: a part is out with its last access unit, not with the
// next one; only where the segment is expected to end does it wait for that.
func TestFullPartsDoNotWait(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		track := videoTrack(rapid.SampledFrom(lowLatencyRates()).Draw(t, "rate"))
		gop := int(2*track.FrameRate.Float() + 0.5)
		units := pictures(track, media.Ticks(rapid.Int64Range(0, 1<<48).Draw(t, "first")), 4*gop, gop, rapid.IntRange(0, 2).Draw(t, "delay"))
		s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
		fit := int(media.VideoTimescale.Ticks(partTarget) / (track.FrameDuration() - 1))
		var got taken
		period := &media.Period{}
		for i, au := range units {
			if au.Sync {
				got.take(t, s.Boundary(media.Boundary{MSN: uint64(i / gop), PTS: au.PTS, Period: period}), nil)
			}
			before := len(got.parts)
			events, err := s.Push(au)
			got.take(t, events, err)
			at := i % gop
			isFull := (at+1)%fit == 0
			isLast := at == gop-1 && i >= gop
			if prompt := len(got.parts) > before && at > 0; prompt != (isFull && !isLast) {
				t.Fatalf("picture %d of segment %d, %d fit into a part: a part came out %v", at, i/gop, fit, prompt)
			}
		}
		got.take(t, s.End(), nil)
		checkBoxes(t, got.segments, units)
		for _, seg := range got.segments {
			checkParts(t, seg, track)
		}
	})
}

// TestAudioPartsDoNotWait is the same for AAC.
func TestAudioPartsDoNotWait(t *testing.T) {
	track := audioTrack(48_000)
	s := packager.NewSegmenter(packager.Config{Kind: media.Audio, PartTarget: partTarget})
	var got taken
	got.take(t, s.Boundary(media.Boundary{MSN: 1, Period: &media.Period{}}), nil)
	for i, au := range sounds(track, 0, 90) {
		events, err := s.Push(au)
		got.take(t, events, err)
		if want := (i + 1) / 16; len(got.parts) != want { // 16 frames are 341.3 ms
			t.Fatalf("%d parts after %d frames, want %d", len(got.parts), i+1, want)
		}
	}
}

// TestDroppedPictures: whatever the source drops, also just behind a part that
// is out, decode times go on to the tick and pictures keep their times.
func TestDroppedPictures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		track := videoTrack(rapid.SampledFrom(lowLatencyRates()).Draw(t, "rate"))
		gop := int(2*track.FrameRate.Float() + 0.5)
		all := pictures(track, 1<<40, 6*gop, gop, rapid.IntRange(0, 1).Draw(t, "delay"))
		s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
		var got taken
		var units []media.AccessUnit
		period, shift, dropping := &media.Period{}, media.Ticks(0), 0
		for i, au := range all {
			switch {
			case au.Sync:
				dropping = 0
				if i/gop > 1 { // the grid of frames moves a little, as it does under a drifting clock
					shift += media.Ticks(rapid.IntRange(-90, 90).Draw(t, "shift"))
				}
			case dropping > 0:
				dropping--
				continue
			case rapid.IntRange(0, 40).Draw(t, "drop") == 0:
				dropping = rapid.IntRange(0, gop).Draw(t, "how many")
				continue
			}
			au.DTS, au.PTS = au.DTS+shift, au.PTS+shift
			au.Data = []byte{byte(i), byte(i >> 8)}
			if au.Sync {
				got.take(t, s.Boundary(media.Boundary{MSN: uint64(i / gop), PTS: au.PTS, Period: period}), nil)
			}
			events, err := s.Push(au)
			got.take(t, events, err)
			units = append(units, au)
		}
		got.take(t, s.End(), nil)
		checkContinuity(t, got.segments, units)
		for _, seg := range got.segments {
			checkParts(t, seg, track)
		}
	})
}

// checkContinuity: decode times follow each other to the tick, over parts and
// segments, and every access unit is there at its presentation time. Beside
// them, a segment may end with early copies of the next one's first picture, each in
// a part of its own and presented behind what came before.
func checkContinuity(t failer, segments []*media.Segment, units []media.AccessUnit) {
	at, n, latest := segments[0].Start, 0, media.Ticks(0)
	for i, seg := range segments {
		if seg.Start != at {
			t.Fatalf("segment %d starts at %d, the one before it ends at %d", i, seg.Start, at)
		}
		size := 0
		for _, part := range seg.Parts {
			size += len(part.Bytes)
			for k, sample := range partBoxes(t, part) {
				if media.Ticks(sample.DecodeTime) != at {
					t.Fatalf("segment %d, part %d: sample %d is decoded at %d, want %d", i, part.Index, k, sample.DecodeTime, at)
				}
				at += media.Ticks(sample.Dur)
				shown, before := media.Ticks(sample.DecodeTime)+media.Ticks(sample.CompositionTimeOffset), latest
				latest = max(latest, shown)
				if n < len(units) && shown == units[n].PTS {
					n++
					continue
				}
				if n == len(units) || len(part.Bytes) != part.Lead || !bytes.Equal(sample.Data, units[n].Data) || shown <= before || shown >= units[n].PTS {
					t.Fatalf("segment %d, part %d: sample %d is none that went in", i, part.Index, k)
				}
			}
		}
		if at != seg.Start+seg.Duration || size != seg.Size {
			t.Fatalf("segment %d: %d bytes of parts end at %d, want %d at %d", i, size, at, seg.Size, seg.Start+seg.Duration)
		}
	}
	if n != len(units) {
		t.Fatalf("%d of %d access units came out", n, len(units))
	}
}

// TestKeyframeAfterAHole: the source dropped everything between a part that was
// out and the next keyframe.
func TestKeyframeAfterAHole(t *testing.T) {
	track, period := videoTrack(media.Rational{Num: 30, Den: 1}), &media.Period{}
	units := pictures(track, 0, 120, 60, 0)
	for i := range units {
		units[i].Data = []byte{byte(i)}
	}
	s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
	var got taken
	got.take(t, s.Boundary(media.Boundary{MSN: 1, Period: period}), nil)
	pushAll(t, s, &got, units[:40])
	if len(got.parts) != 4 {
		t.Fatalf("%d parts are out before the hole, want 4", len(got.parts))
	}
	got.take(t, s.Boundary(media.Boundary{MSN: 2, PTS: units[60].PTS, Period: period}), nil)
	pushAll(t, s, &got, units[60:])
	got.take(t, s.End(), nil)
	checkContinuity(t, got.segments, append(units[:40:40], units[60:]...))
	for _, part := range got.segments[0].Parts[4:] {
		if part.Duration != 10*3000 || !part.Independent {
			t.Errorf("the hole is filled by a part of %d ticks, independent %v", part.Duration, part.Independent)
		}
	}
}

// TestEarlyKeyframeAfterABreak: the segments around a break are of another length, and
// then the frame grid moves by a millisecond. Those after it end where the next begins.
func TestEarlyKeyframeAfterABreak(t *testing.T) {
	track := videoTrack(media.Rational{Num: 30, Den: 1})
	s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
	var got taken
	at, periods := media.Ticks(0), []*media.Period{{}, {Sequence: 1}}
	for i, frames := range []int{60, 60, 38, 21, 60, 60, 60} {
		got.take(t, s.Boundary(media.Boundary{MSN: uint64(i), PTS: at, Period: periods[min(i/3, 1)]}), nil)
		pushAll(t, s, &got, pictures(track, at, frames, frames, 0))
		if at += media.Ticks(frames) * 3000; i >= 3 {
			at -= 90
		}
	}
	got.take(t, s.End(), nil)
	for i, seg := range got.segments[4:] {
		if before := got.segments[3+i]; before.Start+before.Duration != seg.Start {
			t.Errorf("segment %d starts at %d, the one before ends at %d", seg.MSN, seg.Start, before.Start+before.Duration)
		}
	}
}

// TestHoleWithinAPart: the pictures that others refer to came, those between them did
// not, as at the end of a lost connection. No part is short or long for it.
func TestHoleWithinAPart(t *testing.T) {
	track, period := videoTrack(media.Rational{Num: 30, Den: 1}), &media.Period{}
	for hole := range 10 { // a longer one at the very end leaves the segment short
		for before := 1; before < 25; before++ {
			units := pictures(track, 0, 60, 60, 0)
			units = append(units[:before:before], units[before+hole])
			s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
			var got taken
			got.take(t, s.Boundary(media.Boundary{MSN: 1, Period: period}), nil)
			pushAll(t, s, &got, units)
			got.take(t, s.End(), nil)
			checkContinuity(t, got.segments, units)
			checkParts(t, got.segments[0], track)
			if d := got.segments[0].Duration; d != media.Ticks(before+hole+1)*3000 {
				t.Errorf("%d pictures, a hole of %d and one more last %d ticks", before, hole, d)
			}
		}
	}
}

// TestLead: the bytes of a part's first sample end where Lead says.
func TestLead(t *testing.T) {
	track := videoTrack(media.Rational{Num: 30, Den: 1})
	units := pictures(track, 0, 60, 60, 0)
	for i := range units {
		units[i].Data = bytes.Repeat([]byte{byte(i)}, 5+i)
	}
	s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
	var got taken
	got.take(t, s.Boundary(media.Boundary{MSN: 1, Period: &media.Period{}}), nil)
	pushAll(t, s, &got, units)
	for i, part := range got.parts {
		first := units[10*i].Data
		if !bytes.HasSuffix(part.Bytes[:part.Lead], first) || part.Bytes[part.Lead] != byte(10*i+1) {
			t.Errorf("part %d: the first sample of %d bytes does not end at %d", i, len(first), part.Lead)
		}
	}
}
