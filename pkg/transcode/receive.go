package transcode

import (
	"context"
	"fmt"
	"reflect"
	"time"
)

// receive reads the worker's messages up to Done (nil) or whatever ends it.
func (p *process) receive(ctx context.Context) error {
	m, err := p.out.Read()
	if err != nil {
		return fmt.Errorf("worker said nothing: %w", err)
	}
	hello, ok := m.(Hello)
	if !ok || hello.Version != WireVersion {
		return fmt.Errorf("%w: worker opened with %#v, want version %d; gateway and worker must be of the same build", ErrWire, m, WireVersion)
	}
	for {
		m, err := p.out.Read()
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case Ready:
			err = p.s.ready(m)
		case Coded:
			err = p.deliver(ctx, m)
		case Rested:
			err = p.rest(ctx, m.Rung)
		case Progress:
			err = p.heard(m)
		case Sight:
			p.s.perceived(func(s *Stats) { s.Sight = &m })
		case Heard:
			p.s.perceived(func(s *Stats) { s.Heard = &m })
		case Report:
			err = p.report(ctx, m)
		case Fatal:
			return fmt.Errorf("worker gave up: %s", m.Text)
		case Done:
			return p.done()
		default:
			err = fmt.Errorf("%w: %T is not the worker's to say", ErrWire, m)
		}
		if err != nil {
			return err
		}
	}
}

// ready takes over the rungs' parameters. Tracks whose parameters have not
// changed keep their pointer, so that a restart makes no new init segment.
func (s *Supervisor) ready(m Ready) error {
	if len(m.Tracks) != len(s.tracks) {
		return fmt.Errorf("%w: %d tracks for %d rungs", ErrWire, len(m.Tracks), len(s.tracks))
	}
	for i := range m.Tracks {
		if err := checkTrack(&m.Tracks[i], s.order.Mode); err != nil {
			return err
		}
		if s.tracks[i] == nil || !reflect.DeepEqual(s.tracks[i], &m.Tracks[i]) {
			s.tracks[i] = &m.Tracks[i]
		}
	}
	return nil
}

// deliver hands an access unit on, unless a worker before has delivered its
// segment.
func (p *process) deliver(ctx context.Context, c Coded) error {
	s := p.s
	if c.Rung >= len(s.tracks) || s.tracks[c.Rung] == nil {
		return fmt.Errorf("%w: access unit of rung %d, which is not ready", ErrWire, c.Rung)
	}
	c.AU.Track = s.tracks[c.Rung]
	if err := p.claims.coded(c, s.order.Mode, s.extent()); err != nil {
		return err
	}
	p.mu.Lock()
	p.quiet = time.Now()
	p.mu.Unlock()
	if !s.enter(c) {
		return nil
	}
	return p.put(ctx, Output{Rung: c.Rung, AU: c.AU, MSN: c.MSN, Starts: c.Starts})
}

// rest says that nothing more comes of a rung for now.
func (p *process) rest(ctx context.Context, rung int) error {
	if rung >= len(p.s.tracks) {
		return fmt.Errorf("%w: rung %d rests, which there is not", ErrWire, rung)
	}
	p.s.rested(rung)
	return p.put(ctx, Output{Rung: rung, Rested: true})
}

// put waits while Output is full.
func (p *process) put(ctx context.Context, out Output) error {
	s := p.s
	select {
	case s.output <- out:
		return nil
	default:
	}
	p.stall(true)
	defer p.stall(false)
	select {
	case s.output <- out:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *process) stall(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = on
	p.quiet = time.Now()
}

// enter asks the ledger whether c is wanted, and lets go of what no replay
// will need any more.
func (s *Supervisor) enter(c Coded) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.ledger.progress()
	wanted := s.ledger.accept(c)
	if s.ledger.progress() != before {
		if from, ok := s.ledger.resume(&s.backlog); ok && from <= s.backlog.next {
			s.backlog.forget(from)
		}
	}
	return wanted
}

// heard notes progress and, now and then, the speed.
func (p *process) heard(m Progress) error {
	p.mu.Lock()
	if err := checkProgress(m, p.seen, p.sent); err != nil {
		p.mu.Unlock()
		return err
	}
	if m.Units > p.seen.Units {
		p.quiet = time.Now()
	}
	damaged := m.Damaged - p.seen.Damaged
	if p.seen.Units == 0 && m.Units > 0 {
		p.answered = time.Now()
	}
	p.seen = m
	var speed float64
	if busy := m.Busy - p.base.Busy; busy >= speedWindow {
		speed = float64(m.Media-p.base.Media) / float64(busy)
		p.base = m
	}
	p.mu.Unlock()
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.s.stats.Damaged += damaged
	if p.s.order.Mode == ModeWatch {
		p.s.backlog.forget(p.s.backlog.next)
	}
	if speed > 0 {
		p.s.stats.Speed = speed
	}
	return nil
}
