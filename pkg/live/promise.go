package live

import (
	"log/slog"
	"time"

	"weir/pkg/media"
)

// A rendition that nobody watches rests: nothing of it is encoded. Its lists go
// on nevertheless and promise the same segments as the top rendition has, with
// the same times, since every rung starts and ends them at the same pictures.
// When somebody asks, a worker makes them from what replay has kept, and the
// lane keeps its promises one after the other until it has caught up.

// rest stops the lane: what came of the open segment is void, and what the
// others have listed meanwhile is promised.
func (l *lane) rest(recent []media.Segment) {
	l.publish(l.segmenter.Void())
	l.open, l.resting, l.shed = false, true, false
	l.store.Rest(l.rendition.ID, true)
	l.follow(recent, false)
}

// wake starts the lane again with segment msn. What was promised before it is
// made only if it is asked for.
func (l *lane) wake(msn uint64) {
	l.resting, l.shed = false, false
	l.store.Rest(l.rendition.ID, false)
	l.next = max(l.next, msn)
}

// breakPromises gives up all that was promised, as nobody is left to make it, and
// wakes the lane.
func (l *lane) breakPromises() {
	l.forfeit(l.listed)
	l.wake(l.listed)
	l.past, l.order, l.noticed = 0, 0, time.Time{}
	l.store.Forfeit(l.rendition.ID, 0, l.listed)
}

// behind reports whether the lane's lists follow the top rendition's: it rests,
// or has promises to keep.
func (l *lane) behind() bool { return l.resting || l.next < l.listed }

// follow lists those of recent, the top rendition's newest segments, that are
// not listed here: as promises, or, where nobody will be able to keep them, as
// gaps.
func (l *lane) follow(recent []media.Segment, lost bool) {
	for i := range recent {
		if recent[i].MSN < l.listed {
			continue
		}
		seg := recent[i]
		seg.Init = l.init
		seg.Gap = seg.Gap || lost
		seg.Pending = !seg.Gap
		l.store.AddSegment(l.rendition.ID, &seg)
		l.listed = seg.MSN + 1
	}
}

// keep brings the bytes of a promised segment. If they are not what was
// promised, it is lost.
func (l *lane) keep(seg *media.Segment) {
	if seg.Gap || !l.store.Fill(l.rendition.ID, seg) {
		l.log.Warn("a promised segment came out differently and is lost", slog.Uint64("msn", seg.MSN))
		l.store.Forfeit(l.rendition.ID, seg.MSN, seg.MSN+1)
	}
}

// forfeit gives up the promises below msn.
func (l *lane) forfeit(msn uint64) {
	if l.next >= msn || l.next >= l.listed {
		return
	}
	if l.open {
		l.publish(l.segmenter.Void())
		l.open = false
	}
	l.store.Forfeit(l.rendition.ID, l.next, msn)
	l.next = min(msn, l.listed)
}

// note remembers the times of a segment.
func (l *lane) note(seg *media.Segment) {
	if len(l.recent) == historyLength {
		l.recent = append(l.recent[:0], l.recent[1:]...)
	}
	bare := *seg
	bare.Parts, bare.Size = nil, 0
	l.recent = append(l.recent, bare)
}
