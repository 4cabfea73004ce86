package packager

import (
	"bytes"
	"cmp"
	"slices"

	"weir/pkg/media"
	"weir/pkg/package/cmaf"
)

// settle gives the waiting access unit its duration: it ends at the box time
// end. If that is more than fits into the open part, as before a hole, it fills
// the part and no more: what follows is decoded where the part ends.
func (s *Segmenter) settle(end media.Ticks) []Event {
	if !s.unsettled {
		return nil // its part is out already
	}
	events := s.makeRoom(end)
	if !s.overflows(end) || s.filled() <= s.edge {
		s.add(end)
		return events
	}
	s.add(s.filled())
	return append(events, s.closePart(s.edge)...)
}

// makeRoom closes the open part if it is full and could not last up to the box
// time end.
func (s *Segmenter) makeRoom(end media.Ticks) []Event {
	if s.overflows(end) && s.filled() <= s.edge {
		return s.closePart(s.edge)
	}
	return nil
}

// add puts the waiting access unit into the open part. It ends at the box time end.
func (s *Segmenter) add(end media.Ticks) {
	au, at := s.waiting, s.edge
	end = max(end, at+1)
	s.step, s.edge, s.unsettled = end-at, end, false
	s.samples = append(s.samples, cmaf.Sample{
		Duration: uint32(end - at), CompositionOffset: int32(au.PTS - at),
		Sync: au.Sync, Data: au.Data,
	})
}

// closeFull publishes the open part as soon as no other access unit fits into
// it, without waiting for the next one: at a constant rate each lasts as long
// as it says.
func (s *Segmenter) closeFull() []Event {
	frame := s.waiting.Duration
	if frame <= 0 || s.track.FrameDuration() <= 0 {
		return nil
	}
	end := max(s.boxTime(s.waiting)+frame, s.edge+1)
	events := s.makeRoom(end)
	if s.overflows(end) || s.overflows(end+frame) && !s.endsLikeTheLast(end, frame) {
		events = append(events, s.settle(end)...)
		events = append(events, s.closePart(s.edge)...)
	}
	return events
}

// overflows reports whether the open part would last too long up to the box time
// end.
func (s *Segmenter) overflows(end media.Ticks) bool {
	return end-s.partStart > s.track.Timescale.Ticks(s.cfg.PartTarget)
}

// filled is the box time up to which whole access units fill the open part; where
// these vary, or do not fit at all, its start.
func (s *Segmenter) filled() media.Ticks {
	frame := s.track.FrameDuration()
	if frame <= 0 {
		return s.partStart
	}
	target := s.track.Timescale.Ticks(s.cfg.PartTarget)
	return s.partStart + target - target%frame
}

// endsLikeTheLast reports whether the box time end is where the open segment
// will end if it lasts as long as one of those before it: the next access unit
// tells for sure.
func (s *Segmenter) endsLikeTheLast(end, frame media.Ticks) bool {
	return slices.ContainsFunc(s.lasted[:], func(lasted media.Ticks) bool {
		off := end - s.segment.Start - lasted
		return -frame < off && off < frame
	})
}

// closePart publishes the open part, which ends at the box time end.
func (s *Segmenter) closePart(end media.Ticks) []Event {
	if len(s.samples) == 0 {
		return nil
	}
	s.sequence++
	part := &media.Part{
		Serial: s.serial, MSN: s.segment.MSN, Index: len(s.segment.Parts),
		Start: s.partStart, Duration: end - s.partStart,
		Independent: s.samples[0].Sync,
	}
	if part.Index == 0 {
		part.Bytes = cmaf.NewFirstChunk(s.track.Timescale, s.sequence, s.partStart, s.samples)
	} else {
		part.Bytes = cmaf.NewChunk(s.sequence, s.partStart, s.samples)
	}
	part.Lead = len(part.Bytes) - payload(s.samples[1:])
	s.serial++
	s.segment.Parts = append(s.segment.Parts, part)
	s.segment.Size += len(part.Bytes)
	clear(s.samples) // lets go of the payloads
	s.samples = s.samples[:0]
	s.partStart = end
	return []Event{PartReady{Part: part}}
}

func payload(samples []cmaf.Sample) (size int) {
	for i := range samples {
		size += len(samples[i].Data)
	}
	return size
}

// ownEnd is the box time at which the open segment ends if nothing says more:
// its last access unit lasts as long as it claims to, or else as long as the
// one before it did.
func (s *Segmenter) ownEnd() media.Ticks {
	if !s.unsettled {
		return s.edge
	}
	return max(s.edge, s.boxTime(s.waiting)) + max(cmp.Or(s.waiting.Duration, s.step), 1)
}

// finish closes the open segment at the box time end. Where the source dropped
// the pictures up to there, filler takes their place, nil if there is none: then
// the last one is shown for longer, or, if it is out, the segment ends with it.
func (s *Segmenter) finish(end media.Ticks, filler *media.AccessUnit) []Event {
	var events []Event
	switch {
	case filler != nil:
		events = append(s.settle(end), s.fill(end, filler)...)
	case s.unsettled:
		events = s.makeRoom(end)
		s.add(end)
	}
	if len(s.samples) > 0 {
		end = max(end, s.partStart+1)
		s.squeeze(end)
		events = append(events, s.closePart(end)...)
	}
	done := s.segment
	joinParts(done)
	s.segment, s.unsettled = nil, false
	done.Duration = s.partStart - done.Start
	s.lasted = [3]media.Ticks{done.Duration, s.lasted[0], s.lasted[1]}
	return append(events, SegmentReady{Segment: done})
}

// joinParts copies the parts of a complete segment into one piece of memory: whatever
// is large takes whole pages, half of one too much on average, and each piece is
// work for the garbage collector as long as the segment can be fetched.
func joinParts(seg *media.Segment) {
	pieces := make([][]byte, len(seg.Parts))
	for i, part := range seg.Parts {
		pieces[i] = part.Bytes
	}
	rest := bytes.Join(pieces, nil)
	parts := make([]media.Part, len(seg.Parts))
	for i, part := range seg.Parts {
		n := len(part.Bytes)
		parts[i] = *part
		parts[i].Bytes, rest = rest[:n:n], rest[n:]
		seg.Parts[i] = &parts[i]
	}
}

// fill makes parts of filler up to the box time end if none is open. Each is
// presented behind all that came before.
func (s *Segmenter) fill(end media.Ticks, filler *media.AccessUnit) (events []Event) {
	for len(s.samples) == 0 && s.edge < end {
		at, until := s.edge, end
		if s.overflows(end) && s.filled() > at {
			until = s.filled()
		}
		s.latest = max(at, min(s.latest+1, end-1))
		s.samples = append(s.samples, cmaf.Sample{
			Duration: uint32(until - at), CompositionOffset: int32(s.latest - at),
			Sync: true, Data: filler.Data,
		})
		s.edge = until
		events = append(events, s.closePart(until)...)
	}
	return events
}

// squeeze makes the samples of the open part end at the box time end, where the
// next segment starts. They reach beyond if its first picture's composition
// offset is smaller than this segment's by more than a frame, as it may be with
// B-frames at a variable rate: then the last samples get shorter, down to a
// tick, and those behind them are composed later by as much. Where even that is
// too long, the rest overlaps: parts that are out stay as they are.
func (s *Segmenter) squeeze(end media.Ticks) {
	over := s.partStart - end
	for i := range s.samples {
		over += media.Ticks(s.samples[i].Duration)
	}
	for i := len(s.samples) - 1; i >= 0 && over > 0; i-- {
		cut := min(over, media.Ticks(s.samples[i].Duration)-1)
		over -= cut
		s.samples[i].Duration -= uint32(cut)
		for behind := i + 1; behind < len(s.samples); behind++ {
			s.samples[behind].CompositionOffset += int32(cut)
		}
	}
}
