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
			got := repairs.AudioRepeated + repairs.SilenceInserted
			if ppm < 0 {
				got = repairs.AudioDropped
			}
			if math.Abs(float64(got)-frames) > 4 || ppm > 0 && rate > 8000 && repairs.SilenceInserted > 1 { // One at the end.
				t.Errorf("%d Hz, %v ppm: %v frames for %.1f, %+v", rate, ppm, got, frames, repairs)
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
	if hole := 3.0 * 44_100 / 1024; math.Abs(float64(repairs.SilenceInserted)-hole) > 3 || breaks(out, media.Audio) != 1 {
		t.Errorf("%+v, want %.0f frames of silence for the hole", repairs, hole)
	}
	checkSync(t, out, units, 0.001)
	checkNoHoles(t, out, 0.05)
}

// checkNoHoles fails if audio is missing for longer than limit seconds.
func checkNoHoles(t *testing.T, out []media.AccessUnit, limit float64) {
	t.Helper()
	audio := only(out, media.Audio)
	for i := 1; i < len(audio); i++ {
		if step := seconds(audio[i]) - seconds(audio[i-1]); step > limit {
			t.Errorf("audio is missing for %.3f s at %.3f s", step, seconds(audio[i-1]))
		}
	}
}

func TestForeignAudioThatStopsForGood(t *testing.T) {
	for _, track := range []*media.Track{
		{Kind: media.Audio, Codec: media.MP3, SampleRate: 22_050, Channels: 1},
		{Kind: media.Audio, Codec: media.AAC, SampleRate: 48_000, Channels: 6, Config: ingest.LCConfig(48_000, 6)},
	} {
		s := newSource(fps30, 48_000)
		s.audio = track
		units := without(s.units(20), func(u media.AccessUnit) bool { return !isVideo(u) && u.DTS > 5000 })
		out, _ := push(t, units)
		audio := only(out, media.Audio)
		last := audio[len(audio)-1]
		if at := seconds(last); at < 19.9 || breaks(out, media.Audio) != 1 || !ingest.PlainAAC(last.Track) || last.Track.SampleRate != track.SampleRate {
			t.Errorf("%s: ends at %.2f s with %+v", track.Codec, at, last.Track)
		}
		checkNoHoles(t, out, 0.05)
	}
}

// An hour of an audio clock that is 100 ppm wrong must not be heard.
func TestAudioDoesNotDriftInAnHour(t *testing.T) {
	for _, ppm := range []float64{-100, 100} {
		s := newSource(fps30, 44_100)
		units := s.units(3600)
		for i := range units {
			if !isVideo(units[i]) {
				units[i].DTS = media.Ticks(math.Round(float64(units[i].DTS) * (1 + ppm/1e6)))
				units[i].PTS = units[i].DTS
			}
		}
		out, repairs := push(t, units)
		worst := checkSync(t, out, units, 0.020)
		t.Logf("%+v ppm: %.1f ms off at worst, %d frames repeated, %d left out", ppm, 1000*worst, repairs.AudioRepeated, repairs.AudioDropped)
	}
}

// Silence stays beside the video for hours.
func TestSilenceDoesNotDriftInHours(t *testing.T) {
	s := newSource(ntsc30, 48_000)
	s.audio = nil
	out, _ := push(t, s.units(2*3600))
	var video, worst float64
	for _, u := range out {
		if isVideo(u) {
			video = float64(u.DTS-media.VideoTimescale.At(anchor)) / 90_000
		} else if video > 1 {
			worst = max(worst, math.Abs(seconds(u)-video))
		}
	}
	if worst > 0.1 || breaks(out, media.Audio) != 1 {
		t.Errorf("silence is %.0f ms off", 1000*worst)
	}
}

func TestAudioWhileVideoHasStopped(t *testing.T) {
	s := newSource(fps30, 48_000)
	units := without(s.units(30), func(u media.AccessUnit) bool { return isVideo(u) && u.DTS > 5000 && u.DTS < 15_000 })
	out, repairs := push(t, units)
	if repairs.Restarts != 1 || breaks(out, media.Video) != 2 || repairs.Frozen {
		t.Errorf("%+v", repairs)
	}
	if _, repairs = push(t, without(units, func(u media.AccessUnit) bool { return u.DTS > 10_000 })); !repairs.Frozen {
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
