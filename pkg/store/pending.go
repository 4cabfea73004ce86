package store

import (
	"slices"

	"weir/pkg/media"
)

// Fill brings the bytes of a segment that was added as pending. Lists say the
// same before and after, so no version grows. It reports false, and changes
// nothing, if the rendition id has no such segment: it is gone, it was not
// pending, or it was promised with another start or another init segment. The
// duration stays the promised one.
func (st *Stream) Fill(id string, seg *media.Segment) (ok bool) {
	st.swap(id, func(_ *media.Presentation, w *media.Window, s *shelf) {
		ok = exchange(w, s, func(promised *media.Segment) *media.Segment {
			if !promised.Pending || promised.MSN != seg.MSN || promised.Start != seg.Start || !sameInit(promised, seg) {
				return nil
			}
			filled := *seg
			filled.Duration, filled.Promised = promised.Duration, true
			return &filled
		})
	})
	return ok
}

// Forfeit says that the pending segments of the rendition id with numbers from
// from on, below to, cannot be made any more: they are not found from now on, and whoever
// waits for one is let go. They stay listed, as what was listed must.
func (st *Stream) Forfeit(id string, from, to uint64) {
	st.swap(id, func(_ *media.Presentation, w *media.Window, s *shelf) {
		exchange(w, s, func(promised *media.Segment) *media.Segment {
			if !promised.Pending || promised.MSN < from || promised.MSN >= to {
				return nil
			}
			lost := *promised
			lost.Pending, lost.Lost = false, true
			return &lost
		})
	})
}

func sameInit(a, b *media.Segment) bool {
	return a.Init != nil && b.Init != nil && a.Init.Hash == b.Init.Hash
}

// exchange replaces every segment for which replace returns another one, in
// copies of what held it, and reports whether there was any.
func exchange(w *media.Window, s *shelf, replace func(*media.Segment) *media.Segment) (found bool) {
	s.segments = slices.Clone(s.segments)
	w.Segments = slices.Clone(w.Segments)
	for i, k := range s.segments {
		next := replace(k.Segment)
		if next == nil {
			continue
		}
		found = true
		if at := slices.Index(w.Segments, k.Segment); at >= 0 {
			w.Segments[at] = next
		}
		s.segments[i].Segment = next
	}
	return found
}
