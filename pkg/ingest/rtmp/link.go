package rtmp

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// errInterrupted is returned by reads after link.interrupt.
var errInterrupted = errors.New("the connection was interrupted by the gateway")

// link is a connection whose every read and write has a deadline, set anew at
// each call: time that the reader spends elsewhere, such as waiting for a full
// queue, does not count. Reads and writes are one goroutine's; interrupt may
// come from any.
type link struct {
	conn net.Conn
	// socket is conn or what is beneath it, where that can be read at ticks; else nil.
	socket *socket
	// secure is true for TLS, which writes by itself while it reads.
	secure bool
	// writeTimeout limits each write.
	writeTimeout time.Duration
	// received counts the bytes read, and total does so for all connections.
	received uint64
	total    *atomic.Uint64

	mu sync.Mutex
	// absolute is a deadline for all reads, idle one for each; zero is none.
	absolute    time.Time
	idle        time.Duration
	interrupted bool
}

// Read reads what has come, waiting for at least one byte.
func (l *link) Read(p []byte) (int, error) {
	if err := l.armRead(); err != nil {
		return 0, err
	}
	n, err := l.conn.Read(p)
	l.received += uint64(n)
	l.total.Add(uint64(n))
	if err != nil && l.isInterrupted() {
		err = errInterrupted
	}
	return n, err //nolint:wrapcheck // io.Reader promises a plain io.EOF.
}

func (l *link) armRead() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.interrupted {
		return errInterrupted
	}
	deadline := l.absolute
	if l.idle > 0 {
		if next := time.Now().Add(l.idle); deadline.IsZero() || next.Before(deadline) {
			deadline = next
		}
	}
	if l.secure {
		// An answer of TLS's own (RFC 8446, section 4.6.3) would else meet the
		// deadline of a write long past, which breaks the connection.
		_ = l.conn.SetWriteDeadline(time.Now().Add(l.writeTimeout))
	}
	return l.conn.SetReadDeadline(deadline)
}

// armHandshake sets the deadline of a handshake that reads and writes by itself.
func (l *link) armHandshake(limit time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.interrupted {
		return errInterrupted
	}
	return l.conn.SetDeadline(time.Now().Add(limit))
}

// Write writes p or fails when the other end takes it too slowly.
func (l *link) Write(p []byte) (int, error) {
	_ = l.conn.SetWriteDeadline(time.Now().Add(l.writeTimeout))
	return l.conn.Write(p)
}

// untilPublish sets the deadline for everything until published.
func (l *link) untilPublish(deadline time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.absolute = deadline
}

// published replaces the absolute deadline with one of idle for each read, and begins
// to read at ticks where conn can.
func (l *link) published(idle time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.absolute, l.idle = time.Time{}, idle
	if l.socket != nil {
		l.socket.unbound()
	}
	if l.socket != nil && !l.interrupted {
		l.socket.tick()
	}
}

// interrupt makes the read under way and all later ones fail.
func (l *link) interrupt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.interrupted = true
	_ = l.conn.SetReadDeadline(time.Unix(1, 0))
}

func (l *link) isInterrupted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.interrupted
}

// lingerTime and lingerBytes limit how long a connection that was told its
// end is read for nothing. Closing a socket with unread bytes resets it, and a
// reset may destroy the last words on their way to the other end.
const (
	lingerTime  = time.Second
	lingerBytes = 8 << 20
)

// linger closes the sending side, waits until the other end hangs up, and
// closes the connection.
func (l *link) linger() {
	defer l.conn.Close()
	half, ok := l.conn.(interface{ CloseWrite() error })
	if ok && half.CloseWrite() == nil {
		l.drain()
	}
}

// seeOff waits until the other end, which has said that it goes, hangs up, and
// closes the connection. Some take it for an error if the server is first:
// GStreamer is one of them.
func (l *link) seeOff() {
	defer l.conn.Close()
	l.drain()
}

// drain reads for nothing until the other end hangs up.
func (l *link) drain() {
	_ = l.conn.SetReadDeadline(time.Now().Add(lingerTime))
	scrap := make([]byte, 4<<10)
	for left := lingerBytes; left > 0; {
		n, err := l.conn.Read(scrap)
		if err != nil {
			return
		}
		left -= n
	}
}
