package packager

import (
	"errors"
	"fmt"
	"slices"
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
// segment's start, so that tfdts follow each other without a gap to the tick;
// where composition offsets shrink, decode times in the last part are moved
// together for that, and presentation times stay. Audio starts at the access
// unit nearest to the boundary and is never re-timed.
//
// At a variable rate an access unit's duration is the distance to the next one,
// so each waits for its successor. At a constant rate a part is closed by its
// nominal duration. Where the source then drops pictures, the next one is
// decoded where the part has ended and keeps its presentation time, so that
// there is no hole in decode times, which browsers would answer by dropping
// everything up to the next keyframe. Only the part that ends where a segment is
// expected to end waits, since the next segment's start is not to be moved
// (decision record 0006).
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
	// waiting is the newest access unit. While it is unsettled, its duration
	// is not known and it is in no part; the box time edge is where it begins,
	// or, once it is settled, where it ends.
	waiting   media.AccessUnit
	unsettled bool
	edge      media.Ticks
	// latest is the newest presentation time in the open segment.
	latest media.Ticks
	// step is the duration of the one before it.
	step media.Ticks
	// lasted are the durations of the segments before the open one, the newest first:
	// around a break one or two are of another length.
	lasted [3]media.Ticks
	// fresh is true after a break: DTS may start anywhere.
	fresh bool
}

// NewSegmenter makes a Segmenter that waits for its first boundary.
func NewSegmenter(cfg Config) *Segmenter {
	return &Segmenter{cfg: cfg, serial: cfg.FirstSerial, fresh: true}
}

// Boundary announces that a segment starts at b. If its number is not above
// the open segment's, the open one starts again.
func (s *Segmenter) Boundary(b media.Boundary) []Event {
	for n := len(s.ahead); n > 0 && s.ahead[n-1].MSN >= b.MSN; n-- {
		s.ahead = s.ahead[:n-1]
	}
	s.ahead = append(s.ahead, b)
	return s.drop(b.MSN)
}

// drop forgets what came of the open segment if its number is msn or above.
func (s *Segmenter) drop(msn uint64) []Event {
	if s.segment == nil || s.segment.MSN < msn {
		return nil
	}
	dropped := PartsDropped{MSN: s.segment.MSN}
	clear(s.samples) // lets go of the payloads
	s.segment, s.samples, s.unsettled = nil, s.samples[:0], false
	s.fresh = true
	return []Event{dropped}
}

// Push adds the next access unit in decode order. What it returns may describe
// the access units before it alone.
func (s *Segmenter) Push(au media.AccessUnit) ([]Event, error) {
	if len(au.Data) == 0 || au.Track == nil || au.Track.Timescale == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrUnusable)
	}
	if last := s.lastDTS(au.Track.Timescale); !s.fresh && au.DTS <= last {
		return nil, fmt.Errorf("%w: its DTS %d is not after %d", ErrUnusable, au.DTS, last)
	}
	var events []Event
	var err error
	if s.reached(au) > 0 {
		events, err = s.begin(au)
	} else {
		events, err = s.extend(au)
	}
	if err != nil {
		return nil, err
	}
	s.waiting, s.unsettled, s.fresh = au, true, false
	s.latest = max(s.latest, au.PTS)
	return append(events, s.closeFull()...), nil
}

// lastDTS is the DTS of the newest access unit in the timescale of the next:
// the sampling rate may change at a boundary.
func (s *Segmenter) lastDTS(scale media.Timescale) media.Ticks {
	if s.fresh {
		return 0
	}
	return media.Rescale(s.waiting.DTS, s.waiting.Track.Timescale, scale)
}

// extend adds au to the open segment.
func (s *Segmenter) extend(au media.AccessUnit) ([]Event, error) {
	if s.segment == nil {
		return nil, fmt.Errorf("%w: it stands before the first boundary", ErrUnusable)
	}
	init, err := s.initOf(au.Track)
	if err != nil {
		return nil, err
	}
	if init.Hash != s.init.Hash {
		return nil, fmt.Errorf("%w: its parameters differ from the open segment's, and no boundary announced that", ErrUnusable)
	}
	s.track = au.Track
	return s.settle(s.boxTime(au)), nil
}

// begin closes the open segment and opens the one that au has reached. Those
// between them, of which no access unit came, become gaps.
func (s *Segmenter) begin(au media.AccessUnit) ([]Event, error) {
	init, err := s.initOf(au.Track)
	if err != nil {
		return nil, err
	}
	n := s.reached(au)
	skipped, b := s.ahead[:n-1], s.ahead[n-1]
	events := s.finishBefore(au, init, n > 1)
	for i, missing := range skipped {
		if s.init != nil { // else nothing was published that numbers have to follow
			events = append(events, s.gap(missing, gapEnd(missing, s.ahead[i+1])))
		}
	}
	if s.init == nil || s.init.Hash != init.Hash {
		s.init = init
		events = append(events, InitChanged{Init: init})
	}
	s.track = au.Track
	s.ahead = s.ahead[:copy(s.ahead, s.ahead[n:])]
	s.segment = &media.Segment{MSN: b.MSN, Start: au.PTS, Period: b.Period, Init: s.init}
	s.base, s.partStart, s.edge, s.latest = au.DTS, au.PTS, au.PTS, au.PTS
	return events, nil
}

// finishBefore closes the open segment at the next boundary, which au has
// reached: in the same period it lasts up to au. If it is not au's segment that
// starts there, it lasts up to the boundary.
func (s *Segmenter) finishBefore(au media.AccessUnit, init *media.Init, isSkipped bool) []Event {
	if s.segment == nil {
		return nil
	}
	var filler *media.AccessUnit
	if au.Sync && init.Hash == s.init.Hash {
		filler = &au
	}
	next := s.ahead[0]
	switch {
	case next.Period != s.segment.Period:
		return s.finish(s.ownEnd(), nil)
	case isSkipped:
		at := media.Rescale(next.PTS, media.VideoTimescale, s.track.Timescale)
		return s.finish(max(at, s.ownEnd()), filler)
	}
	return s.finish(au.PTS, filler)
}

// reached counts the boundaries ahead that au has come up to.
func (s *Segmenter) reached(au media.AccessUnit) int {
	n := 0
	for n < len(s.ahead) && s.begins(au, s.ahead[n]) {
		n++
	}
	return n
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

// initOf is the init segment that decodes the track: the one in use unless the
// pointer is another.
func (s *Segmenter) initOf(track *media.Track) (*media.Init, error) {
	if track == s.track {
		return s.init, nil
	}
	init, err := cmaf.NewInit(track)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnusable, err)
	}
	return init, nil
}

// boxTime is the decode time of au in the open segment.
func (s *Segmenter) boxTime(au media.AccessUnit) media.Ticks {
	return s.segment.Start + au.DTS - s.base
}

// Gap announces that segment b.MSN, which lasts until next (90 kHz), will not
// come. If it is open, what came of it is void. It must not overtake another:
// no segment before it may be open.
func (s *Segmenter) Gap(b media.Boundary, next media.Ticks) []Event {
	s.ahead = slices.DeleteFunc(s.ahead, func(other media.Boundary) bool { return other.MSN == b.MSN })
	return append(s.drop(b.MSN), s.gap(b, next))
}

func (s *Segmenter) gap(b media.Boundary, next media.Ticks) Event {
	scale := media.VideoTimescale
	if s.track != nil {
		scale = s.track.Timescale
	}
	start := media.Rescale(b.PTS, media.VideoTimescale, scale)
	end := media.Rescale(next, media.VideoTimescale, scale)
	return SegmentReady{Segment: &media.Segment{
		MSN: b.MSN, Start: start, Duration: end - start,
		Period: b.Period, Init: s.init, Gap: true,
	}}
}

// gapEnd is where a gap at b ends (90 kHz): at the next boundary. Before
// another period, where time may have passed without any media, it is a second
// at most.
func gapEnd(b, next media.Boundary) media.Ticks {
	if b.Period == next.Period {
		return next.PTS
	}
	return min(next.PTS, b.PTS+media.Ticks(media.VideoTimescale))
}

// Splice says that another encoder goes on from the next boundary: its DTS may
// start anywhere, also before the open segment's last.
func (s *Segmenter) Splice() { s.fresh = true }

// Void forgets the open segment and the boundaries ahead: nothing comes for a
// while.
func (s *Segmenter) Void() []Event {
	s.ahead = s.ahead[:0]
	s.fresh = true
	return s.drop(0)
}

// End closes the open segment at the end of a session.
func (s *Segmenter) End() []Event {
	s.ahead = s.ahead[:0]
	var events []Event
	if s.segment != nil {
		events = s.finish(s.ownEnd(), nil)
	}
	s.fresh = true
	return events
}
