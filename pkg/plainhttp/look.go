package plainhttp

import (
	"errors"
	"net/http"
	"time"

	"golang.org/x/sys/unix"
)

// tick moves the server's clock.
func (s *Server) tick(now time.Time) {
	s.now.Store(now.Unix())
	date := now.UTC().Format(http.TimeFormat)
	s.date.Store(&date)
}

// look ends, once a second, the connections that are too slow or gone. A timer for
// each would be set and stopped with each request.
func (s *Server) look() {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case now := <-every.C:
			s.tick(now)
			s.each(func(c *conn) {
				if c.isOver() {
					c.close()
				}
			})
		case <-s.stop:
			return
		}
	}
}

func (s *Server) each(do func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		do(c)
	}
}

// isOver reports whether a connection has had its time or its other end has left.
func (c *conn) isOver() bool {
	limits := c.server.limits
	took := time.Duration(c.server.now.Load()-c.since.Load()) * time.Second
	switch c.phase.Load() {
	case idle:
		if !c.answered.Load() {
			return took > limits.Header
		}
		return took > limits.Idle
	case writing:
		stretches := 1 + c.written.Load()/int64(limits.Stretch)
		return took > limits.Patience*time.Duration(stretches)
	default: // it waits; most wait for less than a second
		return took >= time.Second && c.hasLeft()
	}
}

// hasLeft reports whether the viewer has closed the connection.
func (c *conn) hasLeft() (left bool) {
	err := c.raw.Control(func(fd uintptr) {
		var one [1]byte
		n, _, err := unix.Recvfrom(int(fd), one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		left = err == nil && n == 0 || err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR)
	})
	return left || err != nil
}
