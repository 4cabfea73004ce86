package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"weir/pkg/ingest"
)

// ErrNotPublishing is returned by Manager.Kick where there is nobody to kick.
var ErrNotPublishing = errors.New("nobody publishes this stream")

// kick asks a stream to end its session.
type kick struct {
	why *ingest.Rejection
	// kicked takes one value: whether there was a session.
	kicked chan bool
}

// Kick ends the session of whoever publishes the stream called name. Its key
// is refused for hold; with none, the encoder may come back at once. For
// viewers it is a lost publisher: the stream goes on if it comes back within
// the resume window. The error is ErrNotPublishing, or that of ctx.
func (m *Manager) Kick(ctx context.Context, name string, hold time.Duration) error {
	m.mu.Lock()
	st, ok := m.streams[name]
	m.mu.Unlock()
	if !ok {
		return ErrNotPublishing
	}
	// First, lest the encoder be back before it is held off.
	before := m.holds.set(name, time.Now().Add(hold))
	if err := st.order(ctx, kicked(hold)); err != nil {
		m.holds.set(name, before)
		return err
	}
	return nil
}

// order has the stream's goroutine end its session.
func (s *stream) order(ctx context.Context, why *ingest.Rejection) error {
	order := kick{why: why, kicked: make(chan bool, 1)}
	select {
	case s.kicks <- order:
	case <-s.gone:
		return ErrNotPublishing
	case <-ctx.Done():
		return fmt.Errorf("kick the publisher of stream %s: %w", s.name, ctx.Err())
	}
	if !<-order.kicked {
		return ErrNotPublishing
	}
	return nil
}

// kicked tells a publisher that an operator ended its session, or that it may
// not come back for wait.
func kicked(wait time.Duration) *ingest.Rejection {
	message := "The operator of this server ended your stream. You can start it again."
	if wait > 0 {
		message = fmt.Sprintf("The operator of this server ended your stream. It can start again in %v.", wait.Round(time.Second))
	}
	return &ingest.Rejection{Reason: ingest.Kicked, Message: message}
}

// obey ends the session as a lost one.
func (s *stream) obey(order kick) {
	order.kicked <- s.session != nil
	if s.session == nil {
		return
	}
	s.log.Warn("publisher kicked by an operator", slog.Duration("resume_window", s.cfg.ResumeWindow))
	s.dismiss(order.why)
	s.enter(Reconnecting)
	s.deadline = time.Now().Add(s.cfg.ResumeWindow)
	s.publishStatus()
}

// holds are streams whose publishers may not come back yet.
type holds struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// set returns what was set before.
func (h *holds) set(name string, until time.Time) (before time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.until == nil {
		h.until = make(map[string]time.Time)
	}
	before = h.until[name]
	h.until[name] = until
	return before
}

// check refuses a publisher that was kicked and must wait.
func (h *holds) check(name string, now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	until, held := h.until[name]
	if !held {
		return nil
	}
	if wait := until.Sub(now); wait > 0 {
		return kicked(wait)
	}
	delete(h.until, name)
	return nil
}
