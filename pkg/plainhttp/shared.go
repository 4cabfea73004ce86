package plainhttp

import (
	"bytes"
	"errors"

	"golang.org/x/sys/unix"
)

// Sharer is what a response is, for handlers that answer many requests alike.
type Sharer interface {
	// Compose is the whole response as the header and its code, which have to be
	// written, and bufs make it. The header has to say the length of bufs. Nothing
	// is sent.
	Compose(bufs [][]byte) *Answer
	// Offer makes a the response and sends what the connection takes at once; the
	// rest follows when the handler returns. It never waits. Another goroutine may
	// call it while the handler waits for it, if nothing was written before.
	Offer(a *Answer)
}

// Answer is a response as it is sent. It is never changed.
type Answer struct {
	code int
	wire []byte
	// size is that of the body.
	size int64
}

// Size is the length of the body, in bytes.
func (a *Answer) Size() int64 { return a.size }

// Compose implements Sharer.
func (x *exchange) Compose(bufs [][]byte) *Answer {
	x.head.Reset()
	x.writeHead()
	head := x.head.Len()
	wire := bytes.Join(append([][]byte{x.head.Bytes()}, bufs...), nil)
	return &Answer{code: x.code, wire: wire, size: int64(len(wire) - head)}
}

// Offer implements Sharer.
func (x *exchange) Offer(a *Answer) {
	x.code, x.begun = a.code, true
	x.length, x.sent = a.size, a.size
	n, err := x.conn.try(a.wire)
	x.rest, x.err = a.wire[n:], err
}

// try writes what the connection takes of p at once.
func (c *conn) try(p []byte) (n int, failed error) {
	err := c.raw.Write(func(fd uintptr) (done bool) {
		var err error
		n, err = unix.Write(int(fd), p)
		for errors.Is(err, unix.EINTR) {
			n, err = unix.Write(int(fd), p)
		}
		if n = max(n, 0); err != nil && !errors.Is(err, unix.EAGAIN) {
			failed = err
		}
		return true
	})
	return n, errors.Join(err, failed)
}
