package plainhttp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
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

// Server answers plain requests by a handler. It is safe for concurrent use.
type Server struct {
	handler http.Handler
	// rest serves whatever is not plain; its own limits hold there.
	rest   *http.Server
	limits Limits

	exchanges sync.Pool
	// now is the time as of the last look at the connections, in Unix seconds, and
	// date the same as a header has it.
	now  atomic.Int64
	date atomic.Pointer[string]

	closing atomic.Bool
	// mu guards conns and listeners, and that none comes after closing.
	mu        sync.Mutex
	conns     map[*conn]struct{}
	listeners map[net.Listener]struct{}
	// stop ends the looking; running are all goroutines.
	stop    chan struct{}
	running sync.WaitGroup
}

// New makes a Server that answers by rest's handler and leaves to rest what is not
// plain.
func New(rest *http.Server, limits Limits) *Server {
	s := &Server{
		handler: rest.Handler, rest: rest, limits: limits,
		conns: make(map[*conn]struct{}), listeners: make(map[net.Listener]struct{}), stop: make(chan struct{}),
	}
	s.exchanges.New = func() any { return newExchange() }
	s.tick(time.Now())
	s.running.Go(s.look)
	return s
}

// Serve answers those who connect to l until Shutdown or Close, and returns
// http.ErrServerClosed then. What is no plain TCP, such as TLS, is all net/http's.
func (s *Server) Serve(l net.Listener) error {
	tcp, plain := l.(*net.TCPListener)
	if !plain {
		return s.rest.Serve(l)
	}
	others := newHandover(l.Addr())
	if !s.open(l) {
		return http.ErrServerClosed
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

// open takes note of a listener; it reports false if the server is closed.
func (s *Server) open(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) shut(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
	_ = l.Close() // nobody else is to be accepted
}

// accept starts a goroutine for each connection.
func (s *Server) accept(l *net.TCPListener, others *handover) error {
	const most = time.Second
	pause := time.Duration(0)
	for {
		tcp, err := l.AcceptTCP()
		switch {
		case err == nil:
			pause = 0
			s.begin(tcp, others)
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

// begin serves a connection.
func (s *Server) begin(tcp *net.TCPConn, others *handover) {
	c, err := s.newConn(tcp, others)
	if err != nil {
		_ = tcp.Close() // the viewer has left again
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		c.close()
		return
	}
	s.conns[c] = struct{}{}
	s.running.Go(c.serve)
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// Shutdown accepts nobody any more, ends idle connections and the others when they
// are answered, and waits for that as long as ctx lasts.
func (s *Server) Shutdown(ctx context.Context) error {
	s.close(func(c *conn) bool { return c.phase.Load() == idle })
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
	s.close(func(*conn) bool { return true })
	err := s.rest.Close()
	s.running.Wait()
	return err
}

// close accepts nobody any more and ends the connections that end is true for.
func (s *Server) close(end func(*conn) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing.Swap(true) {
		close(s.stop)
	}
	for l := range s.listeners {
		_ = l.Close() // accept sees why
	}
	for c := range s.conns {
		if end(c) {
			c.close()
		}
	}
}
