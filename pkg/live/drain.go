package live

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"weir/pkg/ingest"
)

// Refuse lets no publisher in any more, also none that comes back. Those that
// are there go on.
func (m *Manager) Refuse() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.draining = true
}

// Drain ends every session and flushes what it has sent. For viewers, the
// streams go on after a restart of the gateway, however long that takes: they
// wait, and no resume window runs out. With end, the streams are over instead,
// also those whose publishers are lost. Drain returns when all of it is done, or
// with the error of ctx. Refuse comes first.
func (m *Manager) Drain(ctx context.Context, end bool) error {
	m.mu.Lock()
	all := make([]*stream, 0, len(m.streams))
	for _, st := range m.streams {
		all = append(all, st)
	}
	m.mu.Unlock()
	var streams errgroup.Group
	for _, st := range all {
		streams.Go(func() error { return st.leave(ctx, end) })
	}
	return streams.Wait() //nolint:wrapcheck // leave says which stream.
}

// leave has the stream's goroutine drain it.
func (s *stream) leave(ctx context.Context, end bool) error {
	order := drainOrder{end: end, done: make(chan struct{})}
	select {
	case s.drains <- order:
		<-order.done
		return nil
	case <-s.gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain stream %s: %w", s.name, ctx.Err())
	}
}

// Publishing counts the sessions that are open.
func (m *Manager) Publishing() int {
	count := 0
	for _, st := range m.Streams() {
		if st.Session != nil {
			count++
		}
	}
	return count
}

// drainOrder tells a stream that its gateway goes down.
type drainOrder struct {
	end  bool
	done chan struct{}
}

// drain ends the session, and the stream where that is wanted.
func (s *stream) drain(order drainOrder) {
	defer close(order.done)
	s.drained = true
	why := errStopping()
	if order.end {
		why = errEnding()
	}
	if s.dismissAll(why) {
		s.enter(Reconnecting)
	}
	switch {
	case s.state == Ended:
	case order.end:
		s.log.Info("stream ended, as the gateway is drained")
		s.finish()
	default:
		s.endAbsence()
		s.deadline = time.Time{}
		s.publishStatus()
	}
}

// errEnding tells a publisher that it need not come back.
func errEnding() *ingest.Rejection {
	return &ingest.Rejection{
		Reason:  ingest.Kicked,
		Message: "The operator shuts this server down and has ended your stream.",
	}
}
