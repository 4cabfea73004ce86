package scene

import (
	"time"

	"weir/pkg/media"
)

const (
	partTarget = 350 * time.Millisecond
	// serials is how many serial numbers a segment uses up here.
	serials = 10
	// moof and picture are the sizes of what a part begins with.
	moof, picture = 250, 40_000
)

func (*Stream) serial(msn uint64) uint64 { return (msn - firstMSN) * serials }

// fill cuts a segment into parts, without bytes.
func (s *Stream) fill(seg *media.Segment) {
	track := seg.Init.Track
	frame := track.FrameDuration()
	if frame == 0 {
		frame = 3000 // at a variable rate, some pictures
	}
	step := track.Timescale.Ticks(partTarget) / frame * frame
	for at := media.Ticks(0); at < seg.Duration; at += step {
		index := len(seg.Parts)
		seg.Parts = append(seg.Parts, &media.Part{
			Serial: s.serial(seg.MSN) + uint64(index), MSN: seg.MSN, Index: index,
			Start: seg.Start + at, Duration: min(step, seg.Duration-at),
			Independent: index == 0 || track.Kind == media.Audio,
			Lead:        moof + picture,
		})
	}
}

// Open adds the first n parts of the next segment to every rendition.
func (s *Stream) Open(n int) *Stream {
	for _, w := range s.windows {
		seg := s.segment(w.Rendition, s.at+s.length(), nil)
		w.Open, w.OpenPeriod, w.OpenInit = seg.Parts[:n], seg.Period, seg.Init
		w.NextSerial = seg.Parts[n-1].Serial + 1
	}
	return s
}

// Rest takes the bytes of the newest n segments from one rendition: they are
// promised.
func (s *Stream) Rest(id string, n int) *Stream {
	for _, w := range s.windows {
		if w.Rendition.ID != id {
			continue
		}
		for i := len(w.Segments) - n; i < len(w.Segments); i++ {
			promised := *w.Segments[i]
			promised.Parts, promised.Pending = nil, true
			w.Segments[i] = &promised
		}
		w.Open, w.OpenPeriod, w.OpenInit = nil, nil, nil
	}
	return s
}
