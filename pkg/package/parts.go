package packager

import (
	"weir/pkg/media"
	"weir/pkg/package/cmaf"
)

// settle gives the waiting access unit its duration: it ends at the box time
// end. The part before it is closed if it does not fit any more.
func (s *Segmenter) settle(end media.Ticks) []Event {
	if !s.isWaited {
		return nil
	}
	s.isWaited = false
	au := s.waiting
	at := s.boxTime(au)
	end = max(end, at+1)
	var events []Event
	if len(s.samples) > 0 && end-s.partStart > s.track.Timescale.Ticks(s.cfg.PartTarget) {
		events = s.closePart(at)
	}
	s.samples = append(s.samples, cmaf.Sample{
		Duration: uint32(end - at), CompositionOffset: int32(au.PTS - at),
		Sync: au.Sync, Data: au.Data,
	})
	return events
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
		Bytes:       cmaf.NewChunk(s.sequence, s.partStart, s.samples),
	}
	s.serial++
	s.segment.Parts = append(s.segment.Parts, part)
	s.segment.Size += len(part.Bytes)
	clear(s.samples) // lets go of the payloads
	s.samples = s.samples[:0]
	s.partStart = end
	return []Event{PartReady{Part: part}}
}

// finish closes the open segment at the box time end, or, if another period
// follows, where its own last access unit ends.
func (s *Segmenter) finish(end media.Ticks, following *media.Period) []Event {
	if s.segment == nil {
		return nil
	}
	if following != s.segment.Period {
		end = s.boxTime(s.waiting) + max(s.waiting.Duration, 1)
	}
	events := s.settle(end)
	events = append(events, s.closePart(max(end, s.partStart+1))...)
	done := s.segment
	s.segment = nil
	done.Duration = s.partStart - done.Start
	return append(events, SegmentReady{Segment: done})
}
