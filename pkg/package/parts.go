package packager

import (
	"cmp"

	"weir/pkg/media"
	"weir/pkg/package/cmaf"
)

// settle gives the waiting access unit its duration: it ends at the box time
// end. The part before it is closed if it does not fit any more.
func (s *Segmenter) settle(end media.Ticks) []Event {
	if !s.unsettled {
		return nil // its part is out already
	}
	au, at := s.waiting, s.edge
	end = max(end, at+1)
	var events []Event
	if len(s.samples) > 0 && end-s.partStart > s.target() {
		events = s.closePart(at)
	}
	s.step, s.edge, s.unsettled = end-at, end, false
	s.samples = append(s.samples, cmaf.Sample{
		Duration: uint32(end - at), CompositionOffset: int32(au.PTS - at),
		Sync: au.Sync, Data: au.Data,
	})
	return events
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
	var events []Event
	if end-s.partStart > s.target() {
		events = s.closePart(s.edge) // what came before a hole
	}
	if end+frame-s.partStart > s.target() && !s.endsLikeTheLast(end, frame) {
		events = append(events, s.settle(end)...)
		events = append(events, s.closePart(end)...)
	}
	return events
}

// endsLikeTheLast reports whether the box time end is where the open segment
// will end if it lasts as long as the one before it: the next access unit tells
// for sure.
func (s *Segmenter) endsLikeTheLast(end, frame media.Ticks) bool {
	off := end - s.segment.Start - s.lasted
	return -frame < off && off < frame
}

// target is the longest that a part may last, in the track's timescale.
func (s *Segmenter) target() media.Ticks { return s.track.Timescale.Ticks(s.cfg.PartTarget) }

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
	return s.edge + max(cmp.Or(s.waiting.Duration, s.step), 1)
}

// finish closes the open segment at the box time end. If all of its parts are
// out and the source then dropped the pictures up to end, filler takes their
// place, nil if there is none: then the segment ends where its parts do.
func (s *Segmenter) finish(end media.Ticks, filler *media.AccessUnit) []Event {
	events := s.settle(end)
	if len(s.samples) == 0 && end > s.edge && filler != nil {
		s.samples = append(s.samples, cmaf.Sample{Duration: uint32(end - s.edge), Sync: true, Data: filler.Data})
	}
	if len(s.samples) > 0 {
		end = max(end, s.partStart+1)
		s.squeeze(end)
		events = append(events, s.closePart(end)...)
	}
	done := s.segment
	s.segment, s.unsettled = nil, false
	done.Duration = s.partStart - done.Start
	s.lasted = done.Duration
	return append(events, SegmentReady{Segment: done})
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
