package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/store"
	"weir/pkg/transcode"
)

// Config is what every stream of a Manager shares.
type Config struct {
	Store *store.Store
	// Admission decides who may publish which stream.
	Admission Admission
	Log       *slog.Logger
	// Audience tells how many players of a stream say how they fare, and how many of
	// those have stalled lately. Nil where nobody listens to them.
	Audience func(stream string) (reporting, stalled int)
	// StateDir keeps a small file per stream, so that media sequence numbers
	// and discontinuity sequences go on after a restart.
	StateDir string
	// ResumeWindow is how long a stream waits for a lost publisher before it
	// ends.
	ResumeWindow time.Duration
	// Unending streams have somebody who goes on when a publisher says that it is
	// done: for them that is no end of the stream.
	Unending map[string]bool
	// Ladder says which renditions are encoded beside the source.
	Ladder transcode.LadderConfig
	// KeyLadder reads the ladder that a stream key's rules name; sourceOnly is as
	// SourceOnly below. Nil where keys have no ladder of their own.
	KeyLadder func(words string) (ladder transcode.LadderConfig, sourceOnly bool, err error)
	// Demand says which of those are encoded while nobody watches them.
	Demand Demand
	// Latency is what encoders may take; transcode.LatencyBalanced if empty.
	Latency transcode.Latency
	// Encoder is what encodes video; transcode.EncoderSoftware if empty.
	Encoder transcode.Encoder
	// AudioBitrate is that of audio that has to be encoded, in bits per second.
	AudioBitrate int
	// AudioTracks is how many audio tracks of a publisher are renditions, the
	// default one included; 8 if 0.
	AudioTracks int
	// Slate says what viewers get while no media comes.
	Slate Slate
	// SwitchOn are the faults of the publisher on air for which the one that stands by
	// goes on air; none where only missing media counts.
	SwitchOn []Fault
	// SourceOnly offers the source alone and starts no worker.
	SourceOnly bool
	// WorkerCommand starts a worker process, for example this program's own
	// path and "worker".
	WorkerCommand []string
	// Cores limits what is encoded: below four, a top rung that replaces
	// passthrough is capped at 720 lines.
	Cores int
}

// fares is what Audience tells.
func (c *Config) fares(stream string) (reporting, stalled int) {
	if c.Audience == nil {
		return 0, 0
	}
	return c.Audience(stream)
}

// Admission decides who may publish.
type Admission interface {
	// Admit says which stream a publisher gets; the error is an
	// *ingest.Rejection, or that of ctx.
	Admit(ctx context.Context, req ingest.Request) (ingest.Grant, error)
}

// Manager owns the streams. It implements ingest.Gate.
type Manager struct {
	cfg   atomic.Pointer[Config]
	saver *saver
	stop  chan struct{}

	register register
	holds    holds

	mu      sync.Mutex
	streams map[string]*stream
	closing bool
	// draining: no publisher may come.
	draining bool
	loops    sync.WaitGroup
}

// NewManager restores the streams that were live when the gateway last
// stopped, so that their viewers are held rather than refused. Call Run next.
func NewManager(cfg Config) (*Manager, error) {
	saver, states, err := newSaver(cfg.StateDir, cfg.Log)
	if err != nil {
		return nil, fmt.Errorf("open the stream state: %w", err)
	}
	m := &Manager{saver: saver, stop: make(chan struct{}), streams: make(map[string]*stream)}
	m.cfg.Store(&cfg)
	for name, st := range states {
		if st.Live {
			m.streams[name] = m.start(name, st)
		}
	}
	return m, nil
}

// Configure replaces the configuration, except for Store, Log, StateDir,
// Cores, Audience and Admission, which stay as they are. The resume window holds at once, what
// is encoded from each stream's next session on: no session is disturbed.
func (m *Manager) Configure(cfg Config) {
	old := m.cfg.Load()
	cfg.Store, cfg.Log, cfg.StateDir, cfg.Cores, cfg.Admission = old.Store, old.Log, old.StateDir, old.Cores, old.Admission
	cfg.Audience = old.Audience
	m.cfg.Store(&cfg)
}

// Run waits until ctx ends, then ends every session, flushes every stream
// without ending it for its viewers, and returns when all goroutines have.
func (m *Manager) Run(ctx context.Context) error {
	saved := make(chan struct{})
	go func() {
		defer close(saved)
		m.saver.run()
	}()
	<-ctx.Done()
	m.mu.Lock()
	m.closing = true
	close(m.stop)
	m.mu.Unlock()
	m.loops.Wait()
	m.saver.close()
	<-saved
	return nil
}

// Publish opens a session for whoever holds a stream key. A second publisher
// with the right key takes over at once, unless the key's rules forbid it:
// encoders come back before the old socket is noticed dead.
func (m *Manager) Publish(ctx context.Context, req ingest.Request) (ingest.Session, error) {
	grant, err := m.cfg.Load().Admission.Admit(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("admit the publisher: %w", err)
	}
	return m.Enter(ctx, req, grant)
}

// Enter opens a session for whoever has been let in already.
func (m *Manager) Enter(ctx context.Context, req ingest.Request, grant ingest.Grant) (ingest.Session, error) {
	name := grant.Stream
	if err := m.holds.check(name, time.Now()); err != nil {
		return nil, err
	}
	for {
		st, err := m.stream(name) //nolint:contextcheck // the stream outlives the request.
		if err != nil {
			return nil, err
		}
		s := newSession(st, req, grant)
		select {
		case st.begins <- s:
			if err := s.await(ctx); err != nil {
				return nil, err
			}
			return s, nil
		case <-st.gone:
			// It ended between our look and our knock: a new one is made.
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for stream %s: %w", name, ctx.Err())
		}
	}
}

func (m *Manager) stream(name string) (*stream, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing || m.draining {
		return nil, &ingest.Rejection{
			Reason:  ingest.ShuttingDown,
			Message: "This server is being restarted, and takes no publishers. Try again in a few seconds.",
		}
	}
	if st, ok := m.streams[name]; ok {
		return st, nil
	}
	st := m.start(name, m.saver.load(name))
	m.streams[name] = st
	return st, nil
}

// start needs m.mu, or a Manager that nobody else holds yet.
func (m *Manager) start(name string, saved state) *stream {
	st := newStream(name, saved, m)
	m.loops.Go(func() {
		st.run()
		m.mu.Lock()
		delete(m.streams, name)
		m.mu.Unlock()
		close(st.gone)
	})
	return st
}

// Streams lists the state of every stream, by name.
func (m *Manager) Streams() []Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]Status, 0, len(m.streams))
	for _, st := range m.streams {
		all = append(all, *st.status.Load())
	}
	slices.SortFunc(all, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Stream is the state of one stream; ok is false if nobody has published it
// since the gateway started.
func (m *Manager) Stream(name string) (status Status, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	st, ok := m.streams[name]
	if !ok {
		return Status{}, false
	}
	return *st.status.Load(), true
}

// errTakenOver tells a publisher that another one holds the stream now.
func errTakenOver() *ingest.Rejection {
	return &ingest.Rejection{
		Reason:  ingest.TakenOver,
		Message: "Another encoder started with the same stream key and took over. Stop one of the two.",
	}
}

// errStopping tells a publisher that the gateway goes down.
func errStopping() *ingest.Rejection {
	return &ingest.Rejection{
		Reason:  ingest.ShuttingDown,
		Message: "Weir is restarting. Your encoder reconnects by itself; the stream goes on.",
	}
}

var errSessionClosed = errors.New("the session is closed")
