package packager

import (
	"errors"
	"fmt"
	"time"

	"weir/pkg/media"
	"weir/pkg/package/cmaf"
)

// Config is what a Segmenter starts from.
type Config struct {
	Kind media.Kind
	// PartTarget is the longest that a part may last.
	PartTarget time.Duration
	// FirstSerial is the serial number of the first part.
	FirstSerial uint64
}

// ErrUnusable is wrapped by every error of Push. The access unit is dropped
// and nothing else has changed.
var ErrUnusable = errors.New("access unit cannot be used")

// Segmenter cuts one rendition. It decides nothing: boundaries come in band.
//
// A segment starts at the presentation time of its first picture, with a
// composition offset of 0 (decision 9); the decode time of every other sample
// in it keeps its distance from there. The last sample lasts up to the next
// segment's start, so that tfdts follow each other without a gap to the tick.
// Audio starts at the access unit nearest to the boundary and is never
// re-timed.
//
// An access unit's duration is the distance to the next one, so each waits for
// its successor. Closing a part by nominal duration would be earlier by one
// frame, but a picture that the source then drops leaves a hole which browsers
// answer by dropping everything up to the next keyframe.
type Segmenter struct {
	cfg    Config
	serial uint64
	// sequence numbers the chunks (mfhd), from 1.
	sequence uint32

	track *media.Track
	init  *media.Init
	// ahead are the boundaries that no access unit has reached yet.
	ahead []media.Boundary

	// segment is the open one, nil if there is none. base is the DTS of its
	// first access unit, which stands at segment.Start in the box.
	segment *media.Segment
	base    media.Ticks
	// samples are those of the open part, which starts at partStart.
	samples   []cmaf.Sample
	partStart media.Ticks
	// waiting is the newest access unit, whose duration is not known yet.
	waiting  media.AccessUnit
	isWaited bool
	// last is the DTS of the newest access unit; fresh after a break.
	last  media.Ticks
	fresh bool
}

// NewSegmenter makes a Segmenter that waits for its first boundary.
func NewSegmenter(cfg Config) *Segmenter {
	return &Segmenter{cfg: cfg, serial: cfg.FirstSerial, fresh: true}
}

// Boundary announces that a segment starts at b. If its number is not above
// the open segment's, the open one starts again.
func (s *Segmenter) Boundary(b media.Boundary) []Event {
	events := s.dropFrom(b.MSN)
	s.ahead = append(s.ahead, b)
	return events
}

// dropFrom forgets everything from segment msn on.
func (s *Segmenter) dropFrom(msn uint64) []Event {
	for n := len(s.ahead); n > 0 && s.ahead[n-1].MSN >= msn; n-- {
		s.ahead = s.ahead[:n-1]
	}
	if s.segment == nil || s.segment.MSN < msn {
		return nil
	}
	dropped := PartsDropped{MSN: s.segment.MSN}
	s.segment, s.samples = nil, s.samples[:0]
	s.isWaited, s.fresh = false, true
	return []Event{dropped}
}

// Push adds the next access unit in decode order. What it returns describes
// the access units before it.
func (s *Segmenter) Push(au media.AccessUnit) ([]Event, error) {
	if len(au.Data) == 0 || au.Track == nil {
		return nil, fmt.Errorf("%w: it is empty", ErrUnusable)
	}
	if !s.fresh && au.DTS <= s.last {
		return nil, fmt.Errorf("%w: its DTS %d is not after %d", ErrUnusable, au.DTS, s.last)
	}
	b, opens := s.reached(au)
	if !opens && s.segment == nil {
		return nil, fmt.Errorf("%w: it stands before the first boundary", ErrUnusable)
	}
	var events []Event
	if opens {
		if err := s.follow(au.Track, &events); err != nil {
			return nil, err
		}
		events = append(s.finish(au.PTS, b.Period), events...)
		s.open(b, au)
	} else {
		events = s.settle(s.boxTime(au))
	}
	s.waiting, s.isWaited = au, true
	s.last, s.fresh = au.DTS, false
	return events, nil
}

// reached takes the newest boundary that au has come up to.
func (s *Segmenter) reached(au media.AccessUnit) (b media.Boundary, ok bool) {
	for len(s.ahead) > 0 && s.begins(au, s.ahead[0]) {
		b, ok = s.ahead[0], true
		s.ahead = s.ahead[:copy(s.ahead, s.ahead[1:])]
	}
	return b, ok
}

// begins reports whether au is the first of the segment at b: for video the
// first picture not before it, for audio the access unit nearest to it.
func (s *Segmenter) begins(au media.AccessUnit, b media.Boundary) bool {
	at := media.Rescale(b.PTS, media.VideoTimescale, au.Track.Timescale)
	if s.cfg.Kind == media.Audio {
		return au.PTS+au.Duration/2 >= at
	}
	return au.PTS >= at
}

// follow makes an init segment for a track that differs in its bytes.
func (s *Segmenter) follow(track *media.Track, events *[]Event) error {
	if track == s.track {
		return nil
	}
	init, err := cmaf.NewInit(track)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnusable, err)
	}
	s.track = track
	if s.init == nil || s.init.Hash != init.Hash {
		s.init = init
		*events = append(*events, InitChanged{Init: init})
	}
	return nil
}

// open starts segment b.MSN with au.
func (s *Segmenter) open(b media.Boundary, au media.AccessUnit) {
	s.segment = &media.Segment{MSN: b.MSN, Start: au.PTS, Period: b.Period, Init: s.init}
	s.base, s.partStart = au.DTS, au.PTS
}

// boxTime is the decode time of au in the open segment.
func (s *Segmenter) boxTime(au media.AccessUnit) media.Ticks {
	return s.segment.Start + au.DTS - s.base
}

// Gap announces that segment b.MSN, which lasts until next (90 kHz), will not
// come. If it is open, what came of it is void. It must not overtake another:
// no segment before it may be open.
func (s *Segmenter) Gap(b media.Boundary, next media.Ticks) []Event {
	events := s.dropFrom(b.MSN)
	scale := media.VideoTimescale
	if s.track != nil {
		scale = s.track.Timescale
	}
	start := media.Rescale(b.PTS, media.VideoTimescale, scale)
	end := media.Rescale(next, media.VideoTimescale, scale)
	return append(events, SegmentReady{Segment: &media.Segment{
		MSN: b.MSN, Start: start, Duration: end - start,
		Period: b.Period, Init: s.init, Gap: true,
	}})
}

// End closes the open segment at the end of a session.
func (s *Segmenter) End() []Event {
	s.ahead = s.ahead[:0]
	events := s.finish(0, nil)
	s.fresh = true
	return events
}
