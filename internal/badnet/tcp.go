package badnet

import (
	"net"
	"sync"
	"testing"
)

// cable carries connections of TCP until it is cut.
type cable struct {
	cut <-chan struct{}

	mu     sync.Mutex
	closed bool
	ends   []net.Conn
	loops  sync.WaitGroup
}

// NewTCP starts a relay of TCP that runs until the test ends, and returns where clients
// go instead of to the server. Once cut is closed it carries nothing any more, and as
// where a cable is pulled, neither end is told: connections stay open.
func NewTCP(tb testing.TB, server string, cut <-chan struct{}) (front string) {
	tb.Helper()
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	c := &cable{cut: cut}
	c.loops.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := (&net.Dialer{}).DialContext(tb.Context(), "tcp", server)
			if c.keep(near) && err == nil && c.keep(far) {
				c.loops.Go(func() { c.carry(far, near) })
				c.loops.Go(func() { c.carry(near, far) })
			}
		}
	})
	tb.Cleanup(func() {
		_ = listener.Close()
		c.close()
	})
	return listener.Addr().String()
}

// keep remembers an end for when the test is over; false if it is already.
func (c *cable) keep(end net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = end.Close()
		return false
	}
	c.ends = append(c.ends, end)
	return true
}

func (c *cable) close() {
	c.mu.Lock()
	c.closed = true
	for _, end := range c.ends {
		_ = end.Close()
	}
	c.mu.Unlock()
	c.loops.Wait()
}

// carry sends what comes from one end on to the other, and its end.
func (c *cable) carry(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		select {
		case <-c.cut:
			return
		default:
		}
		if _, wrong := to.Write(buf[:n]); err != nil || wrong != nil {
			_ = to.Close()
			return
		}
	}
}
