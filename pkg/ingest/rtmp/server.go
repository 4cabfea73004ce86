package rtmp

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
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
	// Admission counts connections, those of other protocols too; nil for a count
	// of the server's own.
	Admission *ingest.Admission
	// Refused is told of each connection that ends before it publishes, as often
	// as anyone on the network likes, and of each session that ends for what its
	// publisher did. It must not wait. Nil for nobody.
	Refused func(ingest.Refusal)
	// PublishTimeout limits the time from accepting a connection until it has
	// started to publish. Default 10 s.
	PublishTimeout time.Duration
	// IdleTimeout is how long a publisher may be silent. Default 10 s.
	IdleTimeout time.Duration
	// WriteTimeout limits each write. Default 5 s.
	WriteTimeout time.Duration
	// MaxConnections and MaxConnectionsPerAddress limit connections at once,
	// in all and from one IPv4 address or IPv6 /64. Defaults 1000 and 50.
	MaxConnections           int
	MaxConnectionsPerAddress int
	// MaxBitrate is in bits per second: who sends more than 10 s worth of it
	// ahead is disconnected. It also limits one message, to 2 s worth but at
	// most 16 MiB. Default 50 Mbit/s.
	MaxBitrate int
}

func (c Config) withDefaults() Config {
	c.PublishTimeout = cmp.Or(c.PublishTimeout, 10*time.Second)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, 10*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 5*time.Second)
	c.MaxConnections = cmp.Or(c.MaxConnections, 1000)
	c.MaxConnectionsPerAddress = cmp.Or(c.MaxConnectionsPerAddress, 50)
	c.MaxBitrate = cmp.Or(c.MaxBitrate, 50_000_000)
	return c
}

// maxTurned and maxTurnedPerAddress are how many connections beyond the limits may
// be there at once to be told so, and turnedTime is how long they have to ask: one
// that floods leaves room for the others, and all of them take little.
const (
	maxTurned           = 32
	maxTurnedPerAddress = 4
	turnedTime          = 5 * time.Second
)

// readBufferSize is of the buffer that each connection reads through after
// its handshake.
const readBufferSize = 16 << 10

// Server accepts publishers. Its methods may be called from any goroutine.
type Server struct {
	cfg Config
	// limits are those of connections from now on.
	limits    atomic.Pointer[Limits]
	admission *ingest.Admission
	// turned counts those that admission has no room for while they are told.
	turned   *ingest.Admission
	counters counters
	refusals ingest.RefusalLog
	// readers holds *bufio.Reader of readBufferSize.
	readers sync.Pool
}

// NewServer makes a server; Serve starts it.
func NewServer(cfg Config) *Server {
	cfg = cfg.withDefaults()
	if cfg.Admission == nil {
		cfg.Admission = ingest.NewAdmission()
	}
	s := &Server{
		cfg:       cfg,
		admission: cfg.Admission,
		turned:    ingest.NewAdmission(),
		counters:  counters{ended: map[ingest.Reason]uint64{}},
		readers:   sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBufferSize) }},
	}
	s.turned.Limit(maxTurned, maxTurnedPerAddress)
	s.SetLimits(cfg.limits())
	return s
}

// Serve accepts publishers from l, which it closes, until ctx ends; for RTMPS
// l is a tls.NewListener. Then connections without a session are closed, and
// those with one as soon as the gateway has ended it. Serve returns when all
// connections that came from l are gone.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	var connections sync.WaitGroup
	defer connections.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer l.Close()
	defer stop()
	for {
		netConn, err := accept(ctx, l)
		if ctx.Err() != nil {
			if err == nil {
				_ = netConn.Close()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept RTMP connections on %s: %w", l.Addr(), err)
		}
		s.counters.accepted.Add(1)
		c := newConn(s, netConn, remoteAddress(netConn))
		if err := s.admission.Enter(c.remote.Addr()); err != nil {
			s.turnAway(ctx, &connections, c, err)
			continue
		}
		connections.Go(func() {
			defer s.admission.Leave(c.remote.Addr())
			s.counters.active.Add(1)
			defer s.counters.active.Add(-1)
			c.run(ctx)
		})
	}
}

// turnAway refuses a connection beyond the limits. Few at a time are listened to, so
// that their encoders can be told; the others are closed.
func (s *Server) turnAway(ctx context.Context, connections *sync.WaitGroup, c *conn, why error) {
	if s.turned.Enter(c.remote.Addr()) != nil {
		s.refuse(ctx, c.refusal(), why)
		_ = c.link.conn.Close()
		return
	}
	c.unwelcome = why
	c.expire(turnedTime)
	connections.Go(func() {
		defer s.turned.Leave(c.remote.Addr())
		c.run(ctx)
	})
}

// accept waits for a connection. While the process has no file descriptors
// left, it tries again, ever more slowly.
func accept(ctx context.Context, l net.Listener) (net.Conn, error) {
	const longest = time.Second
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, longest) {
		c, err := l.Accept()
		var passing interface{ Temporary() bool }
		if err == nil || !errors.As(err, &passing) || !passing.Temporary() {
			return c, err //nolint:wrapcheck // Serve wraps it.
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, err //nolint:wrapcheck // Serve drops it.
		}
	}
}

// Stats is a snapshot of the server's counters.
func (s *Server) Stats() Stats {
	return Stats{
		Accepted:    s.counters.accepted.Load(),
		Active:      int(s.counters.active.Load()),
		Publishing:  s.counters.publishing.Load(),
		Ended:       s.counters.reasons(),
		Bytes:       s.counters.bytes.Load(),
		Messages:    s.counters.messages.Load(),
		AccessUnits: s.counters.units.Load(),
		BadUnits:    s.counters.bad.Load(),
		OtherUnits:  s.counters.others.Load(),
	}
}

// refuse counts and logs a connection that the gateway ended before it
// published; what says who it was.
func (s *Server) refuse(ctx context.Context, what ingest.Refusal, err error) {
	why, ok := errors.AsType[*ingest.Rejection](err)
	if !ok {
		why = &ingest.Rejection{Reason: ingest.ProtocolError, Message: "The encoder did not follow the protocol. Weir's log says more."}
	}
	what.Why = why
	s.counters.end(why.Reason)
	s.tell(what)
	s.refusals.Write(ctx, s.cfg.Log, what, err)
}

func (s *Server) tell(what ingest.Refusal) {
	if s.cfg.Refused != nil {
		s.cfg.Refused(what)
	}
}

// protocolOf is what the log and the lists call the protocol of c.
func protocolOf(c net.Conn) string {
	if _, secure := c.(*tls.Conn); secure {
		return "rtmps"
	}
	return "rtmp"
}

// remoteAddress is where c comes from; not valid where that is no TCP address.
func remoteAddress(c net.Conn) netip.AddrPort {
	tcp, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	a := tcp.AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
