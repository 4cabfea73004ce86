package slate

import (
	"weir/pkg/ingest"
	"weir/pkg/media"
)

// aacFrame is how many samples an access unit of AAC-LC has.
const aacFrame = 1024

// Source is a loop laid end to end, with silence beside it, from one media time
// on. One goroutine may use it.
type Source struct {
	// loop is nil where there is no video.
	loop  *Loop
	audio *media.Track
	quiet []byte
	start media.Ticks
	// shown counts pictures, heard is the end of the silence in samples.
	shown int64
	heard media.Ticks
	// fresh tracks have had nothing yet: their first unit is a discontinuity.
	freshVideo, freshAudio bool
}

// NewSource begins at start (90 kHz). The loop is nil for a stream of audio alone;
// audio is plain AAC, in the parameters of which silence is made.
func NewSource(loop *Loop, audio *media.Track, start media.Ticks) *Source {
	return &Source{
		loop: loop, audio: audio, quiet: ingest.SilentFrame(audio.Channels), start: start,
		heard:      media.Rescale(start, media.VideoTimescale, audio.Timescale),
		freshVideo: true, freshAudio: true,
	}
}

// Video and Audio are the tracks, the first nil where there is none.
func (s *Source) Video() *media.Track {
	if s.loop == nil {
		return nil
	}
	return s.loop.Track
}

// Audio is the track of the silence.
func (s *Source) Audio() *media.Track { return s.audio }

// End is up to where units have been given, at 90 kHz.
func (s *Source) End() media.Ticks {
	if s.loop == nil {
		return s.heardTo()
	}
	return s.start + frame(s.loop.Track.FrameRate, s.shown)
}

// heardTo is the end of the silence at 90 kHz.
func (s *Source) heardTo() media.Ticks {
	return media.Rescale(s.heard, s.audio.Timescale, media.VideoTimescale)
}

// Until returns the access units that begin before at (90 kHz) and were not
// given before, in order of time.
func (s *Source) Until(at media.Ticks) (units []media.AccessUnit) {
	for {
		video := s.loop != nil && s.End() < at
		switch {
		case video && s.End() <= s.heardTo():
			units = append(units, s.picture())
		case s.heardTo() < at:
			units = append(units, s.silence())
		case video:
			units = append(units, s.picture())
		default:
			return units
		}
	}
}

func (s *Source) picture() media.AccessUnit {
	track := s.loop.Track
	at := s.End()
	n := s.shown % int64(len(s.loop.units))
	au := media.AccessUnit{Track: track, DTS: at, PTS: at, Sync: n == 0, Discontinuity: s.freshVideo, Data: s.loop.units[n]}
	s.shown++
	if track.FrameRate.Known() {
		au.Duration = s.End() - at
	}
	s.freshVideo = false
	return au
}

func (s *Source) silence() media.AccessUnit {
	au := media.AccessUnit{
		Track: s.audio, DTS: s.heard, PTS: s.heard, Duration: aacFrame,
		Sync: true, Discontinuity: s.freshAudio, Data: s.quiet,
	}
	s.heard += aacFrame
	s.freshAudio = false
	return au
}
