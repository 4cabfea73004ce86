package publish

import (
	"context"
	"time"
)

// pace holds packets back until they are due, by their decode times, and gives
// them the times of one connection, which begin at from.
type pace struct {
	// speed is media time over wall time.
	speed float64
	// resumed waits for a keyframe, as what came before it was lost.
	resumed bool
	video   bool

	started bool
	// base is the media time that is from in this connection, begin the wall
	// time when that was due.
	base  time.Duration
	from  uint32
	begin time.Time
	due   time.Time
	last  uint32
}

// start is false for packets that cannot be sent yet. The first that can be
// starts the clock.
func (p *pace) start(next packet) bool {
	if !p.started {
		if p.resumed && p.video && !next.key {
			return false
		}
		// A first round begins at 0, whichever track does.
		if p.resumed {
			p.base = next.time
		}
		p.started, p.begin = true, time.Now()
	}
	// Audio of before the keyframe.
	return next.time >= p.base
}

// wait returns true when next is due, false when ctx or the connection ends
// first.
func (p *pace) wait(ctx context.Context, ended <-chan struct{}, next packet) bool {
	if next.header || !p.started {
		return true
	}
	p.due = p.begin.Add(time.Duration(float64(next.time-p.base) / p.speed))
	timer := time.NewTimer(time.Until(p.due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ended:
		return false
	case <-ctx.Done():
		return false
	}
}

// stamp is the packet's RTMP time in milliseconds; it wraps after 49 days. A
// header takes the time of what came before it. The composition offset is
// rounded together with the decode time, so that both keep their rhythm.
func (p *pace) stamp(next *packet) uint32 {
	if next.header {
		return p.last
	}
	dts := milliseconds(next.time - p.base)
	if next.place > 0 {
		pts := milliseconds(next.time + next.composition - p.base)
		putComposition(next.body[next.place:], int32(pts-dts))
	}
	p.last = p.from + uint32(dts)
	return p.last
}

// late is how long ago the packet that was last waited for was due.
func (p *pace) late() time.Duration { return max(0, time.Since(p.due)) }

func milliseconds(d time.Duration) int64 { return int64(d.Round(time.Millisecond) / time.Millisecond) }
