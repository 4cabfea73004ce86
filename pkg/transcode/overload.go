package transcode

import (
	"slices"
	"time"
)

const (
	// onTime is the lag, in media time, at which encoding counts as on time.
	onTime = 250 * time.Millisecond
	// behindBy is how far encoding must lag before something is shed, and
	// fallingFor how many times in a row its trend must have shown that it does
	// not catch up. Together they let a hiccup of a second pass, and act within
	// two seconds of one that lasts.
	behindBy   = 600 * time.Millisecond
	fallingFor = 5
	// settle is how long one step has to show what it gains.
	settle = 1500 * time.Millisecond
	// breath is how long encoding may be late and still count as on time:
	// publishers send in bursts.
	breath = time.Second
	// maxRetry is the longest that encoding must have been on time before a
	// step is taken back. It starts with the supervisor's RestoreAfter and gets
	// twice as long after each time that this was too much, which shows within
	// relapse. The next step back takes a third of the time.
	maxRetry    = 5 * time.Minute
	relapse     = 2 * time.Minute
	nextDivisor = 3
	// slowest is the frame rate up to which a rung is not halved, but turned
	// off: 12 pictures a second look broken, and the next rung does not.
	slowest = 25
)

// overload decides which rungs give way while encoding is slower than real
// time, and when they come back. It is pure: the caller gives it the time, the
// lag, and what is wished of each rung.
//
// The best rung goes first: it costs more than all below it together, and its
// viewers have the source above and the next rung below. Each loses half of its
// frames before it goes off. The last of the rungs that are wanted, which
// everybody can receive, is never off. Rungs that are not wanted cost nothing,
// so that nothing is gained by shedding them.
type overload struct {
	// limits is the most that each rung may have, and halves whether it may be
	// halved.
	limits []Pace
	halves []bool
	trend  trend
	// stepped is when the last step was taken or taken back, and restored
	// whether it was the latter.
	stepped  time.Time
	restored bool
	// calm is since when encoding has been on time, and punctual when it last
	// was. retry is how long calm has to last, first at the beginning.
	calm, punctual time.Time
	retry, first   time.Duration
}

// shedStep sets the limit of rung to pace.
type shedStep struct {
	rung int
	pace Pace
}

func newOverload(rungs []Rung, restoreAfter time.Duration) *overload {
	o := &overload{limits: make([]Pace, len(rungs)), retry: restoreAfter, first: restoreAfter}
	for _, r := range rungs {
		rate := r.FrameRate.Float()
		o.halves = append(o.halves, rate == 0 || rate > slowest)
	}
	return o
}

// observe takes the lag of encoding at now. It reports the step that it takes
// (shed) or takes back, if any.
func (o *overload) observe(now time.Time, lag time.Duration, wish []Pace) (step shedStep, shed, changed bool) {
	o.trend.add(now, lag)
	calm := o.calmFor(now, lag)
	step, ok := o.next(wish)
	if ok && o.falling(now, lag) {
		if o.restored && now.Sub(o.stepped) < relapse {
			o.retry = min(2*o.retry, maxRetry)
		}
		o.take(now, step, false)
		return step, true, true
	}
	step, ok = o.back(wish)
	switch {
	case ok && lag <= onTime && calm >= o.patience():
		o.take(now, step, true)
		return step, false, true
	case !ok && o.restored && now.Sub(o.stepped) > maxRetry:
		o.retry = o.first
	}
	return shedStep{}, false, false
}

// patience is how long encoding has to be on time before a step is taken back.
func (o *overload) patience() time.Duration {
	if o.restored {
		return max(o.retry/nextDivisor, settle)
	}
	return max(o.retry, settle)
}

func (o *overload) take(now time.Time, s shedStep, restored bool) {
	o.limits[s.rung] = s.pace
	o.stepped, o.restored = now, restored
	o.trend, o.calm = trend{}, time.Time{}
}

// falling reports whether encoding lags and does not catch up.
func (o *overload) falling(now time.Time, lag time.Duration) bool {
	return lag >= behindBy && o.trend.falling >= fallingFor && now.Sub(o.stepped) >= settle
}

// calmFor is how long encoding has been on time, but for breaths.
func (o *overload) calmFor(now time.Time, lag time.Duration) time.Duration {
	if now.Sub(o.punctual) > breath {
		o.calm = time.Time{}
	}
	if lag <= onTime {
		o.punctual = now
		if o.calm.IsZero() {
			o.calm = now
		}
	}
	if o.calm.IsZero() {
		return 0
	}
	return now.Sub(o.calm)
}

// pause forgets the trend: what lags is not the worker.
func (o *overload) pause() { o.trend = trend{} }

// next is the next step that would gain something; false if there is none left.
func (o *overload) next(wish []Pace) (step shedStep, ok bool) {
	last := lastWanted(wish)
	for i, p := range o.paces(wish) {
		switch {
		case p == PaceFull && o.halves[i]:
			return shedStep{i, PaceHalf}, true
		case p != PaceOff && i != last:
			return shedStep{i, PaceOff}, true
		}
	}
	return shedStep{}, false
}

// back is the step that brings back what was shed last; false if nothing that
// is wished is missing.
func (o *overload) back(wish []Pace) (step shedStep, ok bool) {
	paces := o.paces(wish)
	for i, wished := range slices.Backward(wish) {
		switch {
		case paces[i] == wished:
		case paces[i] == PaceOff && o.halves[i]:
			return shedStep{i, PaceHalf}, true
		default:
			return shedStep{i, PaceFull}, true
		}
	}
	return shedStep{}, false
}

// paces is what the limits leave of the wish.
func (o *overload) paces(wish []Pace) []Pace {
	last := lastWanted(wish)
	paces := make([]Pace, len(wish))
	for i := range paces {
		limit := o.limits[i]
		if i == last && limit == PaceOff {
			limit = o.least(i)
		}
		paces[i] = max(wish[i], limit)
	}
	return paces
}

// least is the lowest pace of a rung that must not be off.
func (o *overload) least(rung int) Pace {
	if o.halves[rung] {
		return PaceHalf
	}
	return PaceFull
}

// lastWanted is the lowest rung of which anything is wished, -1 if there is
// none.
func lastWanted(wish []Pace) int {
	for i, wished := range slices.Backward(wish) {
		if wished != PaceOff {
			return i
		}
	}
	return -1
}
