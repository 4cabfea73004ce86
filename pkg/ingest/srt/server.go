package srt

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"weir/pkg/ingest"
)

// Config is what a Server needs. A value that is 0 gets a default.
type Config struct {
	// Gate decides who may publish. It must not be nil.
	Gate ingest.Gate
	// Log must not be nil.
	Log *slog.Logger
	// Refused is told of each caller that is refused before it publishes, as often
	// as anyone on the network likes, and of each session that ends for what its
	// publisher did. It must not wait. Nil for nobody.
	Refused func(ingest.Refusal)
	// Admission counts connections, those of other protocols too; nil for a count
	// of the server's own.
	Admission *ingest.Admission
	Limits
}

// Limits are what a Server can be told anew while it runs.
type Limits struct {
	// Latency is how long packets are held at least, so that lost ones can be
	// sent again; who calls may want more. Default 200 ms.
	Latency time.Duration
	// PublishTimeout limits the time from the handshake to the first access unit.
	// Default 10 s.
	PublishTimeout time.Duration
	// IdleTimeout is how long a publisher may be silent. Default 10 s.
	IdleTimeout time.Duration
	// MaxConnections and MaxConnectionsPerAddress limit connections at once, in
	// all and from one IPv4 address or IPv6 /64. Defaults 1000 and 50.
	MaxConnections, MaxConnectionsPerAddress int
	// MaxBitrate is in bits per second: who sends more than 10 s worth of it ahead
	// is disconnected. It also limits one access unit, to 2 s worth. Default 50
	// Mbit/s.
	MaxBitrate int
}

func (l Limits) withDefaults() Limits {
	l.Latency = cmp.Or(l.Latency, 200*time.Millisecond)
	l.PublishTimeout = cmp.Or(l.PublishTimeout, 10*time.Second)
	l.IdleTimeout = cmp.Or(l.IdleTimeout, 10*time.Second)
	l.MaxConnections = cmp.Or(l.MaxConnections, 1000)
	l.MaxConnectionsPerAddress = cmp.Or(l.MaxConnectionsPerAddress, 50)
	l.MaxBitrate = cmp.Or(l.MaxBitrate, 50_000_000)
	return l
}

// Server accepts publishers. Its methods may be called from any goroutine.
type Server struct {
	cfg      Config
	limits   atomic.Pointer[Limits]
	counters counters
	refusals ingest.RefusalLog
	// deriving lets one key be derived at a time: it costs a millisecond, and
	// whoever has a stream key may ask for it.
	deriving sync.Mutex
}

// NewServer makes a server; Serve starts it.
func NewServer(cfg Config) *Server {
	if cfg.Admission == nil {
		cfg.Admission = ingest.NewAdmission()
	}
	s := &Server{cfg: cfg, counters: counters{ended: make(map[ingest.Reason]uint64)}}
	s.SetLimits(cfg.Limits)
	return s
}

// SetLimits holds callers that come from now on to l. Those that are there keep
// the limits that they came with.
func (s *Server) SetLimits(l Limits) {
	l = l.withDefaults()
	s.limits.Store(&l)
	s.cfg.Admission.Limit(l.MaxConnections, l.MaxConnectionsPerAddress)
}

// Serve accepts publishers on a socket, which it closes, until ctx ends. Then
// callers without a session are let go, and those with one as soon as the gateway
// has ended it. It returns when all of them are gone.
func (s *Server) Serve(ctx context.Context, socket *net.UDPConn) error {
	l, err := newListener(s, socket)
	if err != nil {
		return fmt.Errorf("receive SRT on %s: %w", socket.LocalAddr(), err)
	}
	stop, failed := make(chan struct{}), make(chan error, 1)
	go func() { failed <- l.read(ctx, stop) }()
	select {
	case <-ctx.Done():
	case err = <-failed:
		failed <- err
	}
	l.close()
	l.sessions.Wait()
	// The socket lives until the last caller has been told its end.
	close(stop)
	err = <-failed
	l.incoming.close()
	if err != nil {
		return fmt.Errorf("receive SRT on %s: %w", socket.LocalAddr(), err)
	}
	return nil
}

func (s *Server) tell(what ingest.Refusal) {
	if s.cfg.Refused != nil {
		s.cfg.Refused(what)
	}
}

// refuse counts and logs a caller that did not come to publish.
func (s *Server) refuse(ctx context.Context, remote netip.AddrPort, why *ingest.Rejection) {
	s.counters.end(why.Reason)
	s.report(ctx, remote, why)
}

// report tells and logs it.
func (s *Server) report(ctx context.Context, remote netip.AddrPort, why *ingest.Rejection) {
	what := ingest.Refusal{Remote: remote, Protocol: protocol, Why: why}
	s.tell(what)
	s.refusals.Write(ctx, s.cfg.Log, what, why)
}
