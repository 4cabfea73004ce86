package transcode

import (
	"log/slog"
	"slices"
	"time"
)

// warmUp is how long a worker may take to open its encoders before its lag
// counts.
const warmUp = time.Second

// control is what a supervisor wants of its rungs.
type control struct {
	overload *overload
	// wish is the caller's, paces what overload leaves of it.
	wish, paces []Pace
	// version counts changes of paces.
	version int
}

func newControl(rungs []Rung, restoreAfter time.Duration) control {
	return control{
		overload: newOverload(rungs, restoreAfter),
		wish:     make([]Pace, len(rungs)),
		paces:    make([]Pace, len(rungs)),
	}
}

// renew works out the paces again and reports whether they have changed.
func (c *control) renew() bool {
	paces := c.overload.paces(c.wish)
	if slices.Equal(paces, c.paces) {
		return false
	}
	c.paces = paces
	c.version++
	return true
}

// SetPace says how much of a rung is wanted. Less takes effect at once, and off
// makes the rung's open segment void; more begins at the next boundary. Under
// overload it may be less.
func (s *Supervisor) SetPace(rung int, p Pace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.control.wish[rung] = p
	if s.control.renew() {
		s.signal()
	}
}

// adapt sheds rungs while encoding falls behind, and brings them back.
func (s *Supervisor) adapt(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || len(s.order.Rungs) == 0 || s.order.Hold != nil {
		return // what is held to a rate has all the time that it takes
	}
	lag, known := s.lag(now)
	if !known {
		s.control.overload.pause()
		return
	}
	step, shed, changed := s.control.overload.observe(now, lag, s.control.wish)
	if !changed {
		return
	}
	if s.control.renew() {
		s.signal()
	}
	attrs := []any{
		slog.String("rung", s.order.Rungs[step.rung].ID), slog.String("pace", s.control.paces[step.rung].String()),
		slog.Duration("behind", lag.Round(time.Millisecond)),
	}
	if shed {
		s.stats.Shed++
		s.log.Warn("encoding is slower than real time, a rung gives way; give the machine more CPU, or choose a faster preset or fewer rungs", attrs...)
		return
	}
	s.stats.Restored++
	s.log.Info("encoding keeps up, a rung comes back", attrs...)
}

// lag is the media time that the worker has not dealt with. It is not known
// while there is no worker that has warmed up, or while nobody reads what it
// brings. s.mu is held.
func (s *Supervisor) lag(now time.Time) (lag time.Duration, known bool) {
	if s.current == nil {
		return 0, false
	}
	inside, known := s.current.inside(now)
	return s.backlog.waiting + inside, known
}

// inside is the media time that the worker has been sent and has not answered.
func (p *process) inside(now time.Time) (inside time.Duration, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen.Units == 0 || p.stalled || now.Sub(p.answered) < warmUp {
		return 0, false
	}
	return time.Duration(p.sent-min(p.sent, p.seen.Units)) * p.weight, true
}

// pending returns the paces that the worker has not been told, if any.
func (s *Supervisor) pending(told *int) (Paces, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.control.version == *told {
		return Paces{}, false
	}
	*told = s.control.version
	return Paces{Paces: slices.Clone(s.control.paces)}, true
}

// rested enters that nothing more comes of a rung for now.
func (s *Supervisor) rested(rung int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.rested(rung)
}
