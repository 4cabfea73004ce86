// Package scene makes the presentations that the tests of hls and dash render:
// what a stream looks like after it was published in a certain way. It is pure,
// reads no clock and belongs to tests alone.
package scene

import (
	"time"

	"weir/pkg/media"
)

// The renditions of a scene. The top one is 1080p, the low one 720p.
const (
	Top   = "source"
	Low   = "720p"
	Sound = "audio"
	// Dub is a further audio rendition, in another language.
	Dub = "audio_2"
	// Described is one that tells what is seen.
	Described = "audio_3"
)

// firstMSN is in Unix seconds as in a stream's life, the time of the first
// boundary with it.
const firstMSN = 1_795_435_200

// phase puts boundaries off the 10 ms grid on which periods start.
const phase = 7 * time.Millisecond

// Shape is what a source is like.
type Shape struct {
	// Rate is the frame rate; unknown for a variable one.
	Rate media.Rational
	// Sampling is in Hz; 0 for no audio.
	Sampling int
	// NoVideo leaves audio alone.
	NoVideo bool
	// Tracks adds further audio renditions.
	Tracks bool
}

// Stream is a presentation in the making. It belongs to one goroutine.
type Stream struct {
	shape   Shape
	windows []*media.Window
	inits   map[string]*media.Init
	period  *media.Period
	msn     uint64
	// at is the next boundary at 90 kHz, and origin the first of the period,
	// where the grid of audio frames begins.
	at, origin media.Ticks
	ended      bool
}

// New makes a stream that has published nothing.
func New(shape Shape) *Stream {
	s := &Stream{
		shape: shape, inits: make(map[string]*media.Init), msn: firstMSN,
		at: media.VideoTimescale.At(time.Unix(firstMSN, int64(phase)).UTC()),
	}
	if !shape.NoVideo {
		s.video(Top, "1080p (source)", "c0ffee000001", 1920, 1080, 8_400_000)
		s.video(Low, "720p", "c0ffee000002", 1280, 720, 3_900_000)
	}
	if shape.Sampling > 0 {
		s.sound(media.Rendition{ID: Sound, Name: "Audio"}, "c0ffee000003")
	}
	if shape.Tracks {
		first := s.windows[len(s.windows)-1].Rendition
		first.Name, first.Language, first.Role = "Deutsch", "de", media.RoleMain
		s.sound(media.Rendition{ID: Dub, Name: "English", Language: "en", Role: media.RoleAlternate}, "c0ffee000004")
		s.sound(media.Rendition{ID: Described, Name: "Deutsch (audio description)", Language: "de", Role: media.RoleDescription}, "c0ffee000005")
	}
	s.begin(0)
	return s
}

func (s *Stream) video(id, name, hash string, width, height, bandwidth int) {
	track := &media.Track{
		Kind: media.Video, Codec: media.H264, Timescale: media.VideoTimescale,
		Width: width, Height: height, FrameRate: s.shape.Rate,
	}
	s.inits[id] = &media.Init{Hash: hash, Codecs: "avc1.640028", Track: track}
	s.windows = append(s.windows, &media.Window{Rendition: &media.Rendition{
		ID: id, Kind: media.Video, Name: name, Codecs: "avc1.640028",
		Width: width, Height: height, FrameRate: s.shape.Rate,
		Bandwidth: bandwidth, AverageBandwidth: bandwidth * 3 / 4,
		Timescale: media.VideoTimescale, Passthrough: id == Top,
	}})
}

func (s *Stream) sound(r media.Rendition, hash string) {
	rate := s.shape.Sampling
	track := &media.Track{
		Kind: media.Audio, Codec: media.AAC, Timescale: media.Timescale(rate),
		SampleRate: rate, Channels: 2,
	}
	s.inits[r.ID] = &media.Init{Hash: hash, Codecs: "mp4a.40.2", Track: track}
	r.Kind, r.Codecs, r.SampleRate, r.Channels, r.Timescale = media.Audio, "mp4a.40.2", rate, 2, media.Timescale(rate)
	r.Bandwidth, r.AverageBandwidth = 200_000, 165_000
	s.windows = append(s.windows, &media.Window{Rendition: &r})
}

// begin starts a period at the next boundary.
func (s *Stream) begin(sequence uint64) {
	const grid = media.Ticks(media.VideoTimescale / 100)
	s.origin = s.at
	s.period = &media.Period{Sequence: sequence, Start: s.at - s.at%grid}
}

// Publish adds a segment to every rendition, n times over. In those that are
// missing it is a gap.
func (s *Stream) Publish(n int, missing ...string) *Stream {
	for range n {
		next := s.at + s.length()
		for _, w := range s.windows {
			w.Segments = append(w.Segments, s.segment(w.Rendition, next, missing))
			w.NextSerial = s.serial(s.msn + 1)
		}
		s.at = next
		s.msn++
	}
	return s
}

// length of the next segment: two seconds of frames, to the tick; at a variable
// rate as long as pictures happen to come.
func (s *Stream) length() media.Ticks {
	if rate := s.shape.Rate; rate.Known() {
		return rate.Ticks(int64(2*rate.Float()+0.5), media.VideoTimescale)
	}
	if s.shape.NoVideo {
		return 2 * media.Ticks(media.VideoTimescale)
	}
	return []media.Ticks{180_000, 183_060, 176_940, 190_530}[s.msn%4]
}

func (s *Stream) segment(r *media.Rendition, next media.Ticks, missing []string) *media.Segment {
	start, end := s.at, next
	if r.Kind == media.Audio {
		start, end = s.frame(start, r.Timescale), s.frame(end, r.Timescale)
	}
	seg := &media.Segment{MSN: s.msn, Start: start, Duration: end - start, Period: s.period, Init: s.inits[r.ID]}
	for _, id := range missing {
		seg.Gap = seg.Gap || id == r.ID
	}
	if !seg.Gap {
		s.fill(seg)
	}
	return seg
}

// frame is the start of the AAC frame nearest to a boundary.
func (s *Stream) frame(boundary media.Ticks, scale media.Timescale) media.Ticks {
	const samples = 1024
	origin := media.Rescale(s.origin, media.VideoTimescale, scale)
	after := media.Rescale(boundary, media.VideoTimescale, scale) - origin
	return origin + (after+samples/2)/samples*samples
}

// Break ends the period; the next starts after a pause. More than one period
// goes by if steps is more than 1.
func (s *Stream) Break(pause time.Duration, steps uint64) *Stream {
	s.at += media.VideoTimescale.Ticks(pause)
	s.begin(s.period.Sequence + steps)
	return s
}

// Reinit gives the top rendition a new init segment.
func (s *Stream) Reinit() *Stream {
	changed := *s.inits[Top]
	changed.Hash = "c0ffee000009"
	changed.Codecs = "avc1.4d4028"
	s.inits[Top] = &changed
	return s
}

// Slide keeps the newest n segments of every rendition.
func (s *Stream) Slide(n int) *Stream {
	for _, w := range s.windows {
		w.Segments = w.Segments[max(0, len(w.Segments)-n):]
	}
	return s
}

// Lag takes the newest n segments from one rendition.
func (s *Stream) Lag(id string, n int) *Stream {
	for _, w := range s.windows {
		if w.Rendition.ID == id {
			w.Segments = w.Segments[:len(w.Segments)-n]
		}
	}
	return s
}

// End says that nothing will follow.
func (s *Stream) End() *Stream {
	s.ended = true
	for _, w := range s.windows {
		w.Ended = true
	}
	return s
}

// Presentation is the stream as a viewer would be told of it. The stream must
// not be used any more.
func (s *Stream) Presentation() *media.Presentation {
	return &media.Presentation{
		Name: "live/main", Windows: s.windows, TargetDuration: 2, PartTarget: 0.35, Ended: s.ended,
	}
}
