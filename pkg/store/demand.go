package store

import (
	"sync/atomic"
	"time"

	"weir/pkg/media"
)

// demand is what viewers have asked of one rendition. It is the one thing in a
// view that changes: viewers write it, and the stream's goroutine in pkg/live
// reads it.
type demand struct {
	// last is when anything was asked for, in Unix nanoseconds; 0 for never.
	last atomic.Int64
	// first is one more than the start of the earliest pending segment asked
	// for since TakeWanted; 0 for none.
	first atomic.Int64
	// resting is true while nothing is encoded, so that asking for anything has
	// to wake.
	resting atomic.Bool
}

// Asked records that a viewer asked for something of the rendition id.
func (st *Stream) Asked(id string, now time.Time) {
	d := st.view.Load().demand(id)
	if d == nil {
		return
	}
	d.last.Store(now.UnixNano())
	if d.resting.Load() {
		st.wake()
	}
}

// AskedFor records that a viewer waits for the pending segment of the rendition
// id that begins at start.
func (st *Stream) AskedFor(id string, start media.Ticks, now time.Time) {
	d := st.view.Load().demand(id)
	if d == nil {
		return
	}
	d.last.Store(now.UnixNano())
	wanted := int64(start) + 1
	for {
		before := d.first.Load()
		if before != 0 && before <= wanted {
			break
		}
		if d.first.CompareAndSwap(before, wanted) {
			break
		}
	}
	st.wake()
}

// wake tells whoever reads Awake.
func (st *Stream) wake() {
	select {
	case st.awake <- struct{}{}:
	default:
	}
}

// Awake delivers whenever a resting rendition or a pending segment has been
// asked for.
func (st *Stream) Awake() <-chan struct{} { return st.awake }

// Rest says whether the rendition id rests: nothing of it is encoded. A viewer may
// have asked just before and woken nobody, so LastAsked has to be looked at again.
func (st *Stream) Rest(id string, resting bool) {
	if d := st.view.Load().demand(id); d != nil {
		d.resting.Store(resting)
	}
}

// Resting reports whether nothing of the rendition id is encoded, as nobody
// watches it.
func (st *Stream) Resting(id string) bool {
	d := st.view.Load().demand(id)
	return d != nil && d.resting.Load()
}

// LastAsked is when a viewer last asked for something of the rendition id; the
// zero time if nobody has.
func (st *Stream) LastAsked(id string) time.Time {
	d := st.view.Load().demand(id)
	if d == nil || d.last.Load() == 0 {
		return time.Time{}
	}
	return time.Unix(0, d.last.Load())
}

// TakeWanted is the start of the earliest pending segment of the rendition id
// that AskedFor has recorded since the last call; ok is false if there is none.
func (st *Stream) TakeWanted(id string) (start media.Ticks, ok bool) {
	d := st.view.Load().demand(id)
	if d == nil {
		return 0, false
	}
	first := d.first.Swap(0)
	return media.Ticks(first - 1), first != 0
}

// demand is that of the rendition id, nil if there is none.
func (v *view) demand(id string) *demand {
	i := v.find(id)
	if i < 0 {
		return nil
	}
	return v.demands[i]
}
