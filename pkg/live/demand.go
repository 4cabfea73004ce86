package live

import (
	"log/slog"
	"slices"
	"time"

	"weir/pkg/media"
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
	// replayedSegments is how far back a rung that is asked for can begin.
	replayedSegments = 6
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
		switch wanted := p.wanted(i, l, now); {
		case wanted && l.resting:
			cold = append(cold, l)
		case !wanted && !l.resting && l.init != nil:
			p.dismiss(l)
		}
	}
	p.answer(cold, now)
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
	l.order, l.noticed = 0, time.Time{}
	_, _ = p.stream.store.TakeWanted(l.rendition.ID) // nobody waits any more
	l.rest(p.stream.lanes[0].recent)
}

// answer starts a worker for the rungs that are asked for, with the segment
// that a viewer waits for. Most name one right after they have read a playlist.
func (p *pipeline) answer(cold []*lane, now time.Time) {
	var ready []*lane
	for _, l := range cold {
		if p.takeOrder(l, now) {
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
func (p *pipeline) takeOrder(l *lane, now time.Time) bool {
	if start, named := p.stream.store.TakeWanted(l.rendition.ID); named {
		for _, seg := range p.stream.lanes[0].recent {
			if seg.Start == start {
				l.order = max(seg.MSN, l.next)
				return true
			}
		}
	}
	if l.noticed.IsZero() {
		l.noticed = now
	}
	if l.order == 0 && now.Sub(l.noticed) < nameWithin {
		return false
	}
	if l.order == 0 {
		l.order = max(l.listed-orderedSegments, l.next)
	}
	return true
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
