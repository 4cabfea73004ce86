package packager_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/pkg/media"
	packager "weir/pkg/package"
)

const partTarget = 350 * time.Millisecond

func videoTrack(rate media.Rational) *media.Track {
	return &media.Track{
		Kind: media.Video, Codec: media.H264, Timescale: media.VideoTimescale,
		Config: []byte{1, 100, 0, 31, 0xff, 0xe0, 0}, Width: 1280, Height: 720, FrameRate: rate,
	}
}

func audioTrack(rate int) *media.Track {
	return &media.Track{
		Kind: media.Audio, Codec: media.AAC, Timescale: media.Timescale(rate),
		Config: []byte{0x11, 0x90}, SampleRate: rate, Channels: 2,
	}
}

// taken sorts what a segmenter said.
type taken struct {
	inits    []*media.Init
	parts    []*media.Part
	segments []*media.Segment
	dropped  []uint64
}

func (g *taken) take(t failer, events []packager.Event, err error) {
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range events {
		switch e := event.(type) {
		case packager.InitChanged:
			g.inits = append(g.inits, e.Init)
		case packager.PartReady:
			g.parts = append(g.parts, e.Part)
		case packager.SegmentReady:
			g.segments = append(g.segments, e.Segment)
		case packager.PartsDropped:
			g.dropped = append(g.dropped, e.MSN)
		}
	}
}

// pictures makes n access units at rate with a keyframe every gop and, where
// delay is not 0, composition offsets as B-frames cause them.
func pictures(track *media.Track, first media.Ticks, n, gop, delay int) []media.AccessUnit {
	units := make([]media.AccessUnit, n)
	at := func(i int) media.Ticks { return first + track.FrameRate.Ticks(int64(i), track.Timescale) }
	for i := range units {
		order := i
		if delay > 0 && i%gop != 0 {
			switch (i % gop) % 3 { // I P B B P B B, shown as I B B P B B P
			case 1:
				order = min(i+2, i-i%gop+gop-1)
			default:
				order = i - 1
			}
		}
		units[i] = media.AccessUnit{
			Track: track, DTS: at(i) - track.FrameRate.Ticks(int64(delay), track.Timescale), PTS: at(order),
			Duration: at(i+1) - at(i), Sync: i%gop == 0, Data: []byte{0, 0, 0, 1, 0x65},
		}
	}
	return units
}

func sounds(track *media.Track, first media.Ticks, n int) []media.AccessUnit {
	units := make([]media.AccessUnit, n)
	for i := range units {
		at := first + media.Ticks(i)*1024
		units[i] = media.AccessUnit{Track: track, DTS: at, PTS: at, Duration: 1024, Sync: true, Data: []byte{0x21}}
	}
	return units
}

// TestInvariants holds what players rely on for every frame rate and GOP: no
// gap between segments to the tick, parts within their target, serials without
// a gap, audio cut within half a frame of video.
func TestInvariants(t *testing.T) {
	rates := []media.Rational{{Num: 24000, Den: 1001}, {Num: 24, Den: 1}, {Num: 25, Den: 1}, {Num: 30000, Den: 1001}, {Num: 30, Den: 1}, {Num: 50, Den: 1}, {Num: 60000, Den: 1001}, {Num: 60, Den: 1}}
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.SampledFrom(rates).Draw(t, "rate")
		gop := rapid.IntRange(int(rate.Float()), int(2.4*rate.Float())).Draw(t, "gop")
		delay := rapid.IntRange(0, 2).Draw(t, "delay")
		sampling := rapid.SampledFrom([]int{44_100, 48_000}).Draw(t, "sampling")
		first := media.Ticks(rapid.Int64Range(0, 1<<48).Draw(t, "first"))
		track, sound := videoTrack(rate), audioTrack(sampling)
		video := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
		audio := packager.NewSegmenter(packager.Config{Kind: media.Audio, PartTarget: partTarget})
		var seen, heard taken
		period := &media.Period{Start: first}
		units := pictures(track, first, 5*gop+1, gop, delay)
		var boundaries []media.Boundary
		for i, au := range units {
			if au.Sync {
				b := media.Boundary{MSN: 100 + uint64(i/gop), PTS: au.PTS, Period: period}
				boundaries = append(boundaries, b)
				seen.take(t, video.Boundary(b), nil)
				heard.take(t, audio.Boundary(b), nil)
			}
			events, err := video.Push(au)
			seen.take(t, events, err)
		}
		frames := int(float64(len(units))/rate.Float()*float64(sampling)/1024) + 2
		for _, au := range sounds(sound, media.Rescale(first, media.VideoTimescale, sound.Timescale), frames) {
			events, err := audio.Push(au)
			heard.take(t, events, err)
		}
		checkWindow(t, seen, track, boundaries)
		checkWindow(t, heard, sound, boundaries)
	})
}

func checkWindow(t *rapid.T, got taken, track *media.Track, boundaries []media.Boundary) {
	if len(got.segments) != 5 || len(got.inits) != 1 || len(got.dropped) != 0 {
		t.Fatalf("%s: %d segments, %d inits, %d dropped; want 5, 1, 0", track.Kind, len(got.segments), len(got.inits), len(got.dropped))
	}
	half := track.FrameDuration()/2 + 1
	for i, seg := range got.segments {
		want := media.Rescale(boundaries[i].PTS, media.VideoTimescale, track.Timescale)
		off := seg.Start - want
		if track.Kind == media.Video && off != 0 || off > half || off < -half {
			t.Fatalf("%s segment %d starts %d ticks off its boundary", track.Kind, i, off)
		}
		if i > 0 {
			if before := got.segments[i-1]; seg.Start != before.Start+before.Duration || seg.MSN != before.MSN+1 {
				t.Fatalf("%s segment %d does not follow the one before", track.Kind, i)
			}
		}
		checkParts(t, seg, track)
	}
	for i, part := range got.parts {
		if part.Serial != uint64(i) {
			t.Fatalf("%s part %d has serial %d", track.Kind, i, part.Serial)
		}
	}
}

// checkParts holds PART-TARGET: none longer, and all but a segment's last at
// least 85 % of it (RFC 8216bis, 4.4.3.7).
func checkParts(t failer, seg *media.Segment, track *media.Track) {
	at, size := seg.Start, 0
	target := track.Timescale.Ticks(partTarget)
	for i, part := range seg.Parts {
		if part.Start != at || part.Index != i || part.MSN != seg.MSN {
			t.Fatalf("%s part %d of segment %d is misplaced", track.Kind, i, seg.MSN)
		}
		last := i == len(seg.Parts)-1
		if part.Duration > target || !last && part.Duration*100 < target*85 {
			t.Fatalf("%s part %d lasts %d of %d ticks", track.Kind, i, part.Duration, target)
		}
		at += part.Duration
		size += len(part.Bytes)
	}
	if at != seg.Start+seg.Duration || size != seg.Size || !seg.Parts[0].Independent {
		t.Fatalf("%s segment %d: parts end at %d of %d, %d of %d bytes", track.Kind, seg.MSN, at, seg.Start+seg.Duration, size, seg.Size)
	}
}

func TestSegmentStartsAgain(t *testing.T) {
	track := videoTrack(media.Rational{Num: 25, Den: 1})
	s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
	units := pictures(track, 0, 101, 50, 0)
	period := &media.Period{}
	var got taken
	replay := func(from, to int) {
		for i, au := range units[from:to] {
			if au.Sync {
				got.take(t, s.Boundary(media.Boundary{MSN: uint64(from+i) / 50, PTS: au.PTS, Period: period}), nil)
			}
			events, err := s.Push(au)
			got.take(t, events, err)
		}
	}
	replay(0, 80)
	replay(50, 101)
	if len(got.segments) != 2 || len(got.dropped) != 1 || got.dropped[0] != 1 {
		t.Fatalf("%d segments, dropped %v; want 2 and one restart of segment 1", len(got.segments), got.dropped)
	}
	serials := make(map[uint64]bool)
	for _, part := range got.parts {
		if serials[part.Serial] {
			t.Errorf("serial %d names two parts", part.Serial)
		}
		serials[part.Serial] = true
	}
}

func TestGapReplacesTheOpenSegment(t *testing.T) {
	track := videoTrack(media.Rational{Num: 25, Den: 1})
	s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
	b := media.Boundary{MSN: 7, PTS: 900, Period: &media.Period{}}
	var got taken
	got.take(t, s.Boundary(b), nil)
	for _, au := range pictures(track, 900, 20, 50, 0) {
		events, err := s.Push(au)
		got.take(t, events, err)
	}
	got.take(t, s.Gap(b, 180_900), nil)
	if len(got.dropped) != 1 || len(got.segments) != 1 {
		t.Fatalf("dropped %v, %d segments; want one of each", got.dropped, len(got.segments))
	}
	if gap := got.segments[0]; !gap.Gap || gap.MSN != 7 || gap.Start != 900 || gap.Duration != 180_000 || len(gap.Parts) != 0 {
		t.Errorf("gap %+v", gap)
	}
}

func TestPeriodEndsWithItsOwnMedia(t *testing.T) {
	track := videoTrack(media.Rational{Num: 25, Den: 1})
	s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
	var got taken
	for i, first := range []media.Ticks{0, 9_000_000} {
		got.take(t, s.Boundary(media.Boundary{MSN: uint64(i), PTS: first, Period: &media.Period{Sequence: uint64(i)}}), nil)
		for _, au := range pictures(track, first, 25, 50, 0) {
			events, err := s.Push(au)
			got.take(t, events, err)
		}
	}
	got.take(t, s.End(), nil)
	for i, seg := range got.segments {
		if seg.Duration != 90_000 {
			t.Errorf("segment %d of one second lasts %d ticks", i, seg.Duration)
		}
	}
	if len(got.segments) != 2 {
		t.Fatalf("%d segments, want 2", len(got.segments))
	}
}

func TestUnusableAccessUnitsAreDroppedAlone(t *testing.T) {
	track := videoTrack(media.Rational{Num: 25, Den: 1})
	s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
	units := pictures(track, 0, 60, 50, 0)
	if _, err := s.Push(units[0]); !errors.Is(err, packager.ErrUnusable) {
		t.Errorf("before any boundary: %v", err)
	}
	s.Boundary(media.Boundary{MSN: 1, Period: &media.Period{}})
	var got taken
	for i, au := range units {
		if i == 50 {
			got.take(t, s.Boundary(media.Boundary{MSN: 2, PTS: au.PTS, Period: &media.Period{}}), nil)
		}
		events, err := s.Push(au)
		got.take(t, events, err)
		if _, err := s.Push(au); !errors.Is(err, packager.ErrUnusable) {
			t.Fatalf("a duplicate: %v", err)
		}
		empty := au
		empty.Data = nil
		if _, err := s.Push(empty); !errors.Is(err, packager.ErrUnusable) {
			t.Fatalf("an empty one: %v", err)
		}
	}
	if len(got.segments) != 1 || got.segments[0].Duration != 180_000 {
		t.Errorf("segments %+v, want one of 2 s", got.segments)
	}
}

func BenchmarkSegmenter(b *testing.B) {
	track := videoTrack(media.Rational{Num: 30, Den: 1})
	s := packager.NewSegmenter(packager.Config{Kind: media.Video, PartTarget: partTarget})
	period := &media.Period{}
	payload := make([]byte, 20_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		at := media.Ticks(i) * 3000
		if i%60 == 0 {
			s.Boundary(media.Boundary{MSN: uint64(i / 60), PTS: at, Period: period})
		}
		au := media.AccessUnit{Track: track, DTS: at, PTS: at, Duration: 3000, Sync: i%60 == 0, Data: payload}
		if _, err := s.Push(au); err != nil {
			b.Fatal(err)
		}
	}
}
