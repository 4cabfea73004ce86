package plainhttp

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// The phases of a connection.
const (
	idle int32 = iota
	handling
	writing
)

// conn is one connection. It belongs to its goroutine; what the server's looking
// reads is atomic.
type conn struct {
	server *Server
	tcp    *net.TCPConn
	raw    syscall.RawConn
	others *handover
	remote string
	//nolint:containedctx // it is the connection's whole life, as in net/http.
	ctx    context.Context
	cancel context.CancelFunc

	phase atomic.Int32
	// since is when the phase began, in Unix seconds; written is how much of a
	// response was sent since.
	since, written atomic.Int64
	// answered is whether there was a request.
	answered atomic.Bool

	// next is what receive has read.
	next    *exchange
	problem error
}

func (s *Server) newConn(tcp *net.TCPConn, others *handover) (*conn, error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &conn{server: s, tcp: tcp, raw: raw, others: others, remote: tcp.RemoteAddr().String()}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.enter(idle)
	return c, nil
}

func (c *conn) enter(phase int32) {
	c.since.Store(c.server.now.Load())
	c.phase.Store(phase)
}

// close ends whatever the connection does now.
func (c *conn) close() {
	c.cancel()
	_ = c.tcp.Close() // who reads or writes hears of it
}

// serve answers one request after the other.
func (c *conn) serve() {
	defer c.server.forget(c)
	for {
		x, ok := c.receive()
		if !ok {
			c.close()
			return
		}
		if !x.parse(c) {
			read := slices.Clone(x.in[:x.read])
			c.server.release(x)
			c.cancel()
			c.others.give(c.tcp, read)
			return
		}
		keep := c.answer(x)
		c.server.release(x)
		if !keep {
			c.close()
			return
		}
	}
}

// release makes an exchange fit for another request.
func (s *Server) release(x *exchange) {
	x.clear()
	s.exchanges.Put(x)
}

// receive waits for the next request and reads what has come of it.
func (c *conn) receive() (x *exchange, ok bool) {
	c.enter(idle)
	if c.server.closing.Load() {
		return nil, false
	}
	c.next, c.problem = nil, nil
	err := c.raw.Read(c.tryRead)
	return c.next, err == nil && c.problem == nil
}

// tryRead takes memory only once there is something to read.
func (c *conn) tryRead(fd uintptr) (done bool) {
	x := c.server.exchanges.Get().(*exchange) //nolint:forcetypeassert // there is nothing else in it.
	n, err := unix.Read(int(fd), x.in[:])
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Read(int(fd), x.in[:])
	}
	if err == nil && n > 0 {
		x.read = n
		c.next = x
		return true
	}
	c.server.exchanges.Put(x)
	if errors.Is(err, unix.EAGAIN) {
		return false
	}
	c.problem = err
	if err == nil {
		c.problem = io.EOF
	}
	return true
}

// answer has the handler answer, and reports whether the connection goes on.
func (c *conn) answer(x *exchange) (keep bool) {
	c.enter(handling)
	c.answered.Store(true)
	defer func() {
		if reason := recover(); reason != nil {
			if reason != http.ErrAbortHandler { //nolint:errorlint,err113 // recover gives back the very value that was thrown.
				c.server.rest.ErrorLog.Printf("a handler of %s ended in a panic: %v", x.request.URL.Path, reason)
			}
			keep = false
		}
	}()
	c.server.handler.ServeHTTP(x, x.request)
	return x.finish()
}

// send writes all of bufs. It changes bufs, and not what is in them.
func (c *conn) send(bufs [][]byte) error {
	return c.write(func(fd int) (n int, err error) {
		n, err = unix.Writev(fd, bufs[:min(len(bufs), mostVectors)])
		bufs = consume(bufs, n)
		return n, err
	}, func() bool { return len(bufs) > 0 })
}

// sendFile writes head and then size bytes of file, which the kernel does not copy.
func (c *conn) sendFile(head []byte, file *os.File, size int64) error {
	defer runtime.KeepAlive(file)
	from, offset := int(file.Fd()), int64(0)
	return c.write(func(fd int) (n int, err error) {
		if len(head) > 0 { // it goes out with what follows
			n, err = unix.SendmsgN(fd, head, nil, nil, unix.MSG_MORE|unix.MSG_NOSIGNAL)
			head = head[max(n, 0):]
			return n, err
		}
		if n, err = unix.Sendfile(fd, from, &offset, int(size-offset)); err == nil && n == 0 {
			err = io.ErrUnexpectedEOF
		}
		return n, err
	}, func() bool { return len(head) > 0 || offset < size })
}

// write calls some, which writes some of what there is, as long as there is more.
func (c *conn) write(some func(fd int) (int, error), more func() bool) (failed error) {
	c.written.Store(0)
	c.enter(writing)
	defer c.enter(handling)
	err := c.raw.Write(func(fd uintptr) (done bool) {
		for more() {
			n, err := some(int(fd))
			switch {
			case errors.Is(err, unix.EINTR):
			case errors.Is(err, unix.EAGAIN):
				return false
			case err != nil:
				failed = err
				return true
			}
			c.written.Add(int64(max(n, 0)))
		}
		return true
	})
	return errors.Join(err, failed)
}

// mostVectors is how many slices one writev takes (IOV_MAX).
const mostVectors = 1024

// consume takes n bytes off the front.
func consume(bufs [][]byte, n int) [][]byte {
	for len(bufs) > 0 && n >= len(bufs[0]) {
		n -= len(bufs[0])
		bufs = bufs[1:]
	}
	if n > 0 {
		bufs[0] = bufs[0][n:]
	}
	return bufs
}
