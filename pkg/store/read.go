package store

import (
	"context"
	"errors"
	"slices"

	"weir/pkg/media"
)

// ErrRemoved is returned to whoever waits for a stream that is removed.
var ErrRemoved = errors.New("the stream was removed")

// Name is the stream's public name.
func (st *Stream) Name() string { return st.name }

// Expected reports whether the stream was live before a restart and has not
// come back yet.
func (st *Stream) Expected() bool { return st.view.Load().expected }

// Presentation is the stream as it is now, nil before Declare.
func (st *Stream) Presentation() *media.Presentation { return st.view.Load().presentation }

// Moment is a stream at one moment.
type Moment struct {
	// Presentation is nil before Declare.
	Presentation *media.Presentation
	// Removed is true of a stream that is removed: nothing will change any more.
	Removed bool
	// Changed is closed with the next change.
	Changed <-chan struct{}
}

// Now is the stream as it is now, with Changed closed by the next change that
// concerns the rendition id; by the next of any where there is no such rendition.
// Who waits for something looks for it, waits for Changed, and looks again; that
// must be quick, as each publish wakes all who wait.
func (st *Stream) Now(id string) Moment {
	v := st.view.Load()
	now := Moment{Presentation: v.presentation, Removed: v.removed, Changed: v.wake}
	if i := v.find(id); i >= 0 {
		now.Changed = v.wakes[i]
	}
	return now
}

// Wait returns the first presentation for which ready is true, the present one
// included. If ctx ends first or the stream is removed, it returns an error with
// what there was last, which may be nil.
func (st *Stream) Wait(ctx context.Context, ready func(*media.Presentation) bool) (*media.Presentation, error) {
	for {
		now := st.Now("")
		if now.Presentation != nil && ready(now.Presentation) {
			return now.Presentation, nil
		}
		if now.Removed {
			return now.Presentation, ErrRemoved
		}
		select {
		case <-now.Changed:
		case <-ctx.Done():
			return now.Presentation, context.Cause(ctx)
		}
	}
}

// Segment is the complete segment of the rendition id that begins at start, in
// the rendition's timescale; if it is Pending, Fill or Forfeit will follow. Gaps
// and what was lost are not found: they have no bytes.
func (st *Stream) Segment(id string, start media.Ticks) (seg *media.Segment, ok bool) {
	s, _ := st.view.Load().shelf(id)
	if s == nil {
		return nil, false
	}
	for _, k := range slices.Backward(s.segments) {
		if k.start == start && !k.Gap && !k.Lost {
			return k.Segment, true
		}
	}
	return nil, false
}

// Part is the part of the rendition id with that serial number, whether its
// segment is complete, open, or was taken back.
func (st *Stream) Part(id string, serial uint64) (part *media.Part, ok bool) {
	s, w := st.view.Load().shelf(id)
	if s == nil {
		return nil, false
	}
	if part, ok = among(w.Open, serial); ok {
		return part, true
	}
	for _, k := range slices.Backward(s.segments) {
		if part, ok = among(k.Parts, serial); ok {
			return part, true
		}
	}
	for _, p := range s.strays {
		if p.Serial == serial {
			return p.Part, true
		}
	}
	return nil, false
}

// among finds a part by its serial number; a segment's parts are numbered
// without a gap.
func among(parts []*media.Part, serial uint64) (*media.Part, bool) {
	if len(parts) == 0 || serial < parts[0].Serial || serial-parts[0].Serial >= uint64(len(parts)) {
		return nil, false
	}
	p := parts[serial-parts[0].Serial]
	return p, p.Serial == serial
}

// Init is the init segment of the rendition id with that hash.
func (st *Stream) Init(id, hash string) (init *media.Init, ok bool) {
	s, _ := st.view.Load().shelf(id)
	if s == nil {
		return nil, false
	}
	for _, k := range s.inits {
		if k.Hash == hash {
			return k.Init, true
		}
	}
	return nil, false
}

// Bytes is how much media is in memory: what is listed, what is open, and what can
// still be fetched. It looks at each part, so it is for who asks now and then.
func (st *Stream) Bytes() (sum int) {
	v := st.view.Load()
	for i, s := range v.shelves {
		for _, k := range s.inits {
			sum += len(k.Bytes)
		}
		for _, k := range s.segments {
			sum += k.Size
		}
		for _, p := range s.strays {
			sum += len(p.Bytes)
		}
		for _, p := range v.presentation.Windows[i].Open {
			sum += len(p.Bytes)
		}
	}
	return sum
}

// shelf returns what is kept of the rendition id, nil if there is none.
func (v *view) shelf(id string) (*shelf, *media.Window) {
	i := v.find(id)
	if i < 0 {
		return nil, nil
	}
	return v.shelves[i], v.presentation.Windows[i]
}
