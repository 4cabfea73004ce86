package ingest_test

import (
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// furtherTrack is the source's further audio track of that number.
func furtherTrack(s source, number int, length float64) []media.AccessUnit {
	track := *s.audio
	track.Number = number
	var all []media.AccessUnit
	for _, u := range only(s.units(length), media.Audio) {
		u.Track = &track
		all = append(all, u)
	}
	return all
}

// two is what a source says that has two audio tracks.
func two() ingest.Metadata {
	return ingest.Metadata{AudioTracks: []ingest.AudioTrack{{}, {Number: 1}}}
}

// pushTracks is push for sources with several tracks of a kind: it takes the tracks of
// each number apart.
func pushTracks(t rapid.TB, meta ingest.Metadata, units []media.AccessUnit) (map[int][]media.AccessUnit, ingest.Repairs) {
	t.Helper()
	timeline := ingest.NewTimeline(ingest.TimelineConfig{Anchor: anchor})
	timeline.Metadata(meta)
	out := map[int][]media.AccessUnit{}
	take := func(units []media.AccessUnit) {
		for _, u := range units {
			out[u.Track.Number] = append(out[u.Track.Number], u)
		}
	}
	for _, u := range wrap(units) {
		take(timeline.Push(u))
	}
	take(timeline.End())
	for _, units := range out {
		checkInvariants(t, units)
	}
	return out, timeline.Repairs()
}

// TestFurtherAudioStandsBesideTheDefault: wherever the clock jumps and however late a
// track is sent, its frames get the times of the default track's with the same ones,
// and breaks are announced in both.
func TestFurtherAudioStandsBesideTheDefault(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSource(rapid.SampledFrom([]media.Rational{fps30, fps60, ntsc30}).Draw(t, "rate"), rapid.SampledFrom([]int{48_000, 44_100}).Draw(t, "sampling"))
		s.begin = rapid.SampledFrom([]float64{0, 100, 4_294_960}).Draw(t, "begin") // the last wraps
		main, other := s.units(9), furtherTrack(s, 3, 9)
		units := woven(main, other, rapid.IntRange(0, 40).Draw(t, "late"))
		if jump := rapid.SampledFrom([]media.Ticks{0, 5000, -3500, 100_000}).Draw(t, "jump"); jump != 0 {
			units = move(units, jump, func(_ int, u media.AccessUnit) bool { return u.PTS >= 4000+media.Ticks(s.begin*1000) })
		}
		out, _ := pushTracks(t, ingest.Metadata{AudioTracks: []ingest.AudioTrack{{Number: 3}}}, units)
		if v, a := breaks(out[0], media.Video), breaks(out[3], media.Audio); v != a {
			t.Fatalf("%d breaks of video, %d of the further track", v, a)
		}
		times := map[string]float64{}
		for _, u := range only(out[0], media.Audio) {
			times[string(u.Data)] = seconds(u)
		}
		heard := 0
		for _, u := range out[3] {
			if at, ok := times[string(u.Data)]; ok && !isSilence(u) {
				if heard++; math.Abs(seconds(u)-at) > 0.045 {
					t.Fatalf("a frame stands at %.3f s and the default track's at %.3f s", seconds(u), at)
				}
			}
		}
		if heard < len(other)*3/5 {
			t.Fatalf("%d of %d frames came through", heard, len(other))
		}
	})
}

// TestBadFurtherAudioHarmsNobody: whatever a further track does, the others leave as
// if it were not there, and it is without a hole itself.
func TestBadFurtherAudioHarmsNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSource(fps30, 48_000)
		s.begin = 1000
		main := s.units(12)
		units := woven(main, furtherTrack(s, 1, 12), rapid.IntRange(0, 40).Draw(t, "late"))
		further := func(u media.AccessUnit) bool { return u.Track.Number == 1 }
		from := media.Ticks(rapid.IntRange(1_000_000, 1_012_000).Draw(t, "from"))
		behind := func(u media.AccessUnit) bool { return further(u) && u.DTS >= from }
		switch rapid.IntRange(0, 3).Draw(t, "what") {
		case 0: // it stops, and perhaps comes again
			to := media.Ticks(rapid.IntRange(int(from), 1_012_000).Draw(t, "to"))
			units = without(units, func(u media.AccessUnit) bool { return behind(u) && u.DTS < to })
		case 1: // its own clock jumps, or was another one from the beginning
			units = move(units, media.Ticks(rapid.IntRange(-200_000, 200_000).Draw(t, "by")), func(_ int, u media.AccessUnit) bool { return behind(u) })
		case 2: // its times are noise
			for i, u := range units {
				if further(u) {
					units[i].DTS = media.Ticks(rapid.Uint32().Draw(t, "time"))
					units[i].PTS = units[i].DTS
				}
			}
		case 3: // it never comes
			units = main
		}
		alone, _ := pushTracks(t, ingest.Metadata{}, main)
		out, _ := pushTracks(t, two(), units)
		if !reflect.DeepEqual(values(alone[0]), values(out[0])) {
			t.Fatal("the default tracks do not leave as they do alone")
		}
		if first, last := seconds(out[1][0]), seconds(out[1][len(out[1])-1]); first > 0.03 || last < 11.9 {
			t.Fatalf("the further track goes from %.3f s to %.3f s", first, last)
		}
	})
}

// values are units with their tracks by value.
func values(units []media.AccessUnit) (all []any) {
	for _, u := range units {
		track := *u.Track
		u.Track = nil
		all = append(all, u, track)
	}
	return all
}

// TestFurtherAudioComesBackToItsPlace: a track that goes on with other times after a
// while is heard again, in step with the others.
func TestFurtherAudioComesBackToItsPlace(t *testing.T) {
	s := newSource(fps30, 48_000)
	main := s.units(12)
	units := move(woven(main, furtherTrack(s, 1, 12), 0), 70_000, func(_ int, u media.AccessUnit) bool { return u.Track.Number == 1 && u.DTS >= 4000 })
	out, repairs := pushTracks(t, two(), units)
	if repairs.TrackJumps != 1 || repairs.Jumps != 0 {
		t.Errorf("%+v", repairs)
	}
	var late []media.AccessUnit
	for _, u := range out[1] {
		if seconds(u) > 5 {
			late = append(late, u)
		}
	}
	for _, u := range late {
		if isSilence(u) {
			t.Fatalf("silence at %.3f s: %+v", seconds(u), repairs)
		}
		i := int(u.Data[1]) | int(u.Data[2])<<8
		if off := seconds(u) - float64(i)*1024/48_000; math.Abs(off) > 0.1 {
			t.Fatalf("frame %d stands %.3f s off", i, off)
		}
	}
	if len(late) == 0 {
		t.Fatal("nothing comes of it any more")
	}
}

// TestFurtherAudioThatIsEncodedLater keeps its own time and is silent in plain AAC
// where it stops, as the default track is.
func TestFurtherAudioThatIsEncodedLater(t *testing.T) {
	s := newSource(fps30, 48_000)
	main := s.units(10)
	other := furtherTrack(s, 1, 10)
	track := *other[0].Track
	track.Codec, track.Config = media.AC3, nil
	for i := range other {
		other[i].Track = &track
	}
	other = without(other, func(u media.AccessUnit) bool { return u.DTS > 4000 && u.DTS < 7000 })
	out, _ := pushTracks(t, two(), woven(main, other, 0))
	codecs := map[media.Codec]int{}
	for _, u := range out[1] {
		codecs[u.Track.Codec]++
		if at := seconds(u); at > 3.9 && at < 4 || at > 6.85 && at < 7 {
			continue // where it stops and begins
		}
		if silent := seconds(u) > 4 && seconds(u) < 6.9; silent != (u.Track.Codec == media.AAC) {
			t.Fatalf("%s at %.3f s", u.Track.Codec, seconds(u))
		}
	}
	if codecs[media.AAC] == 0 || codecs[media.AC3] == 0 {
		t.Errorf("%v", codecs)
	}
}

// TestAudioThatWasNotNamedIsLeftOut.
func TestAudioThatWasNotNamedIsLeftOut(t *testing.T) {
	s := newSource(fps30, 48_000)
	out, repairs := pushTracks(t, ingest.Metadata{}, woven(s.units(3), furtherTrack(s, 1, 3), 0))
	if len(out[1]) > 0 || repairs.Unusable == 0 {
		t.Errorf("%d units, %+v", len(out[1]), repairs)
	}
}

// TestFurtherAudioWithoutVideo: it goes on beside the default track.
func TestFurtherAudioWithoutVideo(t *testing.T) {
	s := newSource(fps30, 48_000)
	main, other := only(s.units(20), media.Audio), furtherTrack(s, 1, 12)
	no := false
	meta := two()
	meta.HasVideo = &no
	out, _ := pushTracks(t, meta, woven(main, other, 3))
	last := out[1][len(out[1])-1]
	if end := out[0][len(out[0])-1]; math.Abs(seconds(last)-seconds(end)) > 1.1 || !isSilence(last) {
		t.Errorf("it ends at %.3f s, the default track at %.3f s", seconds(last), seconds(end))
	}
	for _, u := range out[1] {
		if !isSilence(u) {
			i := int(u.Data[1]) | int(u.Data[2])<<8
			if off := seconds(u) - seconds(out[0][0]) - float64(i)*1024/48_000; math.Abs(off) > 0.05 && seconds(u) > 1 {
				t.Fatalf("frame %d stands at %.3f s, %.3f s off", i, seconds(u), off)
			}
		}
	}
}
