package plainhttp

import (
	"context"
	"net/netip"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// phase is what a connection does.
type phase int

const (
	// idle waits for a request.
	idle phase = iota
	// held waits for an answer.
	held
	// sending sends one.
	sending
	// handled belongs to a handler, on another goroutine.
	handled
)

// conn is one connection. It belongs to its loop; what a handler's goroutine touches
// as well is in exchange and in pen.
type conn struct {
	loop   *loop
	others *handover
	fd     int
	client netip.AddrPort

	phase phase
	// since is when the phase began, in Unix seconds; written is how much of a
	// response was sent since.
	since, written int64
	// answered is whether there was a request; unread whether something came while the
	// last was answered; over whether the connection ends with that.
	answered, unread, over bool

	held *Held
	// bufs and then the rest of file, from offset to size, are still to be sent.
	bufs         [][]byte
	file         *os.File
	from         int
	offset, size int64
	// cancel ends the context of the handler, whose writing pen is.
	cancel context.CancelFunc
	pen    *pen
}

func (c *conn) enter(p phase) {
	c.phase, c.since, c.written = p, c.loop.server.now.Load(), 0
}

// begin takes a connection into the loop.
func (l *loop) begin(c *conn) {
	c.loop = l
	c.enter(idle)
	if l.closing || l.watch(c.fd, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP) != nil {
		_ = unix.Close(c.fd) // the viewer sees it
		return
	}
	l.conns[int32(c.fd)] = c
}

const hungUp = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR

// happened is told what the connection can do now.
func (c *conn) happened(events uint32) {
	gone := events&hungUp != 0
	if c.phase == idle {
		c.unread = gone // there is an end behind what it has asked for
		c.receive()
		return
	}
	c.unread = c.unread || gone || events&unix.EPOLLIN != 0
	switch c.phase {
	case idle:
	case held:
		if gone {
			c.end()
		}
	case sending:
		if gone || events&unix.EPOLLOUT != 0 {
			c.flush(c.bufs)
		}
	case handled:
		if gone {
			c.cancel()
		}
		c.pen.goOn()
	}
}

// rest waits for the next request.
func (c *conn) rest() {
	if c.loop.closing || c.over {
		c.end()
		return
	}
	c.enter(idle)
	if c.unread {
		c.unread = false
		c.receive()
	}
}

// receive reads a request, if one has come, and begins to answer it.
func (c *conn) receive() {
	n, errno := read(c.fd, c.loop.in[:])
	switch {
	case errno == unix.EAGAIN:
	case errno != 0 || n == 0:
		c.end()
	default:
		c.take(c.loop.in[:n])
	}
}

// take has what was read answered.
func (c *conn) take(in []byte) {
	l := c.loop
	if l.exchange == nil {
		l.exchange = l.server.exchanges.Get().(*exchange) //nolint:forcetypeassert // there is nothing else in it.
	}
	x := l.exchange
	if !x.parse(in) {
		x.clear()
		c.handOver(in)
		return
	}
	c.answered = true
	if c.directly(x) {
		x.clear()
		return
	}
	if !x.build(c.client) {
		x.clear()
		c.handOver(in)
		return
	}
	l.exchange = nil
	c.handle(x)
}

// directly reports whether Direct has answered or holds the request.
func (c *conn) directly(x *exchange) bool {
	direct := c.loop.server.direct
	if direct == nil {
		return false
	}
	request := x.ask(c)
	if a := direct(&request); a != nil {
		c.send(a)
		return true
	}
	if c.held = request.held; c.held == nil {
		return false
	}
	c.enter(held)
	return true
}

// send answers with a.
func (c *conn) send(a *Answer) {
	c.held = nil
	c.enter(sending)
	c.file, c.offset, c.size = a.file, 0, a.size
	if c.file != nil {
		c.from = int(c.file.Fd())
	}
	l := c.loop
	l.bufs = append(append(l.bufs[:0], a.head, l.tail), a.body...)
	c.over = c.over || l.closing
	c.flush(l.bufs)
	clear(l.bufs)
}

// flush sends of bufs and the file what the connection takes.
func (c *conn) flush(bufs [][]byte) {
	for len(bufs) > 0 || c.file != nil {
		var n int
		var errno unix.Errno
		if len(bufs) > 0 {
			n, errno = c.loop.vectors.send(c.fd, bufs, c.file != nil)
			bufs = consume(bufs, n)
		} else if n, errno = sendFile(c.fd, c.file, c.from, &c.offset, c.size); n == 0 && errno == 0 {
			errno = unix.EIO // the file has less than was promised
		}
		switch errno {
		case 0:
			c.written += int64(n)
		case unix.EINTR:
		case unix.EAGAIN:
			c.bufs = slices.Clone(bufs)
			return
		default:
			c.end()
			return
		}
		if c.file != nil && c.offset == c.size && len(bufs) == 0 {
			c.file = nil
		}
	}
	c.bufs = nil
	c.rest()
}

// consume takes n bytes off the front.
func consume(bufs [][]byte, n int) [][]byte {
	n = max(n, 0)
	for len(bufs) > 0 && n >= len(bufs[0]) {
		n -= len(bufs[0])
		bufs = bufs[1:]
	}
	if n > 0 {
		bufs[0] = bufs[0][n:]
	}
	return bufs
}

// handOver gives the connection to net/http with what was read of it.
func (c *conn) handOver(in []byte) {
	l, read := c.loop, slices.Clone(in)
	delete(l.conns, int32(c.fd))
	if err := l.forget(c.fd); err != nil {
		_ = unix.Close(c.fd) // the viewer sees it
		return
	}
	l.server.running.Go(func() { c.others.give(c.fd, read) })
}

// end closes the connection, or has the handler see that it is to end.
func (c *conn) end() {
	if c.phase == handled {
		c.over = true
		c.cancel()
		_ = unix.Shutdown(c.fd, unix.SHUT_RDWR) // it is closed when the handler returns
		c.pen.goOn()
		return
	}
	if h := c.held; h != nil {
		c.held = nil
		h.left(h)
	}
	c.phase, c.bufs, c.file = idle, nil, nil
	delete(c.loop.conns, int32(c.fd))
	_ = unix.Close(c.fd) // there is nobody to tell
}

// isOver reports whether a connection has had its time.
func (c *conn) isOver() bool {
	limits, since, written := &c.loop.server.limits, c.since, c.written
	switch c.phase {
	case idle:
		if !c.answered {
			return c.took(since) > limits.Header
		}
		return c.took(since) > limits.Idle
	case held: // who leaves is noticed
		return false
	case sending:
	case handled:
		if since = c.pen.since.Load(); since == 0 {
			return false
		}
		written = c.pen.written.Load()
	}
	stretches := 1 + written/int64(limits.Stretch)
	return c.took(since) > limits.Patience*time.Duration(stretches)
}

func (c *conn) took(since int64) time.Duration {
	return time.Duration(c.loop.server.now.Load()-since) * time.Second
}
