package rtmp

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

func TestMain(m *testing.M) {
	logrus.SetOutput(io.Discard) // go-rtmp talks to it, whatever logger it is given.
	goleak.VerifyTestMain(m)
}

// goodKey is the one key that a recorder lets in.
const goodKey = "a-good-key"

// recorder is a Gate that keeps what its sessions get.
type recorder struct {
	// sessions gets each session when it is opened.
	sessions chan *recording
	// write, if not nil, is called for each access unit; where it returns errForgotten,
	// the unit is not kept.
	write func(ctx context.Context, unit media.AccessUnit) error
}

// errForgotten is for access units of which a recorder keeps nothing.
var errForgotten = errors.New("not to be kept")

func newRecorder() *recorder { return &recorder{sessions: make(chan *recording, 16)} }

func (r *recorder) Publish(_ context.Context, req ingest.Request) (ingest.Session, error) {
	if req.Key != goodKey {
		return nil, &ingest.Rejection{Reason: ingest.WrongKey, Message: "No stream has this stream key. Copy it again."}
	}
	s := &recording{request: req, write: r.write, closed: make(chan ingest.End, 1), done: make(chan struct{})}
	r.sessions <- s
	return s, nil
}

// recording is a Session that remembers.
type recording struct {
	request ingest.Request
	write   func(ctx context.Context, unit media.AccessUnit) error
	// closed gets what Close got; a second Close would panic.
	closed chan ingest.End
	done   chan struct{}
	err    error

	mu       sync.Mutex
	metadata []ingest.Metadata
	units    []media.AccessUnit
}

func (s *recording) Metadata(m ingest.Metadata) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.metadata = append(s.metadata, m)
}

func (s *recording) Write(ctx context.Context, unit media.AccessUnit) error {
	if s.write != nil {
		switch err := s.write(ctx, unit); {
		case errors.Is(err, errForgotten):
			return nil
		case err != nil:
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.units = append(s.units, unit)
	return nil
}

func (s *recording) Close(end ingest.End) {
	s.closed <- end
	close(s.closed)
}

func (s *recording) Done() <-chan struct{} { return s.done }
func (s *recording) Err() error            { return s.err }

// finish is the gateway's end of the session.
func (s *recording) finish(err error) {
	s.err = err
	close(s.done)
}

// of is what came of one kind.
func (s *recording) of(kind media.Kind) []media.AccessUnit {
	s.mu.Lock()
	defer s.mu.Unlock()
	var units []media.AccessUnit
	for _, u := range s.units {
		if u.Track.Kind == kind {
			units = append(units, u)
		}
	}
	return units
}

// serve runs a server on a free port until the test ends.
func serve(tb testing.TB, cfg Config) (server *Server, address string) {
	tb.Helper()
	if cfg.Log == nil {
		cfg.Log = testLog(tb)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server = NewServer(cfg)
	ctx, cancel := context.WithCancel(tb.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, Ticked(l)) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			tb.Errorf("Serve: %v", err)
		}
	})
	return server, l.Addr().String()
}

// untilActive waits until so many connections are left.
func untilActive(server *Server, count int) {
	for server.Stats().Active != count {
		runtime.Gosched()
	}
}

// testLog writes to standard error when tests are verbose.
func testLog(tb testing.TB) *slog.Logger {
	tb.Helper()
	if !testing.Verbose() {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
