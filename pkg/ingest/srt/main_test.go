package srt

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	goodKey    = "main_abcdefghjkmnpqrstuvwxyz23"
	clips      = "../../../../shared/media"
	passphrase = "correct-horse-battery-staple"
)

// recorder is a gate that takes one key and keeps what its sessions get.
type recorder struct {
	passphrase string

	mu       sync.Mutex
	sessions []*session
	came     chan *session
}

func newRecorder() *recorder { return &recorder{came: make(chan *session, 16)} }

func (r *recorder) Publish(_ context.Context, req ingest.Request) (ingest.Session, error) {
	if req.Key != goodKey {
		return nil, &ingest.Rejection{Reason: ingest.WrongKey, Message: "No stream has this key."}
	}
	if err := req.Unlock(r.passphrase); err != nil {
		return nil, err
	}
	s := &session{request: req, done: make(chan struct{}), closed: make(chan ingest.End, 1)}
	r.mu.Lock()
	for _, old := range r.sessions {
		old.finish(&ingest.Rejection{Reason: ingest.TakenOver, Message: "Another encoder took over."})
	}
	r.sessions = append(r.sessions, s)
	r.mu.Unlock()
	r.came <- s
	return s, nil
}

// next is the next session.
func (r *recorder) next(tb testing.TB) *session {
	tb.Helper()
	select {
	case s := <-r.came:
		return s
	case <-time.After(20 * time.Second):
		tb.Fatal("nobody came to publish")
		return nil
	}
}

type session struct {
	request ingest.Request
	closed  chan ingest.End
	done    chan struct{}
	once    sync.Once
	why     error

	mu       sync.Mutex
	units    []media.AccessUnit
	arrived  []time.Time
	metadata ingest.Metadata
}

func (s *session) finish(why error) {
	s.once.Do(func() {
		s.why = why
		close(s.done)
	})
}

func (s *session) Metadata(m ingest.Metadata) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.metadata = m
}

func (s *session) Write(_ context.Context, raw media.AccessUnit) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.units, s.arrived = append(s.units, raw), append(s.arrived, time.Now())
	return nil
}

func (s *session) Close(end ingest.End)  { s.closed <- end }
func (s *session) Done() <-chan struct{} { return s.done }

func (s *session) Err() error {
	select {
	case <-s.done:
		return s.why
	default:
		return nil
	}
}

// ended waits for the session's end.
func (s *session) ended(tb testing.TB) ingest.End {
	tb.Helper()
	select {
	case end := <-s.closed:
		return end
	case <-time.After(60 * time.Second):
		tb.Fatal("the session has not ended")
		return ingest.End{}
	}
}

// by counts the access units of a kind.
func (s *session) by(kind media.Kind) (units []media.AccessUnit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.units {
		if u.Track.Kind == kind {
			units = append(units, u)
		}
	}
	return units
}

// refusals keeps whom a server refused.
type refusals struct {
	mu  sync.Mutex
	all []*ingest.Rejection
}

func (r *refusals) tell(what ingest.Refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, what.Why)
}

func (r *refusals) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.all)
}

func (r *refusals) last() *ingest.Rejection {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) == 0 {
		return &ingest.Rejection{}
	}
	return r.all[len(r.all)-1]
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// serve runs a server on a free port until the test ends.
func serve(tb testing.TB, cfg Config) (*Server, netip.AddrPort) {
	tb.Helper()
	if cfg.Log == nil {
		cfg.Log = quiet()
	}
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		tb.Fatal(err)
	}
	s := NewServer(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, socket) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	address, _ := socket.LocalAddr().(*net.UDPAddr)
	return s, address.AddrPort()
}

// clip is the path of a real clip of 4 s.
func clip(tb testing.TB) string {
	tb.Helper()
	const name = "src_bee_720p30.mp4"
	path, err := filepath.Abs(filepath.Join(clips, name))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		tb.Skip("ffmpeg is not there")
	}
	if matches, _ := filepath.Glob(path); matches == nil {
		tb.Skipf("the test clip %s is not there", name)
	}
	return path
}

// run runs a program to its end and returns what it says.
func run(tb testing.TB, name string, args ...string) (says string, err error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 90*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if ctx.Err() != nil {
		tb.Fatalf("%s has not ended: %s", name, out)
	}
	return string(out), errors.Join(err)
}
