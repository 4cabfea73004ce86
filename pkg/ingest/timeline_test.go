package ingest_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// TestWrapIsNoEvent: of 32 bits, as they are specified, and of 31, as encoders write.
func TestWrapIsNoEvent(t *testing.T) {
	for _, bits := range []int{32, 31} {
		s := newSource(fps30, 48_000)
		s.begin = float64(int64(1)<<bits)/1000 - 5
		units := s.units(10)
		written := slices.Clone(units)
		for i := range written {
			written[i].DTS, written[i].PTS = written[i].DTS&(1<<bits-1), written[i].PTS&(1<<bits-1)
		}
		out, repairs := push(t, written)
		checkGrid(t, out, fps30)
		checkSync(t, out, units, 0.031)
		if repairs.Wraps != 1 || breaks(out, media.Video) != 1 {
			t.Errorf("%d bits: %+v", bits, repairs)
		}
	}
}

func TestStartsAtTheFirstKeyframe(t *testing.T) {
	s := newSource(fps30, 48_000)
	units := s.units(6)[100:]
	out, repairs := push(t, units)
	if repairs.WaitedForKeyframe == 0 {
		t.Error("nothing was dropped")
	}
	for _, u := range out {
		if seconds(u) < -0.07 {
			t.Fatalf("%s at %.3f s", u.Track.Kind, seconds(u))
		}
	}
	first := only(out, media.Audio)[0]
	if at := seconds(first); math.Abs(at) > 0.011 || isSilence(first) {
		t.Errorf("audio begins at %.3f s", at)
	}
	checkSync(t, out, units, 0.031)
}

func TestStartOffsetIsPreserved(t *testing.T) {
	s := newSource(fps30, 48_000)
	s.audioLag = 0.3
	units := s.units(5)
	out, repairs := push(t, units)
	if repairs.SilenceInserted != 14 {
		t.Errorf("%d silent frames", repairs.SilenceInserted)
	}
	checkSync(t, out, units, 0.012)
}

func TestJumpOfTheClockIsADiscontinuity(t *testing.T) {
	for name, by := range map[string]media.Ticks{
		"forward": 5000, "far forward": 1 << 30, "backward": -3500, "to zero": -7000, "a little more than allowed": 1500,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSource(fps30, 48_000)
			s.begin = 8
			units := move(s.units(12), by, func(_ int, u media.AccessUnit) bool { return u.DTS >= 8000+6500 })
			out, repairs := push(t, units)
			if repairs.Jumps != 1 || breaks(out, media.Video) != 2 || breaks(out, media.Audio) != 2 {
				t.Fatalf("%+v, %d breaks", repairs, breaks(out, media.Video))
			}
			video := only(out, media.Video)
			at := slices.IndexFunc(video[1:], func(u media.AccessUnit) bool { return u.Discontinuity }) + 1
			if gap := video[at].PTS - video[at-2].PTS; gap > 9000 || gap < 3000 {
				t.Errorf("media time goes on after %d", gap)
			}
			checkRelative(t, out, units)
		})
	}
}

// TestJumpInOpenGOPs: a source whose first picture alone is an IDR goes on at the
// next recovery point after its clock has jumped.
func TestJumpInOpenGOPs(t *testing.T) {
	units := newSource(fps30, 48_000).units(12)
	for i, u := range units {
		if isVideo(u) && u.Sync && i > 10 {
			units[i].Sync, units[i].Recovery = false, true
		}
	}
	units = move(units, 5*3600*1000, func(_ int, u media.AccessUnit) bool { return u.DTS >= 6500 })
	out, repairs := push(t, units)
	if repairs.Jumps != 1 || breaks(out, media.Video) != 2 {
		t.Fatalf("%+v, %d breaks", repairs, breaks(out, media.Video))
	}
	for _, u := range only(out, media.Video)[1:] {
		if u.Discontinuity && !u.Recovery {
			t.Errorf("the new run starts with a picture that nothing can be decoded from")
		}
	}
	if n := len(only(out, media.Video)); n < 300 {
		t.Errorf("%d pictures of 360 came through", n)
	}
	checkRelative(t, out, units)
}

// checkRelative fails if in any run audio and video are further apart than in
// the source.
func checkRelative(t rapid.TB, out, units []media.AccessUnit) {
	t.Helper()
	times := make(map[string]float64)
	for _, u := range units {
		times[string(u.Data)] = float64(u.PTS) / 1000
	}
	var shift float64
	for _, u := range out {
		if want, ok := times[string(u.Data)]; ok {
			switch {
			case u.Track.Kind == media.Video && u.Discontinuity:
				shift = seconds(u) - want
			case isVideo(u) || !u.Discontinuity:
				if off := math.Abs(seconds(u) - want - shift); off > 0.032 {
					t.Fatalf("%s of %.3f s is %.3f s off", u.Track.Kind, want, off)
				}
			}
		}
	}
}

func TestJumpOfOneTrackIsRepairedThere(t *testing.T) {
	for name, kind := range map[string]media.Kind{"audio": media.Audio, "video": media.Video} {
		for _, by := range []media.Ticks{5000, -3000, 100_000} {
			t.Run(fmt.Sprint(name, by), func(t *testing.T) {
				s := newSource(fps30, 48_000)
				s.begin = 8
				units := s.units(10)
				moved := move(units, by, func(_ int, u media.AccessUnit) bool { return u.Track.Kind == kind && u.DTS >= 12_000 })
				out, repairs := push(t, moved)
				if repairs.TrackJumps != 1 || repairs.Jumps != 0 || breaks(out, media.Video) != 1 {
					t.Errorf("%+v", repairs)
				}
				checkSync(t, out, units, 0.034)
			})
		}
	}
}

func TestOneWrongTimestampIsPutBack(t *testing.T) {
	for name, kind := range map[string]media.Kind{"audio": media.Audio, "video": media.Video} {
		s := newSource(fps30, 48_000)
		units := s.units(6)
		done := false
		moved := move(units, 60_000, func(_ int, u media.AccessUnit) bool {
			hit := !done && u.Track.Kind == kind && u.DTS >= 3000
			done = done || hit
			return hit
		})
		out, repairs := push(t, moved)
		if repairs.Blips != 1 || breaks(out, media.Video) != 1 || len(only(out, media.Video)) != len(only(units, media.Video)) {
			t.Errorf("%s: %+v", name, repairs)
		}
		checkSync(t, out, units, 0.07)
	}
}

func TestReanchorMovesTheNextDiscontinuity(t *testing.T) {
	for behind, want := range map[time.Duration]float64{300 * time.Millisecond: 4.2, 26 * time.Second: 30} {
		timeline := ingest.NewTimeline(ingest.TimelineConfig{Anchor: anchor})
		s := newSource(fps30, 48_000)
		units := move(s.units(8), 100_000, func(_ int, u media.AccessUnit) bool { return u.DTS >= 3900 })
		var out []media.AccessUnit
		for _, u := range units {
			if u.DTS > 50_000 {
				timeline.Reanchor(anchor.Add(4*time.Second + behind))
			}
			out = append(out, timeline.Push(u)...)
		}
		out = append(out, timeline.End()...)
		checkInvariants(t, out)
		for _, u := range only(out, media.Video)[1:] {
			if u.Discontinuity && math.Abs(seconds(u)-want) > 0.3 {
				t.Errorf("%v behind: goes on at %.3f s", behind, seconds(u))
			}
		}
		if breaks(out, media.Video) != 2 {
			t.Error("no discontinuity")
		}
	}
}

func TestDuplicatesAndSmallSteps(t *testing.T) {
	s := newSource(fps30, 48_000)
	units := s.units(8)
	doubled := slices.Clone(units)
	for i := 300; i < 320; i++ {
		doubled = slices.Insert(doubled, i*2-300, doubled[i*2-300])
	}
	out, repairs := push(t, doubled)
	if repairs.Duplicates != 20 || len(only(out, media.Video)) != len(only(units, media.Video)) {
		t.Errorf("duplicates: %+v", repairs)
	}
	checkGrid(t, out, fps30)

	backwards := move(units, -300, func(_ int, u media.AccessUnit) bool { return u.DTS >= 3100 })
	out, repairs = push(t, backwards)
	if repairs.Nudged == 0 || repairs.Restarts != 1 || breaks(out, media.Video) != 2 {
		t.Errorf("a small step back: %+v", repairs)
	}
}

func TestSameTimeTwiceIsNudged(t *testing.T) {
	s := newSource(fps30, 48_000)
	s.reorder = false
	units := s.units(4)
	times := 0
	for i, u := range units {
		if isVideo(u) && u.DTS > 1500 && times == 0 {
			units[i].DTS -= 34
			units[i].PTS -= 34
			times++
		}
	}
	out, repairs := push(t, units)
	if repairs.Nudged != 1 || breaks(out, media.Video) != 1 {
		t.Errorf("%+v", repairs)
	}
	checkGrid(t, out, fps30)
}

func TestAbsurdCompositionOffset(t *testing.T) {
	units := newSource(fps30, 48_000).units(4)
	for i := range units {
		if isVideo(units[i]) && units[i].Data[1]%50 == 3 {
			units[i].PTS += 100_000
		}
	}
	out, repairs := push(t, units)
	if repairs.CompositionOffsets == 0 {
		t.Errorf("%+v", repairs)
	}
	for _, u := range out {
		if u.PTS-u.DTS > 5*90_000 {
			t.Fatalf("offset %d", u.PTS-u.DTS)
		}
	}
}

func TestNewVideoParametersBreakBothTracks(t *testing.T) {
	s := newSource(fps30, 48_000)
	units := s.units(8)
	other := *s.video
	for i := range units {
		if isVideo(units[i]) && units[i].DTS >= 3999 {
			units[i].Track = &other
		}
	}
	out, repairs := push(t, units)
	if breaks(out, media.Video) != 2 || breaks(out, media.Audio) != 2 || repairs.ParameterChanges != 1 {
		t.Errorf("%+v", repairs)
	}
	checkRelative(t, out, units)
	if got, want := len(only(out, media.Video)), len(only(units, media.Video)); got != want {
		t.Errorf("%d pictures of %d", got, want)
	}
}

func TestUnusableTracks(t *testing.T) {
	timeline := ingest.NewTimeline(ingest.TimelineConfig{Anchor: anchor})
	for _, track := range []*media.Track{nil, {}, {Kind: media.Audio, Codec: media.AAC}} {
		if out := timeline.Push(media.AccessUnit{Track: track}); len(out) != 0 {
			t.Errorf("%+v came through", track)
		}
	}
	if got := timeline.Repairs().Unusable; got != 3 {
		t.Errorf("%d counted", got)
	}
	if out := timeline.End(); len(out) != 0 {
		t.Errorf("%d units from nothing", len(out))
	}
}

// TestOtherClocks: MPEG-TS counts 90 kHz in 33 bits, also where its times were
// milliseconds before.
func TestOtherClocks(t *testing.T) {
	for name, round := range map[string]media.Ticks{"exact": 1, "of milliseconds": 90} {
		t.Run(name, func(t *testing.T) { testOtherClock(t, round) })
	}
}

func testOtherClock(t *testing.T, round media.Ticks) {
	t.Helper()
	timeline := ingest.NewTimeline(ingest.TimelineConfig{Anchor: anchor, Clock: ingest.Clock{Timescale: 90_000, WrapBits: 33}})
	track := videoTrack(media.Rational{})
	if round > 1 {
		track = videoTrack(ntsc30) // half a second of milliseconds cannot tell it from 30
	}
	var out []media.AccessUnit
	for i := range 200 {
		since := media.Ticks(i) * 3003 / round * round
		dts := (1<<33 - 90_000 + since) & (1<<33 - 1)
		pts := (dts + 6006/round*round) & (1<<33 - 1)
		out = append(out, timeline.Push(media.AccessUnit{Track: track, DTS: dts, PTS: pts, Sync: i%60 == 0, Data: []byte{byte(i)}})...)
	}
	out = append(out, timeline.End()...)
	checkInvariants(t, out)
	checkGrid(t, out, ntsc30)
	if timeline.Repairs().Wraps != 1 {
		t.Errorf("%+v", timeline.Repairs())
	}
}
