package live

import (
	"slices"
	"time"

	"weir/pkg/media"
)

// peak measures bit rates as players are promised them (RFC 8216bis, 4.1): the highest of
// any segments in a row that last half a target duration to one and a half. Where a
// publisher's media ends, short segments have a keyframe each, and only so count as much
// as they should.
type peak struct {
	// sizes are in bytes and lengths those of the newest segments in a row, of which
	// next is to be the number of the one that follows.
	sizes   []int
	lengths []time.Duration
	next    uint64
}

// Bounds of what is measured, for a target duration of 2 s; a segment that is longer is
// measured by itself.
const (
	leastMeasured = targetDuration * time.Second / 2
	mostMeasured  = targetDuration * time.Second * 3 / 2
)

// add takes the next segment and returns the highest bit rate, in bits per second, of
// those that it is the last of; 0 for none yet.
func (p *peak) add(seg *media.Segment, scale media.Timescale) (rate int) {
	if seg.Gap || seg.MSN != p.next {
		p.sizes, p.lengths = nil, nil
	}
	p.next = seg.MSN + 1
	if seg.Gap || seg.Duration <= 0 {
		return 0
	}
	p.sizes, p.lengths = append(p.sizes, seg.Size), append(p.lengths, scale.Duration(seg.Duration))
	var size int
	var length time.Duration
	for i, next := range slices.Backward(p.lengths) {
		if size, length = size+p.sizes[i], length+next; length > mostMeasured && i < len(p.lengths)-1 {
			p.sizes, p.lengths = p.sizes[i:], p.lengths[i:]
			break
		}
		if length >= leastMeasured {
			rate = max(rate, int(float64(size)*8/length.Seconds()))
		}
	}
	return rate
}
