package ingest_test

import (
	"math"
	"testing"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// radio is a source of audio alone.
func radio(track *media.Track, length float64) []media.AccessUnit {
	s := newSource(fps30, 48_000)
	s.audio = track
	return without(s.units(length), isVideo)
}

// A source without video is taken for what it is, the sooner the clearer it
// says so, and no more than 1.7 s of what came before are lost.
func TestAudioAlone(t *testing.T) {
	yes, no := true, false
	for _, track := range []*media.Track{
		aacTrack(48_000, 2), aacTrack(44_100, 1),
		{Kind: media.Audio, Codec: media.MP3, SampleRate: 44_100, Channels: 2},
	} {
		for wait, meta := range map[media.Ticks]ingest.Metadata{3000: {}, 500: {HasVideo: &no}, 8000: {HasVideo: &yes}} {
			timeline := ingest.NewTimeline(ingest.TimelineConfig{Anchor: anchor})
			timeline.Metadata(meta)
			var out []media.AccessUnit
			units := radio(track, 20)
			decided := media.Ticks(-1)
			for _, u := range units {
				out = append(out, timeline.Push(u)...)
				if len(out) > 0 && decided < 0 {
					decided = u.DTS - units[0].DTS
				}
			}
			out = append(out, timeline.End()...)
			checkInvariants(t, out)
			if decided < wait || decided > wait+100 || breaks(out, media.Audio) != 1 {
				t.Errorf("%s: decided after %d ms, want %d", track.Codec, decided, wait)
			}
			if first, limit := seconds(out[0]), float64(wait)/1000; first > limit || first < limit-1.8 {
				t.Errorf("%s: begins at %.3f s", track.Codec, first)
			}
			if lost := 20 - seconds(out[0]) - float64(len(out))*1024/float64(track.SampleRate); math.Abs(lost) > 0.1 {
				t.Errorf("%s: %.3f s are missing", track.Codec, lost)
			}
			checkNoHoles(t, out, 0.03)
		}
	}
}

// Video that comes later is a break, at its keyframe.
func TestVideoJoinsAudio(t *testing.T) {
	s := newSource(fps30, 48_000)
	units := without(s.units(20), func(u media.AccessUnit) bool { return isVideo(u) && u.DTS < 7000 })
	out, _ := push(t, units)
	if breaks(out, media.Audio) != 2 || breaks(out, media.Video) != 1 {
		t.Errorf("%d breaks of audio, %d of video, want 2 and 1", breaks(out, media.Audio), breaks(out, media.Video))
	}
	video := only(out, media.Video)
	if len(video) != 12*30 {
		t.Errorf("%d pictures from the keyframe at 8 s on, want %d", len(video), 12*30)
	}
	checkNoHoles(t, out, 0.05)
	checkRelative(t, out, without(units, func(u media.AccessUnit) bool { return u.DTS < 8000 }))
}

// A late camera does not make a stream of audio alone.
func TestVideoThatBeginsLate(t *testing.T) {
	yes := true
	s := newSource(fps30, 48_000)
	units := without(s.units(20), func(u media.AccessUnit) bool { return isVideo(u) && u.DTS < 5000 })
	out, _ := pushWith(t, ingest.Metadata{HasVideo: &yes}, units)
	if !isVideo(out[0]) || breaks(out, media.Audio) != 1 {
		t.Errorf("begins with %s, %d breaks", out[0].Track.Kind, breaks(out, media.Audio))
	}
}

// Audio alone goes on over jumps of its clock and changes of its parameters.
func TestAudioAloneBreaks(t *testing.T) {
	units := radio(aacTrack(48_000, 2), 30)
	units = move(units, -3_600_000+1<<32, func(_ int, u media.AccessUnit) bool { return u.DTS > 10_000 })
	other := aacTrack(44_100, 1)
	for i := range units {
		if i > len(units)*2/3 {
			units[i].Track = other
		}
	}
	out, repairs := push(t, units)
	if repairs.Jumps != 1 || repairs.ParameterChanges != 1 || breaks(out, media.Audio) != 3 {
		t.Errorf("%+v", repairs)
	}
	checkNoHoles(t, out, 0.06)
	if last := out[len(out)-1]; last.Track.SampleRate != 44_100 || seconds(last) < 29 {
		t.Errorf("ends at %.2f s with %+v", seconds(last), last.Track)
	}
}
