package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"weir/pkg/ingest"
)

// ErrNotPublishing is returned by Manager.Kick where there is nobody to kick.
var ErrNotPublishing = errors.New("nobody publishes this stream")

// kick asks a stream to end its session.
type kick struct {
	why *ingest.Rejection
	// key is the id of the stream key that the session must have come with; empty
	// for any.
	key string
	// kicked takes one value: whether there was a session.
	kicked chan bool
}

// Kick ends the sessions of whoever publishes the stream called name, backup
// included. Their keys
// are refused for hold; with none, the encoder may come back at once. For
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
	if err := st.order(ctx, kicked(hold), ""); err != nil {
		m.holds.set(name, before)
		return err
	}
	return nil
}

// Revoke ends the sessions that came with the stream key of that id. It returns
// when they have ended, or ctx has.
func (m *Manager) Revoke(ctx context.Context, key string) {
	m.mu.Lock()
	streams := slices.Collect(maps.Values(m.streams))
	m.mu.Unlock()
	for _, st := range streams {
		why := &ingest.Rejection{
			Reason: ingest.KeyRevoked, Stream: st.name,
			Message: "Your stream key was revoked. Ask whoever runs the server for a new one.",
		}
		_ = st.order(ctx, why, key) // most streams have another publisher, or none
	}
}

// order has the stream's goroutine end its session, if that came with key.
func (s *stream) order(ctx context.Context, why *ingest.Rejection, key string) error {
	order := kick{why: why, key: key, kicked: make(chan bool, 1)}
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
	meant := func(f *session) bool { return f != nil && (order.key == "" || order.key == f.grant.Key) }
	onAir, waits := meant(s.session), s.standby != nil && meant(s.standby.session)
	order.kicked <- onAir || waits
	if waits {
		s.dismissStandby(order.why)
	}
	if !onAir {
		return
	}
	s.log.Warn("publisher kicked by an operator", slog.String("reason", string(order.why.Reason)), slog.Duration("resume_window", s.cfg.ResumeWindow))
	s.dismiss(order.why)
	s.await()
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
