package ingest_test

import (
	"math"
	"testing"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

func TestAudioOnItsGrid(t *testing.T) {
	for _, rate := range []int{96_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 11_025, 8000} {
		for name, round := range map[string]func(float64) float64{"floor": math.Floor, "round": math.Round} {
			s := newSource(fps30, rate)
			s.round = round
			units := s.units(120)
			out, repairs := push(t, units)
			if repairs.SilenceInserted+repairs.AudioDropped > 1 { // One at the end.
				t.Errorf("%d Hz, %s: %+v", rate, name, repairs)
			}
			checkSync(t, out, units, 0.002)
		}
	}
}

// wholeFrames is the limit that a Timeline promises for audio at rate.
func wholeFrames(rate int) float64 { return max(0.040, 0.6*1024/float64(rate)+0.001) }

func TestAudioClockThatDrifts(t *testing.T) {
	for _, rate := range []int{48_000, 44_100, 8000} {
		for _, ppm := range []float64{-500, 500, 2000, -2000} {
			s := newSource(fps30, rate)
			units := s.units(200)
			for i := range units {
				if !isVideo(units[i]) {
					units[i].DTS = media.Ticks(float64(units[i].DTS) * (1 + ppm/1e6))
					units[i].PTS = units[i].DTS
				}
			}
			out, repairs := push(t, units)
			checkSync(t, out, units, wholeFrames(rate))
			frames := math.Abs(ppm) / 1e6 * 200 * float64(rate) / 1024
			got := repairs.SilenceInserted
			if ppm < 0 {
				got = repairs.AudioDropped
			}
			if math.Abs(float64(got)-frames) > 4 {
				t.Errorf("%d Hz, %v ppm: %v frames for %.1f", rate, ppm, got, frames)
			}
		}
	}
}

func TestLostAudioIsSilent(t *testing.T) {
	for _, length := range []media.Ticks{60, 200, 450, 900, 3000, 8000} {
		s := newSource(fps30, 48_000)
		units := without(s.units(20), func(u media.AccessUnit) bool {
			return !isVideo(u) && u.DTS >= 5000 && u.DTS < 5000+length
		})
		out, repairs := push(t, units)
		want := float64(length) * 48 / 1024
		if got := float64(repairs.SilenceInserted); math.Abs(got-want) > 2 || repairs.AudioDropped != 0 || breaks(out, media.Audio) != 1 {
			t.Errorf("%d ms: %v silent frames, want %.1f, %+v", length, got, want, repairs)
		}
		checkSync(t, out, units, 0.031)
	}
}

func TestSilenceStaysBesideVideo(t *testing.T) {
	s := newSource(fps30, 48_000)
	units := without(s.units(20), func(u media.AccessUnit) bool { return !isVideo(u) && u.DTS >= 5000 })
	timeline := ingest.NewTimeline(ingest.TimelineConfig{Anchor: anchor})
	var video, audio float64
	for _, u := range units {
		for _, o := range timeline.Push(u) {
			if isVideo(o) {
				video = float64(o.DTS-media.VideoTimescale.At(anchor)) / 90_000
			} else {
				audio = seconds(o)
			}
		}
		if video-audio > 0.54 && video > 1 {
			t.Fatalf("audio at %.3f s, video at %.3f s", audio, video)
		}
		if u.DTS > 6500 && video-audio > 0.05 {
			t.Fatalf("silence at %.3f s, video at %.3f s", audio, video)
		}
	}
}

func TestAbsentAudio(t *testing.T) {
	s := newSource(fps30, 48_000)
	s.audio = nil
	yes, no := true, false
	for _, declared := range []*bool{nil, &yes, &no} {
		timeline := ingest.NewTimeline(ingest.TimelineConfig{Anchor: anchor})
		timeline.Metadata(ingest.Metadata{HasAudio: declared})
		var out []media.AccessUnit
		first := media.Ticks(-1)
		for _, u := range s.units(5) {
			out = append(out, timeline.Push(u)...)
			if first < 0 && len(only(out, media.Audio)) > 0 {
				first = u.DTS
			}
		}
		out = append(out, timeline.End()...)
		checkInvariants(t, out)
		if limit := media.Ticks(650); first < 0 || first > limit || declared == &no && first > 450 {
			t.Errorf("silence begins when video is at %d ms", first)
		}
		audio := only(out, media.Audio)
		if at := seconds(audio[0]); at != 0 || audio[0].Track.SampleRate != 48_000 || audio[0].Track.Channels != 2 {
			t.Errorf("silence begins at %v, %+v", at, audio[0].Track)
		}
		if last := seconds(audio[len(audio)-1]); last < 4.95 {
			t.Errorf("silence ends at %v", last)
		}
	}
}

func TestLateAudioWithTheSameParameters(t *testing.T) {
	s := newSource(fps30, 48_000)
	units := without(s.units(10), func(u media.AccessUnit) bool { return !isVideo(u) && u.DTS < 4000 })
	out, repairs := push(t, units)
	if breaks(out, media.Audio) != 1 || repairs.ParameterChanges != 0 {
		t.Errorf("%+v", repairs)
	}
	checkSync(t, out, units, 0.031)
}

func TestLateAudioWithOtherParameters(t *testing.T) {
	for _, track := range []*media.Track{
		aacTrack(44_100, 2), aacTrack(48_000, 1),
		{Kind: media.Audio, Codec: media.MP3, SampleRate: 44_100, Channels: 2},
		{Kind: media.Audio, Codec: media.AAC, SampleRate: 48_000, Channels: 6, Config: ingest.LCConfig(48_000, 6)},
	} {
		s := newSource(fps30, 48_000)
		s.audio = track
		units := without(s.units(10), func(u media.AccessUnit) bool { return !isVideo(u) && u.DTS < 3000 })
		out, repairs := push(t, units)
		if breaks(out, media.Audio) != 2 || breaks(out, media.Video) != 2 || repairs.ParameterChanges != 1 {
			t.Errorf("%s %d: %+v", track.Codec, track.SampleRate, repairs)
		}
		audio := only(out, media.Audio)
		if last := audio[len(audio)-1]; last.Track.Codec != track.Codec || last.Track.Channels != track.Channels {
			t.Errorf("ends with %+v", last.Track)
		}
		checkRelative(t, out, units)
	}
}

func TestAudioThatIsSentLate(t *testing.T) {
	// Audio comes 700 ms of media after the video that it belongs to.
	s := newSource(fps30, 48_000)
	units := s.units(20)
	var order []media.AccessUnit
	var waiting []media.AccessUnit
	for _, u := range units {
		if !isVideo(u) {
			waiting = append(waiting, u)
			continue
		}
		for len(waiting) > 0 && waiting[0].DTS < u.DTS-700 {
			order = append(order, waiting[0])
			waiting = waiting[1:]
		}
		order = append(order, u)
	}
	out, repairs := push(t, order)
	checkSync(t, out, units, 0.031)
	through := len(without(only(out, media.Audio), isSilence))
	if through < 800 {
		t.Errorf("%d frames of audio came through, %+v", through, repairs)
	}
}

func TestForeignAudioPassesAtItsOwnTime(t *testing.T) {
	s := newSource(fps30, 44_100)
	s.audio = &media.Track{Kind: media.Audio, Codec: media.MP3, SampleRate: 44_100, Channels: 2}
	units := without(s.units(20), func(u media.AccessUnit) bool { return !isVideo(u) && u.DTS > 5000 && u.DTS < 8000 })
	out, repairs := push(t, units)
	if repairs.SilenceInserted != 0 {
		t.Errorf("%+v", repairs)
	}
	checkSync(t, out, units, 0.001)
}

func TestAudioWhileVideoHasStopped(t *testing.T) {
	s := newSource(fps30, 48_000)
	units := without(s.units(30), func(u media.AccessUnit) bool { return isVideo(u) && u.DTS > 5000 && u.DTS < 15_000 })
	out, repairs := push(t, units)
	if repairs.Restarts != 1 || breaks(out, media.Video) != 2 {
		t.Errorf("%+v", repairs)
	}
	checkRelative(t, out, units)
	if last := seconds(out[len(out)-1]); last > 24 {
		t.Errorf("media time reached %.1f s", last)
	}
}

func TestRealAudioStandsInForItselfAfterABreak(t *testing.T) {
	// The clock jumps while audio is missing; silence goes on in the new run.
	s := newSource(fps30, 44_100)
	units := move(s.units(12), 9000, func(_ int, u media.AccessUnit) bool { return u.DTS >= 6000 })
	units = without(units, func(u media.AccessUnit) bool { return !isVideo(u) && u.DTS > 4000 })
	out, repairs := push(t, units)
	if repairs.Jumps != 1 || breaks(out, media.Audio) != 2 {
		t.Errorf("%+v", repairs)
	}
	audio := only(out, media.Audio)
	if last := audio[len(audio)-1]; last.Track.SampleRate != 44_100 {
		t.Errorf("ends at %d Hz", last.Track.SampleRate)
	}
}
