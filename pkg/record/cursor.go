package record

import (
	"slices"
	"time"

	"weir/pkg/media"
)

// cursor goes through a stream's windows, from one boundary to the next. It is pure.
type cursor struct {
	// since is when what is to be read began; until is when something else did, zero
	// while nothing has.
	since, until time.Time
	// next is the number of the piece that comes next, 0 before the first.
	next uint64
}

// recorded are the renditions that a recording has: the best of video, and all
// audio.
func recorded(p *media.Presentation) (windows []*media.Window) {
	for i, w := range p.Windows {
		if i == 0 || w.Rendition.Kind == media.Audio {
			windows = append(windows, w)
		}
	}
	return windows
}

// read is the next piece that every rendition has; ok is false if it is not there
// yet, and waitFor is then a rendition that has to change before it is. Slid is how
// many pieces have left the windows before they were read.
func (c *cursor) read(p *media.Presentation) (next piece, slid uint64, waitFor string, ok bool) {
	windows := recorded(p)
	if c.next == 0 && !c.begin(windows[0]) {
		return piece{}, 0, windows[0].Rendition.ID, false
	}
	for _, w := range windows {
		if len(w.Segments) > 0 && w.Segments[0].MSN > c.next {
			slid += w.Segments[0].MSN - c.next
			c.next = w.Segments[0].MSN
		}
	}
	next = piece{msn: c.next, target: p.TargetDuration}
	for _, w := range windows {
		seg, there := numbered(w, c.next)
		if !there || seg.Pending {
			return next, slid, w.Rendition.ID, false
		}
		next.segments, next.renditions = append(next.segments, seg), append(next.renditions, w.Rendition)
	}
	if !c.until.IsZero() && !middle(windows[0], next.segments[0]).Before(c.until) {
		return piece{}, slid, windows[0].Rendition.ID, false
	}
	c.next++
	return next, slid, "", true
}

// begin finds the first segment, most of which comes after since.
func (c *cursor) begin(w *media.Window) bool {
	first := slices.IndexFunc(w.Segments, func(seg *media.Segment) bool { return !middle(w, seg).Before(c.since) })
	if first < 0 {
		return false
	}
	c.next = w.Segments[first].MSN
	return true
}

func middle(w *media.Window, seg *media.Segment) time.Time {
	s := w.Rendition.Timescale
	if seg.Init != nil {
		s = seg.Init.Track.Timescale
	}
	return s.Time(seg.Start + seg.Duration/2)
}

// numbered is the segment with a number.
func numbered(w *media.Window, msn uint64) (*media.Segment, bool) {
	if len(w.Segments) == 0 || msn < w.Segments[0].MSN || msn-w.Segments[0].MSN >= uint64(len(w.Segments)) {
		return nil, false
	}
	return w.Segments[msn-w.Segments[0].MSN], true
}
