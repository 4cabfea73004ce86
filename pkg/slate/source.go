package slate

import (
	"bytes"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// aacFrame is how many samples an access unit of AAC-LC has.
const aacFrame = 1024

// Source is loops laid end to end, with their sound or silence, from one media time
// on. One goroutine may use it.
type Source struct {
	// first is shown so many rounds more, then loop for ever. Either may be nil: what
	// is not there is not waited for.
	first, loop *Loop
	rounds      int
	audio       *media.Track
	quiet       []byte
	start       media.Ticks
	// track is of the last picture, nil where there is no video.
	track *media.Track
	// shown counts pictures, heard is the end of the audio in samples.
	shown int64
	heard media.Ticks
	// playing is the loop whose picture at is next, in a round that began at round
	// (90 kHz).
	playing *Loop
	at      int
	round   media.Ticks
	// fresh tracks have had nothing yet, or other parameters: their next unit is a
	// discontinuity.
	freshVideo, freshAudio bool
}

// Program is what a Source shows.
type Program struct {
	// First is shown once in so many rounds, and Loop for ever after it. Both are nil
	// for a stream of audio alone.
	First  *Loop
	Rounds int
	Loop   *Loop
	// Audio is plain AAC, in the parameters of which silence is made, and loops were.
	Audio *media.Track
}

// NewSource begins at start (90 kHz).
func NewSource(p Program, start media.Ticks) *Source {
	s := &Source{
		first: p.First, rounds: p.Rounds, loop: p.Loop, audio: p.Audio, quiet: ingest.SilentFrame(p.Audio.Channels), start: start,
		heard:      media.Rescale(start, media.VideoTimescale, p.Audio.Timescale),
		freshVideo: true, freshAudio: true,
	}
	if s.turn(); s.playing != nil {
		s.track, s.round = s.playing.Track, start
	}
	return s
}

// Follow has the source go on with a loop that has grown, or was not there yet.
func (s *Source) Follow(loop *Loop) {
	if s.playing != nil && s.playing == s.loop {
		s.playing = loop
	}
	s.loop = loop
}

// turn begins a round.
func (s *Source) turn() {
	s.at, s.round = 0, s.End()
	switch {
	case s.first != nil && (s.rounds > 0 || s.loop == nil):
		s.playing, s.rounds = s.first, s.rounds-1
	default:
		s.playing = s.loop
	}
}

// Video and Audio are the tracks, the first nil where there is none.
func (s *Source) Video() *media.Track { return s.track }

// Audio is the track of the sound.
func (s *Source) Audio() *media.Track { return s.audio }

// End is up to where units have been given, at 90 kHz.
func (s *Source) End() media.Ticks {
	if s.track == nil {
		return s.heardTo()
	}
	return s.start + frame(s.track.FrameRate, s.shown)
}

// heardTo is the end of the audio at 90 kHz.
func (s *Source) heardTo() media.Ticks {
	return media.Rescale(s.heard, s.audio.Timescale, media.VideoTimescale)
}

// Until returns the access units that begin before at (90 kHz) and were not
// given before, in order of time.
func (s *Source) Until(at media.Ticks) (units []media.AccessUnit) {
	for {
		video := s.track != nil && s.End() < at
		switch {
		case video && s.End() <= s.heardTo():
			units = append(units, s.picture())
		case s.heardTo() < at:
			units = append(units, s.sound())
		case video:
			units = append(units, s.picture())
		default:
			return units
		}
	}
}

func (s *Source) picture() media.AccessUnit {
	if s.at >= len(s.playing.units) {
		s.turn()
	}
	s.wear(s.playing.Track)
	at, one := s.End(), s.playing.units[s.at]
	au := media.AccessUnit{Track: s.track, DTS: at, PTS: at, Sync: one.key, Discontinuity: s.freshVideo, Data: one.data}
	s.shown++
	s.at++
	if s.track.FrameRate.Known() {
		au.Duration = s.End() - at
	}
	s.freshVideo = false
	return au
}

// wear goes on with a loop's track. One that says the same as the last is no change.
func (s *Source) wear(track *media.Track) {
	if bytes.Equal(track.Config, s.track.Config) && track.Width == s.track.Width && track.Height == s.track.Height {
		return
	}
	s.track, s.freshVideo = track, true
}

func (s *Source) sound() media.AccessUnit {
	au := media.AccessUnit{
		Track: s.audio, DTS: s.heard, PTS: s.heard, Duration: aacFrame,
		Sync: true, Discontinuity: s.freshAudio, Data: s.quiet,
	}
	if frame := s.frameAt(s.heard); frame != nil {
		au.Data = frame
	}
	s.heard += aacFrame
	s.freshAudio = false
	return au
}

// frameAt is what is heard at a time in samples, nil for silence. Frames belong to
// pictures: over the seam of two rounds, one may be left out or be heard twice.
func (s *Source) frameAt(at media.Ticks) []byte {
	if s.playing == nil {
		return nil
	}
	begins := media.Rescale(s.round, media.VideoTimescale, s.audio.Timescale)
	number := max(int(at-begins+aacFrame/2)/aacFrame, 0)
	if number >= len(s.playing.sound) {
		return nil
	}
	return s.playing.sound[number]
}
