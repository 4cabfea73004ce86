package ingest

import "weir/pkg/media"

const (
	// maxStep is the longest step of a track that needs no explanation.
	maxStep = second
	// judgeHold is how much media tells what a jump was.
	judgeHold = second * 2 / 5
	// judgeUnits bounds the same by number.
	judgeUnits = 128
)

// ruling is a unit and whether the source's clock broke before it.
type ruling struct {
	unit
	breaks bool
}

// lane is where one track stands.
type lane struct {
	known bool
	// at is the last DTS and step the last way to it.
	at, step media.Ticks
	// shift is added to the track's time to undo a jump of that track alone.
	shift media.Ticks
}

func (l *lane) near(at media.Ticks) bool { return l.known && near(l.at, at) }

func (l *lane) accept(at media.Ticks) {
	if step := at - l.at; l.known && step > 0 && step <= maxStep {
		l.step = step
	}
	l.known, l.at = true, at
}

func near(a, b media.Ticks) bool { return a-b <= maxStep && b-a <= maxStep }

// role is what a held unit turned out to be.
type role uint8

const (
	// jumped units stand in the place that the suspect jumped to.
	jumped role = iota
	// resumed units are the other track's, in the old time.
	resumed
	// stray units stand anywhere else.
	stray
)

type heldUnit struct {
	unit
	role role
}

// jumpJudge tells the kinds of jumps apart. A unit that is more than a second
// away from its track's last one, either way, is
//
//   - nothing, if it comes forward to where the other track is: the track had
//     paused;
//   - else a suspect: it and all that follow are held until one of these is
//     known, for 0.4 s of media at most. If the track comes back, it was a
//     wrong timestamp. If the other track goes on in the old time, the suspect's
//     track jumped alone and is shifted back into place. Otherwise the source's
//     clock jumped, and time breaks.
type jumpJudge struct {
	lanes [2]lane
	held  []heldUnit
	// suspect is the lane of held[0]; base and latest are the first and the
	// last DTS in the place that it jumped to.
	suspect      int
	base, latest media.Ticks
	// goesOn is true and old grows while the other track goes on in the old
	// time; followed is true once it came to the new one.
	goesOn, followed bool
	old              media.Ticks
	out              []ruling
}

// near reports whether one of the tracks is near the time at.
func (j *jumpJudge) near(at media.Ticks) bool { return j.lanes[0].near(at) || j.lanes[1].near(at) }

// newest is where the track is that is further on.
func (j *jumpJudge) newest() media.Ticks { return max(j.lanes[0].at, j.lanes[1].at) }

// push takes the next unit and returns what is judged; the slice is valid
// until the next call.
func (j *jumpJudge) push(u unit, repairs *Repairs) []ruling {
	j.out = j.out[:0]
	u.shift(j.lanes[u.lane()].shift)
	switch {
	case len(j.held) > 0:
		j.deliberate(u, repairs)
	case j.plausible(&u, repairs):
		j.release(u)
	default:
		j.suspect, j.base, j.latest = u.lane(), u.dts, u.dts
		j.goesOn, j.followed, j.old = false, false, 0
		j.held = append(j.held, heldUnit{unit: u})
	}
	return j.out
}

// flush judges by what is known.
func (j *jumpJudge) flush(repairs *Repairs) []ruling {
	j.out = j.out[:0]
	if len(j.held) > 0 {
		j.conclude(repairs)
	}
	return j.out
}

func (j *jumpJudge) release(u unit) {
	j.lanes[u.lane()].accept(u.dts)
	j.out = append(j.out, ruling{unit: u})
}

// plausible reports whether u needs no deliberation. A track that begins far
// from the other one is brought to where the other one is: video leads.
func (j *jumpJudge) plausible(u *unit, repairs *Repairs) bool {
	own, other := &j.lanes[u.lane()], &j.lanes[1-u.lane()]
	switch {
	case own.known:
		return own.near(u.dts) || u.dts > own.at && other.near(u.dts)
	case !other.known || other.near(u.dts):
	case u.video():
		*other = lane{}
	default:
		repairs.TrackJumps++
		own.shift += other.at - u.dts
		u.shift(other.at - u.dts)
	}
	return true
}

// deliberate weighs one more unit while others are held.
func (j *jumpJudge) deliberate(u unit, repairs *Repairs) {
	own := &j.lanes[u.lane()]
	h := heldUnit{unit: u}
	atNew := near(u.dts, j.latest)
	switch isSuspect := u.lane() == j.suspect; {
	case isSuspect && atNew:
		j.latest = u.dts
	case isSuspect && own.near(u.dts):
		j.putBack(repairs)
		j.release(u)
		return
	case isSuspect:
		j.goElsewhere(u.dts)
	case own.near(u.dts) && distance(u.dts, own.at) <= distance(u.dts, j.latest):
		h.role, j.goesOn = resumed, true
		j.old += max(u.dts-own.at, 0)
		own.accept(u.dts)
	case atNew:
		j.followed = true
	default:
		h.role = stray
	}
	j.held = append(j.held, h)
	if j.followed || j.latest-j.base >= judgeHold || j.old >= judgeHold || len(j.held) >= judgeUnits {
		j.conclude(repairs)
	}
}

// goElsewhere takes a second jump of the suspect's track: where it was in
// between tells nothing.
func (j *jumpJudge) goElsewhere(at media.Ticks) {
	j.base, j.latest = at, at
	for i := range j.held {
		if j.held[i].role == jumped {
			j.held[i].role = stray
		}
	}
}

// putBack releases the held units with the suspects right behind where their
// track stood.
func (j *jumpJudge) putBack(repairs *Repairs) {
	for _, h := range j.take() {
		if h.lane() == j.suspect {
			repairs.Blips++
			h.shift(j.lanes[j.suspect].at + 1 - h.dts)
		}
		j.release(h.unit)
	}
}

// conclude decides between a jump of one track and one of the clock.
func (j *jumpJudge) conclude(repairs *Repairs) {
	held := j.take()
	for _, h := range held {
		if h.role == stray {
			repairs.Unusable++
		}
	}
	if j.goesOn && !j.followed {
		j.shiftBack(held, repairs)
		return
	}
	j.breakTime(held, repairs)
}

// shiftBack makes the suspect's track go on where it stood.
func (j *jumpJudge) shiftBack(held []heldUnit, repairs *Repairs) {
	repairs.TrackJumps++
	own := &j.lanes[j.suspect]
	by := own.at + max(own.step, 1) - j.base
	own.shift += by
	for _, h := range held {
		switch h.role {
		case jumped:
			h.shift(by)
			j.release(h.unit)
		case resumed:
			j.release(h.unit)
		case stray:
		}
	}
}

// breakTime ends the old time with what belongs to it and begins a new one, in
// which both tracks stand as the source has them.
func (j *jumpJudge) breakTime(held []heldUnit, repairs *Repairs) {
	repairs.Jumps++
	for _, h := range held {
		if h.role == resumed {
			j.release(h.unit)
		}
	}
	shifts := [2]media.Ticks{j.lanes[0].shift, j.lanes[1].shift}
	j.lanes = [2]lane{}
	breaks := true
	for _, h := range held {
		if h.role != jumped {
			continue
		}
		h.shift(-shifts[h.lane()])
		if !j.plausible(&h.unit, repairs) {
			repairs.Unusable++
			continue
		}
		j.lanes[h.lane()].accept(h.dts)
		j.out = append(j.out, ruling{unit: h.unit, breaks: breaks})
		breaks = false
	}
}

// take empties held; the result is valid until the next unit is held.
func (j *jumpJudge) take() []heldUnit {
	held := j.held
	j.held = j.held[:0]
	return held
}

func distance(a, b media.Ticks) media.Ticks { return max(a-b, b-a) }
