package live

import (
	"log/slog"
	"slices"
	"time"

	"weir/pkg/media"
	"weir/pkg/store"
	"weir/pkg/transcode"
)

const (
	// nameWithin is how long a viewer who has asked for a playlist may take to
	// ask for a segment: it is made first.
	nameWithin = 300 * time.Millisecond
	// orderedSegments are made for a viewer who has not named one: what
	// players begin with (RFC 8216bis, 6.3.3).
	orderedSegments = 3
	// caughtUp is how many segments a rung may have yet to make for a worker
	// that relieves its own, which has until crewDrain to make them.
	caughtUp = 1
	// nearSegments is how far behind the newest segment a rung begins at most.
	// What is asked for from before that is made beside it, as viewers of the
	// newest would have to wait for it.
	nearSegments = 6
	// replayed is how much of the source is kept: all that is listed.
	replayed = media.Ticks(store.DefaultWindow/time.Second)*media.Ticks(media.VideoTimescale) + 2*segmentLength
)

// Demand says which rungs are encoded. The zero value encodes all of them as
// long as the stream is live.
type Demand struct {
	// Only encodes what somebody watches.
	Only bool
	// Always is the number of encoded rungs, best first, that are encoded
	// nevertheless.
	Always int
	// IdleAfter is how long after the last request a rung is still encoded.
	IdleAfter time.Duration
}

// reconcile wakes the rungs that are asked for and puts the others to rest.
func (p *pipeline) reconcile(now time.Time) {
	if p == nil || !p.demand.Only || p.plan.source == nil || p.gaveUp != "" {
		return
	}
	var cold []*lane
	for i, l := range p.rungs {
		p.takeWanted(l)
		switch wanted := p.wanted(i, l, now); {
		case wanted && l.resting:
			cold = append(cold, l)
		case !wanted && !l.resting && l.init != nil:
			p.dismiss(l)
		}
	}
	p.answer(cold, now)
	p.goBack()
}

// wanted reports whether rung i has to be encoded. What replaces passthrough
// always has: it is what viewers start with.
func (p *pipeline) wanted(i int, l *lane, now time.Time) bool {
	if i < p.demand.Always || (i == 0 && !p.plan.passthrough) {
		return true
	}
	asked := p.stream.store.LastAsked(l.rendition.ID)
	if asked.Before(p.began) {
		asked = p.began
	}
	return now.Sub(asked) < p.demand.IdleAfter
}

// dismiss puts a rung to rest at once; a worker with none left ends.
func (p *pipeline) dismiss(l *lane) {
	p.log.Info("nobody watches, rendition is not encoded any more", slog.String("rendition", l.rendition.ID))
	for _, c := range slices.Clone(p.crews) {
		if i := slices.Index(c.lanes, l); i >= 0 {
			c.lanes[i] = nil
			c.worker.SetPace(i, transcode.PaceOff)
		}
		if !slices.ContainsFunc(c.lanes, func(l *lane) bool { return l != nil }) {
			p.discharge(c)
		}
	}
	l.order, l.past, l.noticed = 0, 0, time.Time{}
	l.rest(p.stream.lanes[0].recent)
}

// answer starts a worker for the rungs that are asked for, with the segment
// that a viewer waits for. Most name one right after they have read a playlist.
func (p *pipeline) answer(cold []*lane, now time.Time) {
	var ready []*lane
	for _, l := range cold {
		if l.takeOrder(now) {
			ready = append(ready, l)
		} else if p.recheck == nil {
			p.recheck = time.After(nameWithin)
		}
	}
	if len(ready) == 0 {
		return
	}
	first := ready[0].order
	for _, l := range ready {
		first = min(first, l.order)
	}
	steps, first, ok := p.replay.from(first)
	if !ok {
		return // no keyframe yet: the next boundary asks again
	}
	for _, l := range ready {
		p.log.Info("rendition is asked for, encoding it", slog.String("rendition", l.rendition.ID), slog.Uint64("from", first))
		l.wake(first)
		l.order, l.noticed = 0, time.Time{}
	}
	feed(p.hire(ready, false).worker, steps)
}

// takeOrder decides which segment a resting lane begins with. It reports false
// while the viewer may still name one.
func (l *lane) takeOrder(now time.Time) bool {
	if l.order != 0 {
		return true
	}
	if l.noticed.IsZero() {
		l.noticed = now
	}
	if now.Sub(l.noticed) < nameWithin {
		return false
	}
	l.order = l.usualOrder()
	return true
}

// usualOrder is the segment to begin with for a viewer who names none.
func (l *lane) usualOrder() uint64 { return max(l.listed-orderedSegments, l.next) }

// takeWanted notes which promised segment of a lane a viewer waits for: a
// resting lane begins with it, unless it is long ago.
func (p *pipeline) takeWanted(l *lane) {
	start, named := p.stream.store.TakeWanted(l.rendition.ID)
	if !named {
		return
	}
	recent := p.stream.lanes[0].recent
	i := slices.IndexFunc(recent, func(seg media.Segment) bool { return seg.Start == start })
	switch {
	case i < 0:
		if len(recent) > 0 {
			l.store.Forfeit(l.rendition.ID, 0, recent[0].MSN)
		}
	case l.resting && recent[i].MSN >= l.next && recent[i].MSN+nearSegments >= l.listed:
		l.order = earlier(l.order, recent[i].MSN)
	case l.resting || recent[i].MSN < l.next:
		l.past = earlier(l.past, recent[i].MSN)
		if l.resting {
			l.order = earlier(l.order, l.usualOrder())
		}
	}
}

// earlier is the lower of two numbers of which the first may be 0 for none.
func earlier(before, msn uint64) uint64 {
	if before == 0 {
		return msn
	}
	return min(before, msn)
}

// asked is due when a viewer had the time to name a segment.
func (p *pipeline) asked() <-chan time.Time {
	if p == nil {
		return nil
	}
	return p.recheck
}

// regroup decides whether, from boundary msn on, one crew relieves all those at
// work: one decodes the source once.
func (p *pipeline) regroup(msn uint64) bool {
	if !p.demand.Only || !p.scattered() {
		return false
	}
	for _, c := range p.crews {
		c.end(msn)
	}
	return true
}

// scattered reports whether there is more than one crew, and all have about
// caught up.
func (p *pipeline) scattered() bool {
	for _, c := range p.crews {
		if c.until != 0 || !c.open {
			return false
		}
		for _, l := range c.lanes {
			if l != nil && l.next+caughtUp < l.listed {
				return false
			}
		}
	}
	return len(p.crews) > 1
}

// relieve starts the one crew that regroup has made room for, at the boundary b
// and the picture that follows it.
func (p *pipeline) relieve(b media.Boundary, au media.AccessUnit) {
	steps, _, ok := p.replay.from(b.MSN)
	if !ok { // it is longer ago than is kept: decoding starts at the next keyframe
		steps = []step{{boundary: b, cuts: true}, {unit: au}}
	}
	var lanes []*lane
	for _, l := range p.rungs {
		if !l.resting {
			lanes = append(lanes, l)
		}
	}
	if len(lanes) > 0 {
		feed(p.hire(lanes, true).worker, steps)
	}
}
