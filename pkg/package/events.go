package packager

import "weir/pkg/media"

// Event is what a Segmenter has to say: one of the types below.
type Event interface{ event() }

// InitChanged carries the init segment of the parts that follow.
type InitChanged struct{ Init *media.Init }

// PartReady carries the next part of the open segment.
type PartReady struct{ Part *media.Part }

// SegmentReady carries a complete segment, or the announcement of a gap.
type SegmentReady struct{ Segment *media.Segment }

// PartsDropped says that what came of segment MSN so far is void: it starts
// again, or it will be a gap.
type PartsDropped struct{ MSN uint64 }

func (InitChanged) event()  {}
func (PartReady) event()    {}
func (SegmentReady) event() {}
func (PartsDropped) event() {}
