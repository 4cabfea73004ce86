package plainhttp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Limits are what viewers get before they are given up.
type Limits struct {
	// Header is the time from the beginning of a connection to its first request,
	// Idle that between two requests.
	Header, Idle time.Duration
	// Patience is how long a viewer may take to accept each Stretch bytes.
	Patience time.Duration
	Stretch  int
}

// Server answers plain requests. It is safe for concurrent use.
type Server struct {
	direct  Direct // may be nil
	handler http.Handler
	// rest serves whatever is not plain; its own limits hold there.
	rest   *http.Server
	limits Limits

	exchanges sync.Pool
	// now is the time as of the last tick, in Unix seconds, and date the same as a
	// header has it.
	now  atomic.Int64
	date atomic.Pointer[string]

	closing atomic.Bool
	// mu guards loops and listeners, and that none comes after closing.
	mu        sync.Mutex
	loops     []*loop
	listeners map[net.Listener]struct{}
	// stop ends the clock; running are all goroutines.
	stop    chan struct{}
	running sync.WaitGroup
}

// New makes a Server that answers by direct, which may be nil, else by rest's handler,
// and leaves to rest what is not plain.
func New(rest *http.Server, direct Direct, limits Limits) *Server {
	s := &Server{
		direct: direct, handler: rest.Handler, rest: rest, limits: limits,
		listeners: make(map[net.Listener]struct{}), stop: make(chan struct{}),
	}
	s.exchanges.New = func() any { return newExchange() }
	s.tick(time.Now())
	s.running.Go(s.clock)
	return s
}

// tick moves the server's clock.
func (s *Server) tick(now time.Time) {
	s.now.Store(now.Unix())
	date := now.UTC().Format(http.TimeFormat)
	s.date.Store(&date)
}

// clock has the loops look after their connections once a second. A timer for each
// would be set and stopped with each request.
func (s *Server) clock() {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case now := <-every.C:
			s.tick(now)
			s.each(func(l *loop) { l.sweep() })
		case <-s.stop:
			return
		}
	}
}

// each has every loop do something.
func (s *Server) each(do func(*loop)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.loops {
		l.post(func() { do(l) })
	}
}

// Serve answers those who connect to l until Shutdown or Close, and returns
// http.ErrServerClosed then. What is no plain TCP, such as TLS, is all net/http's.
func (s *Server) Serve(l net.Listener) error {
	tcp, plain := l.(*net.TCPListener)
	if !plain {
		return s.rest.Serve(l)
	}
	others := newHandover(l.Addr())
	if err := s.open(l); err != nil {
		return err
	}
	defer s.shut(l)
	served := make(chan error, 1)
	go func() { served <- s.rest.Serve(others) }()
	err := s.accept(tcp, others)
	_ = others.Close() // it is net/http that it tells
	if rest := <-served; !errors.Is(rest, http.ErrServerClosed) && !errors.Is(rest, net.ErrClosed) {
		err = errors.Join(err, rest)
	}
	return err
}

// open takes note of a listener, and starts the loops with the first.
func (s *Server) open(l net.Listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return http.ErrServerClosed
	}
	for len(s.loops) < runtime.GOMAXPROCS(0) {
		one, err := s.newLoop()
		if err != nil {
			return err
		}
		s.loops = append(s.loops, one)
		s.running.Go(one.run)
	}
	s.listeners[l] = struct{}{}
	return nil
}

func (s *Server) shut(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
	_ = l.Close() // nobody else is to be accepted
}

// accept takes in connections.
func (s *Server) accept(l *net.TCPListener, others *handover) error {
	const most = time.Second
	pause := time.Duration(0)
	for {
		fd, client, err := acceptOne(l)
		switch {
		case err == nil:
			pause = 0
			s.begin(&conn{fd: fd, client: client, others: others})
			continue
		case s.closing.Load():
			return http.ErrServerClosed
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept viewers: %w", err)
		}
		// Out of file descriptors, as a rule: some will be free soon.
		pause = min(max(2*pause, 5*time.Millisecond), most)
		s.rest.ErrorLog.Printf("accept a viewer: %v; trying again in %v", err, pause)
		select {
		case <-time.After(pause):
		case <-s.stop:
		}
	}
}

// acceptOne waits for a connection. What it returns is not watched by the runtime,
// as one of package net would be beside the loop.
func acceptOne(l *net.TCPListener) (fd int, client netip.AddrPort, err error) {
	tcp, err := l.AcceptTCP()
	if err != nil {
		return -1, client, err
	}
	defer tcp.Close()
	if at, ok := tcp.RemoteAddr().(*net.TCPAddr); ok {
		client = at.AddrPort()
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return -1, client, err
	}
	gone := raw.Control(func(from uintptr) { fd, err = unix.FcntlInt(from, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, netip.AddrPortFrom(client.Addr().Unmap(), client.Port()), errors.Join(gone, err)
}

// begin gives a connection to one of the loops.
func (s *Server) begin(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		_ = unix.Close(c.fd) // the viewer sees it
		return
	}
	// Not in turns: a player's connections come in turns, too.
	l := s.loops[rand.IntN(len(s.loops))] //nolint:gosec // nothing is to be kept secret.
	l.post(func() { l.begin(c) })
}

// Shutdown accepts nobody any more, ends idle connections and the others when they
// are answered, and waits for that as long as ctx lasts.
func (s *Server) Shutdown(ctx context.Context) error {
	s.close(false)
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	err := s.rest.Shutdown(ctx)
	select {
	case <-ended:
		return err
	case <-ctx.Done():
		return errors.Join(err, context.Cause(ctx))
	}
}

// Close ends everything at once.
func (s *Server) Close() error {
	s.close(true)
	err := s.rest.Close()
	s.running.Wait()
	return err
}

// close accepts nobody any more and ends idle connections, or all.
func (s *Server) close(all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing.Swap(true) {
		close(s.stop)
	}
	for l := range s.listeners {
		_ = l.Close() // accept sees why
	}
	for _, l := range s.loops {
		l.post(func() { l.shut(all) })
	}
}
