package transcode

import (
	"slices"
	"time"
)

const (
	// behindBy is how far encoding may lag, in media time, before something is
	// shed. Less is a hiccup.
	behindBy = 750 * time.Millisecond
	// trend is how long it must have lagged so without catching up: by at
	// least catchingUp in that time.
	trend      = 500 * time.Millisecond
	catchingUp = 50 * time.Millisecond
	// settle is how long one step has to show what it gains.
	settle = 1500 * time.Millisecond
	// onTime is the lag at which encoding counts as on time.
	onTime = 250 * time.Millisecond
	// maxRetry is the longest that encoding must have been on time before a
	// step is taken back. It starts with the supervisor's RestoreAfter and gets
	// twice as long after each time that this was too much, which shows within
	// relapse. The next step back takes a third of the time.
	maxRetry    = 5 * time.Minute
	relapse     = 20 * time.Second
	nextDivisor = 3
	// slowest is the frame rate that is not halved: what is left would flicker
	// past like slides.
	slowest = 20
)

// overload decides which rungs give way while encoding is slower than real
// time, and when they come back. It is pure: the caller gives it the time and
// the lag.
//
// The best rung goes first: it costs more than all below it together, and its
// viewers have the source above and the next rung below. Each loses half of its
// frames before it goes off. The last rung, which everybody can receive, is
// never off.
type overload struct {
	steps []shedStep
	// taken is how many of steps are in force.
	taken int
	// since is when the lag first was beyond behindBy, from the value lag.
	since time.Time
	lag   time.Duration
	// stepped is when the last step was taken or taken back, and restored
	// whether it was the latter.
	stepped  time.Time
	restored bool
	// calm is since when encoding has been on time, and retry how long that
	// has to last, first at the beginning.
	calm         time.Time
	retry, first time.Duration
}

// shedStep slows rung down to pace.
type shedStep struct {
	rung int
	pace Pace
}

func newOverload(rungs []Rung, restoreAfter time.Duration) *overload {
	o := &overload{retry: restoreAfter, first: restoreAfter}
	for i, r := range rungs {
		if rate := r.FrameRate.Float(); rate == 0 || rate > slowest {
			o.steps = append(o.steps, shedStep{i, PaceHalf})
		}
		if i < len(rungs)-1 {
			o.steps = append(o.steps, shedStep{i, PaceOff})
		}
	}
	return o
}

// observe takes the lag of encoding at now. It reports the step that it takes
// (shed) or takes back, if any.
func (o *overload) observe(now time.Time, lag time.Duration) (step shedStep, shed, changed bool) {
	switch {
	case o.falling(now, lag) && o.taken < len(o.steps):
		if o.restored && now.Sub(o.stepped) < relapse {
			o.retry = min(2*o.retry, maxRetry)
		}
		step = o.steps[o.taken]
		o.taken++
		o.step(now, false)
		return step, true, true
	case o.hasRoom(now, lag):
		o.taken--
		step = o.steps[o.taken]
		o.step(now, true)
		return step, false, true
	}
	return shedStep{}, false, false
}

func (o *overload) step(now time.Time, restored bool) {
	o.stepped, o.restored = now, restored
	o.since, o.calm = time.Time{}, time.Time{}
}

// falling reports whether encoding lags and does not catch up.
func (o *overload) falling(now time.Time, lag time.Duration) bool {
	if lag < behindBy || now.Sub(o.stepped) < settle {
		o.since = time.Time{}
		return false
	}
	if o.since.IsZero() {
		o.since, o.lag = now, lag
		return false
	}
	if now.Sub(o.since) < trend {
		return false
	}
	caught := o.lag - lag
	o.since, o.lag = now, lag
	return caught < catchingUp
}

// hasRoom reports whether encoding has been on time for long enough to try for
// more.
func (o *overload) hasRoom(now time.Time, lag time.Duration) bool {
	if o.taken == 0 {
		if o.restored && now.Sub(o.stepped) > maxRetry {
			o.retry = o.first
		}
		return false
	}
	if lag > onTime {
		o.calm = time.Time{}
		return false
	}
	if o.calm.IsZero() {
		o.calm = now
	}
	needed := o.retry
	if o.restored {
		needed /= nextDivisor
	}
	return now.Sub(o.calm) >= needed
}

// pause forgets what was seen: there is no worker that could keep up.
func (o *overload) pause() { o.since, o.calm = time.Time{}, time.Time{} }

// paces is what the steps in force leave of n rungs.
func (o *overload) paces(n int) []Pace {
	paces := make([]Pace, n)
	for _, s := range o.steps[:o.taken] {
		paces[s.rung] = max(paces[s.rung], s.pace)
	}
	return paces
}

// slower is the lower pace of each rung.
func slower(a, b []Pace) []Pace {
	out := slices.Clone(a)
	for i, p := range b {
		out[i] = max(out[i], p)
	}
	return out
}
