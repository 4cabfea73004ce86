package live

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// session is one publish connection. Its connection's goroutine repairs time
// in it and hands the access units to the stream's goroutine. It implements
// ingest.Session.
type session struct {
	stream  *stream
	request ingest.Request
	grant   ingest.Grant
	began   time.Time

	// timeline and metadata are the connection's goroutine's alone.
	timeline *ingest.Timeline
	metadata ingest.Metadata
	// restart is set by the stream: the media is to be dated anew from the next
	// keyframe on.
	restart atomic.Bool
	// reported is when the timeline's counters were last sent on.
	reported time.Time

	// decided is closed when the stream lets the session begin.
	decided chan struct{}
	// notBefore is the earliest media time that this session may use (zero for one
	// that stands by), broadcast
	// when the stream's broadcast began; set by the stream before accepted is
	// closed.
	notBefore, broadcast time.Time
	accepted             chan struct{}
	// limits is the connection's goroutine's.
	limits *limiter

	end  sync.Once
	done chan struct{}
	err  error
}

func newSession(st *stream, req ingest.Request, grant ingest.Grant) *session {
	return &session{
		stream: st, request: req, grant: grant, began: time.Now(),
		decided: make(chan struct{}), accepted: make(chan struct{}), done: make(chan struct{}),
	}
}

// item is what a session hands to its stream: one of these.
type item struct {
	session  *session
	unit     media.AccessUnit
	arrived  time.Time // of unit
	metadata *ingest.Metadata
	end      *ingest.End
	repairs  *ingest.Repairs
}

// Metadata passes on what the encoder says of itself, and of as many audio tracks as
// are served.
func (s *session) Metadata(m ingest.Metadata) {
	kept := withinLimit(m.AudioTracks, s.stream.latest.Load().AudioTracks)
	m.OtherTracks = m.OtherTracks || len(kept) < len(m.AudioTracks)
	m.AudioTracks = kept
	s.metadata = m
	if s.timeline != nil {
		s.timeline.Metadata(m)
	}
	_ = s.send(context.Background(), item{session: s, metadata: &m}) // an ended session says so at the next Write
}

// Write repairs the time of one access unit and waits until the stream has
// room for what comes of it.
func (s *session) Write(ctx context.Context, raw media.AccessUnit) error {
	if s.timeline == nil {
		if err := s.anchor(ctx); err != nil {
			return err
		}
	}
	now := time.Now()
	if why := s.limits.raw(raw, now); why != nil {
		return why
	}
	s.timeline.Reanchor(now.Add(-s.lag()))
	if s.restart.Swap(false) {
		s.timeline.Restart()
	}
	for _, unit := range s.timeline.Push(raw) {
		if why := s.limits.repaired(unit); why != nil {
			return why
		}
		if err := s.send(ctx, item{session: s, unit: unit, arrived: now}); err != nil {
			return err
		}
	}
	if now.Sub(s.reported) < time.Second {
		return nil
	}
	s.reported = now
	repairs := s.timeline.Repairs()
	return s.send(ctx, item{session: s, repairs: &repairs})
}

// anchor ties the session's media time to the clock: now, or where the last
// session's media ends if that reaches into the future.
func (s *session) anchor(ctx context.Context) error {
	select {
	case <-s.accepted:
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return fmt.Errorf("start the session of stream %s: %w", s.stream.name, ctx.Err())
	}
	start := time.Now().Add(-s.lag())
	if start.Before(s.notBefore) {
		start = s.notBefore
	}
	s.timeline = ingest.NewTimeline(ingest.TimelineConfig{Anchor: start, Clock: s.request.Clock})
	s.timeline.Metadata(s.metadata)
	s.limits = newLimiter(s.grant, s.broadcast)
	return nil
}

// await waits until the stream has let the session begin, or has refused it.
func (s *session) await(ctx context.Context) error {
	select {
	case <-s.decided:
		return nil
	case <-s.done:
		return s.err
	case <-ctx.Done():
		err := fmt.Errorf("wait for stream %s: %w", s.stream.name, ctx.Err())
		s.Close(ingest.End{Err: err}) //nolint:contextcheck // nobody else will, and its ctx has ended.
		return err
	}
}

func (s *session) send(ctx context.Context, it item) error {
	select {
	case <-s.done:
		return s.err
	default:
	}
	select {
	case s.stream.inbox <- it: // as nearly always, and for a fraction of what the next select costs
		return nil
	default:
	}
	select {
	case s.stream.inbox <- it:
		return nil
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return fmt.Errorf("hand media to stream %s: %w", s.stream.name, ctx.Err())
	}
}

// Close flushes the timeline and tells the stream how the session ended.
func (s *session) Close(end ingest.End) {
	ctx := context.Background()
	if s.timeline != nil {
		now := time.Now()
		for _, unit := range s.timeline.End() {
			if s.send(ctx, item{session: s, unit: unit, arrived: now}) != nil {
				return
			}
		}
	}
	_ = s.send(ctx, item{session: s, end: &end}) // an ended session needs no second end
}

// Done is closed when the stream has ended the session.
func (s *session) Done() <-chan struct{} { return s.done }

// Err is why, once Done is closed.
func (s *session) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// finish is the stream's: it ends the session for the reason err.
func (s *session) finish(err error) {
	s.end.Do(func() {
		s.err = err
		close(s.done)
	})
}
