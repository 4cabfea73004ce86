package transcode

import (
	"slices"
	"time"

	"weir/pkg/media"
)

// maxBacklogBytes bounds the backlog where time does not: 12 s at 40 Mb/s.
const maxBacklogBytes = 64 << 20

// Media time that one unit may count for: at least a millisecond, so that
// units without times cannot pile up, and no more than a slow slide show, so
// that a break in time does not count as material.
const (
	leastWeight = time.Millisecond
	mostWeight  = 2 * time.Second
)

// item is one step of the worker's input: a Unit, BoundaryAt or Resync.
type item struct {
	msg    Message
	track  *media.Track
	weight time.Duration
}

func (i item) unit() (media.AccessUnit, bool) {
	u, ok := i.msg.(Unit)
	return u.AU, ok
}

func (i item) sync() bool {
	au, ok := i.unit()
	return ok && au.Sync
}

// enters reports whether decoding can start at the item.
func (i item) enters() bool {
	au, ok := i.unit()
	return ok && au.Enters()
}

func (i item) boundary() (BoundaryAt, bool) {
	b, ok := i.msg.(BoundaryAt)
	return b, ok
}

// backlog is the input of the last seconds in order: first what the worker has
// been sent and may need again after a restart, then, from next on, what still
// waits. It is bounded in media time and bytes; see shed for what goes first.
// It is not safe for concurrent use.
type backlog struct {
	limit time.Duration
	items []item
	next  int
	// total and waiting are the media time of all items and of those from
	// next on.
	total, waiting time.Duration
	bytes          int
	lastDTS        time.Duration
	started        bool
	// starved is true while units are dropped up to the next sync unit, and
	// held the boundary right before it.
	starved bool
	held    *item
	dropped uint64
}

// push appends a unit.
func (b *backlog) push(au media.AccessUnit) {
	weight := b.weigh(au)
	if b.starved {
		if !au.Enters() {
			b.dropped++
			b.held = nil
			return
		}
		b.items = append(b.items, item{msg: Resync{}})
		if b.held != nil {
			b.items = append(b.items, *b.held)
		}
		b.starved, b.held = false, nil
	}
	b.items = append(b.items, item{msg: Unit{AU: au}, track: au.Track, weight: weight})
	b.total += weight
	b.waiting += weight
	b.bytes += len(au.Data)
	b.shed()
}

// mark appends a boundary.
func (b *backlog) mark(at BoundaryAt) {
	i := item{msg: at}
	if b.starved {
		b.held = &i
		return
	}
	b.items = append(b.items, i)
}

// weigh returns the media time since the unit before.
func (b *backlog) weigh(au media.AccessUnit) time.Duration {
	dts := au.Track.Timescale.Duration(au.DTS)
	weight := leastWeight
	if b.started && !au.Discontinuity {
		weight = min(max(dts-b.lastDTS, leastWeight), mostWeight)
	}
	b.lastDTS, b.started = dts, true
	return weight
}

// take returns the next item that the worker has not been sent.
func (b *backlog) take() (item, bool) {
	if b.next == len(b.items) {
		return item{}, false
	}
	i := b.items[b.next]
	b.next++
	b.waiting -= i.weight
	return i, true
}

// anchor returns the index from which a new worker has to be fed to make the
// segments from msn on: at or before the first boundary that has it, where
// decoding can start; or, where that is gone, at the first place after it. It
// is false if there is none.
func (b *backlog) anchor(msn uint64) (int, bool) {
	first := slices.IndexFunc(b.items, func(i item) bool {
		at, ok := i.boundary()
		return ok && at.MSN >= msn
	})
	if first < 0 {
		return 0, false
	}
	if b.opensHere(first) {
		return first, true
	}
	for i := first; i >= 0; i-- {
		if _, torn := b.items[i].msg.(Resync); torn {
			break
		}
		if b.items[i].enters() {
			return i, true
		}
	}
	for i := first; i < len(b.items); i++ {
		if b.opensHere(i) || b.items[i].enters() {
			return i, true
		}
	}
	return 0, false
}

// anchorAt returns the index of the last unit with a DTS not above dts, else
// of the first unit; it is false if there are none. For audio, where decoding
// can start anywhere.
func (b *backlog) anchorAt(dts time.Duration) (int, bool) {
	found, ok := 0, false
	for i, it := range b.items {
		au, isUnit := it.unit()
		if !isUnit {
			continue
		}
		if ok && au.Track.Timescale.Duration(au.DTS) > dts {
			break
		}
		found, ok = i, true
	}
	return found, ok
}

// opensHere reports whether item i is a boundary right before the sync unit
// that it concerns.
func (b *backlog) opensHere(i int) bool {
	at, ok := b.items[i].boundary()
	if !ok || i+1 == len(b.items) || !b.items[i+1].sync() {
		return false
	}
	au, _ := b.items[i+1].unit()
	return au.PTS >= at.PTS
}

// rewind makes item from the next one to send and returns the media time that
// is sent again.
func (b *backlog) rewind(from int) time.Duration {
	before := b.waiting
	if from > b.next {
		b.dropped += units(b.items[b.next:from])
	}
	b.next = from
	b.measure()
	return max(0, b.waiting-before)
}

// forget drops what lies before item to, which must not be after next.
func (b *backlog) forget(to int) {
	// Cleared, as the array outlives the slice and would hold the bytes.
	clear(b.items[:to])
	b.items = b.items[to:]
	b.next -= to
	b.measure()
}

// starve drops everything and whatever comes up to the next sync unit.
func (b *backlog) starve() {
	b.dropped += units(b.items)
	clear(b.items)
	b.items, b.next = nil, 0
	b.starved, b.held = true, nil
	b.measure()
}

// abandon gives up what has been sent and all that waits but the latest place
// where decoding can start: something in it breaks every worker.
func (b *backlog) abandon() {
	if at, ok := b.latestStart(b.next); ok {
		b.dropped += units(b.items[:at])
		b.next = at
		b.forget(at)
		return
	}
	b.starve()
}

// latestStart is the last place, not before from, where a worker can be fed
// from: best a boundary at a sync unit, else a sync unit somewhere in a segment.
func (b *backlog) latestStart(from int) (int, bool) {
	for i := len(b.items) - 1; i >= from; i-- {
		if b.opensHere(i) {
			return i, true
		}
	}
	for i := len(b.items) - 1; i >= from; i-- {
		if b.items[i].enters() {
			return i, true
		}
	}
	return 0, false
}

// shed keeps the bounds. As long as the worker keeps up, that is, less than
// half of the limit waits, what goes is what was kept for a replay. Else whole
// segments are dropped: the one that is being sent is finished, and feeding
// goes on at the latest place where decoding can start.
func (b *backlog) shed() {
	for b.over() {
		keepsUp := b.waiting <= b.limit/2
		switch {
		case keepsUp && b.next > 0:
			b.forget(b.next)
		case b.cut():
		case b.next > 0:
			b.forget(b.next)
		default:
			b.starve()
		}
	}
}

func (b *backlog) over() bool { return b.total > b.limit || b.bytes > maxBacklogBytes }

// cut drops what waits between the end of the open segment and the latest
// place where decoding can start, and reports whether any unit was there.
func (b *backlog) cut() bool {
	before := b.dropped
	from := b.next
	if i := slices.IndexFunc(b.items[b.next:], func(it item) bool { _, ok := it.boundary(); return ok }); i >= 0 {
		from += i
	}
	to, ok := b.latestStart(from + 1)
	if !ok {
		b.dropped += units(b.items[from:])
		clear(b.items[from:])
		b.items = b.items[:from]
		b.starved, b.held = true, nil
		b.measure()
		return b.dropped > before
	}
	b.dropped += units(b.items[from:to])
	b.items[from] = item{msg: Resync{}}
	b.items = slices.Delete(b.items, from+1, to)
	b.measure()
	return b.dropped > before
}

// measure counts total, waiting and bytes afresh.
func (b *backlog) measure() {
	b.total, b.waiting, b.bytes = 0, 0, 0
	for i, it := range b.items {
		b.total += it.weight
		if i >= b.next {
			b.waiting += it.weight
		}
		if au, ok := it.unit(); ok {
			b.bytes += len(au.Data)
		}
	}
}

func units(items []item) (n uint64) {
	for _, it := range items {
		if _, ok := it.unit(); ok {
			n++
		}
	}
	return n
}
