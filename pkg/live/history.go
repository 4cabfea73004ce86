package live

import (
	"slices"
	"time"

	"weir/pkg/media"
)

// historyLength bounds the boundaries that are remembered: one window and a
// worker's worst delay.
const historyLength = 32

// slot is one remembered boundary and the media time (90 kHz) at which its
// segment ends; 0 while that is not known.
type slot struct {
	media.Boundary
	end media.Ticks
}

// history is the stream's list of boundaries over all its sessions. Lanes
// that are late look up here what a sequence number stands for.
type history struct {
	nextMSN, nextSequence uint64
	slots                 []slot
	// last is the media time up to which any session has published.
	last media.Ticks
}

// newHistory starts numbers where the last run stopped, and never below the
// Unix time, so that they grow even if the saved state is lost (decision 7).
func newHistory(saved state, now time.Time) history {
	return history{
		nextMSN:      max(saved.NextMSN, uint64(now.Unix())),
		nextSequence: saved.NextDiscontinuity,
	}
}

// add remembers a boundary. One with a number that is known already replaces
// it and all that followed.
func (h *history) add(b media.Boundary) {
	n := len(h.slots)
	for n > 0 && h.slots[n-1].MSN >= b.MSN {
		n--
	}
	h.slots = h.slots[:n]
	if n > 0 {
		h.close(&h.slots[n-1], b)
	}
	if n == historyLength {
		copy(h.slots, h.slots[1:])
		h.slots = h.slots[:n-1]
	}
	h.slots = append(h.slots, slot{Boundary: b})
	h.nextMSN = b.MSN + 1
	h.nextSequence = max(h.nextSequence, b.Period.Sequence+1)
}

// addGap remembers a boundary of which nothing comes up to the media time to.
func (h *history) addGap(b media.Boundary, to media.Ticks) {
	h.add(b)
	h.slots[len(h.slots)-1].end = to
	h.note(to)
}

// close ends a slot at the next boundary, or, if that opens another period,
// where the media before it ended.
func (h *history) close(s *slot, next media.Boundary) {
	s.end = next.PTS
	if next.Period != s.Period && h.last > s.PTS {
		s.end = min(h.last, next.PTS)
	}
}

// find returns what is remembered of segment msn.
func (h *history) find(msn uint64) (slot, bool) {
	for _, s := range h.slots {
		if s.MSN == msn {
			return s, true
		}
	}
	return slot{}, false
}

// holding is the slot that the media time at, at 90 kHz, lies in.
func (h *history) holding(at media.Ticks) (slot, bool) {
	for _, s := range slices.Backward(h.slots) {
		if s.PTS <= at {
			return s, true
		}
	}
	return slot{}, false
}

// newest is the open segment's boundary; the zero value before the first.
func (h *history) newest() media.Boundary {
	if len(h.slots) == 0 {
		return media.Boundary{}
	}
	return h.slots[len(h.slots)-1].Boundary
}

// note records how far the published media reaches (90 kHz).
func (h *history) note(end media.Ticks) { h.last = max(h.last, end) }

// end is the wall-clock form of what note has recorded; the zero time if
// nothing was published.
func (h *history) end() time.Time {
	if h.last == 0 {
		return time.Time{}
	}
	return media.VideoTimescale.Time(h.last)
}
