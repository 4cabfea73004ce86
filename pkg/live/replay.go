package live

import (
	"slices"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// maxReplayBytes bounds a replay where time does not: 36 s at 10 Mb/s.
const maxReplayBytes = 48 << 20

// replay remembers the source's pictures of the newest segments, with the
// boundaries among them, for a worker that is to make what was not made when it
// was live. The payloads are shared with whoever else holds them.
type replay struct {
	// keep is how much media before the open segment is kept, at 90 kHz;
	// negative keeps nothing.
	keep  media.Ticks
	steps []step
	bytes int
}

// step is a boundary or a picture, in the order in which a worker is fed.
type step struct {
	boundary media.Boundary
	unit     media.AccessUnit
	cuts     bool
}

// time is when the boundary or the picture stands.
func (s step) time() media.Ticks {
	if s.cuts {
		return s.boundary.PTS
	}
	return s.unit.PTS
}

// cut enters a boundary, before the picture that it concerns.
func (r *replay) cut(b media.Boundary) {
	if r.keep < 0 {
		return
	}
	r.steps = append(r.steps, step{boundary: b, cuts: true})
}

// push enters a picture and forgets what is not needed any more.
func (r *replay) push(au media.AccessUnit) {
	if r.keep < 0 {
		return
	}
	r.steps = append(r.steps, step{unit: au})
	r.bytes += len(au.Data)
	if au.Enters() || r.bytes > maxReplayBytes {
		r.trim()
	}
}

// trim forgets from the front as much as leaves the wanted media decodable: what
// is left begins at a keyframe.
func (r *replay) trim() {
	open := len(r.steps) - 1
	for open > 0 && !r.steps[open].cuts {
		open--
	}
	to := open
	for to > 0 && (!r.starts(to) || r.steps[open].boundary.PTS-r.steps[to].time() < r.keep) {
		to--
	}
	r.forget(to)
	for r.bytes > maxReplayBytes {
		next := slices.IndexFunc(r.steps[1:], func(s step) bool { return s.unit.Enters() })
		if next < 0 {
			r.forget(len(r.steps))
			return
		}
		next++
		if r.steps[next-1].cuts && next > 1 {
			next--
		}
		r.forget(next)
	}
}

// starts reports whether decoding can begin at step i: at a keyframe, or at the
// boundary right before one.
func (r *replay) starts(i int) bool {
	if r.steps[i].cuts {
		return i+1 < len(r.steps) && r.steps[i+1].unit.Sync
	}
	return r.steps[i].unit.Enters() && (i == 0 || !r.steps[i-1].cuts)
}

func (r *replay) forget(n int) {
	for _, s := range r.steps[:n] {
		r.bytes -= len(s.unit.Data)
	}
	r.steps = slices.Delete(r.steps, 0, n) // which lets go of the payloads
}

// takeOpen hands out the pictures of the open segment and forgets them with
// their boundary.
func (r *replay) takeOpen() []media.AccessUnit {
	at := len(r.steps)
	for at > 0 && !r.steps[at-1].cuts {
		at--
	}
	var units []media.AccessUnit
	for _, s := range r.steps[at:] {
		units = append(units, s.unit)
		r.bytes -= len(s.unit.Data)
	}
	clear(r.steps[max(at-1, 0):])
	r.steps = r.steps[:max(at-1, 0)]
	return units
}

// from returns what a worker has to be fed to make the segments from msn on,
// and the first that it will make; that is a later one where msn's pictures are
// gone, and there is none (ok is false) before the first keyframe. Pictures
// before the first boundary serve only to decode those after.
func (r *replay) from(msn uint64) (steps []step, first uint64, ok bool) {
	at := -1
	for i, s := range r.steps {
		if !ok && r.starts(i) {
			at = i
		}
		if !ok && at >= 0 && s.cuts && s.boundary.MSN >= msn {
			first, ok = s.boundary.MSN, true
		}
	}
	if !ok {
		return nil, 0, false
	}
	steps = slices.DeleteFunc(slices.Clone(r.steps[at:]), func(s step) bool {
		return s.cuts && s.boundary.MSN < first
	})
	return steps, first, true
}

// feed gives a worker what it has missed.
func feed(worker *transcode.Supervisor, steps []step) {
	for _, s := range steps {
		if s.cuts {
			worker.Boundary(s.boundary)
		} else {
			worker.Push(s.unit)
		}
	}
}
