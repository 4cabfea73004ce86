package plainhttp

import (
	"context"
	"net/http"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// handle has the handler answer x.
func (c *conn) handle(x *exchange) {
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel, c.pen = cancel, newPen(c.fd, ctx)
	c.enter(handled)
	x.request, x.pen, x.server = x.request.WithContext(ctx), c.pen, c.loop.server
	c.loop.server.running.Go(func() {
		keep := x.answer()
		x.clear()
		c.loop.server.exchanges.Put(x)
		cancel()
		c.loop.post(func() { c.returned(keep) })
	})
}

// returned takes the connection back from a handler.
func (c *conn) returned(keep bool) {
	c.cancel, c.pen, c.phase = nil, nil, idle
	if !keep {
		c.end()
		return
	}
	c.unread = true // perhaps
	c.rest()
}

// pen writes what a handler writes, on its goroutine.
type pen struct {
	fd  int
	ctx context.Context //nolint:containedctx // it is the handler's.
	// room has a word when the connection may take more.
	room    chan struct{}
	vectors vectors
	// since is when the present write began, in Unix seconds, 0 between two; written
	// is how much was written since.
	since, written atomic.Int64
}

func newPen(fd int, ctx context.Context) *pen { //nolint:revive // it is not a call that ctx is for.
	return &pen{fd: fd, ctx: ctx, room: make(chan struct{}, 1)}
}

// goOn says that the connection may take more, or that it ends.
func (p *pen) goOn() {
	select {
	case p.room <- struct{}{}:
	default:
	}
}

// send writes all of bufs. It changes bufs, and not what is in them.
func (p *pen) send(bufs [][]byte, now int64) error {
	p.written.Store(0)
	p.since.Store(now)
	defer p.since.Store(0)
	for bufs = consume(bufs, 0); len(bufs) > 0; {
		n, errno := p.vectors.send(p.fd, bufs, false)
		switch errno {
		case 0:
			p.written.Add(int64(n))
			bufs = consume(bufs, n)
		case unix.EINTR:
		case unix.EAGAIN:
			select {
			case <-p.room:
			case <-p.ctx.Done():
				return context.Cause(p.ctx)
			}
		default:
			return errno
		}
	}
	return nil
}

// answer has the handler answer, and reports whether the connection goes on.
func (x *exchange) answer() (keep bool) {
	defer func() {
		if reason := recover(); reason != nil {
			if reason != http.ErrAbortHandler { //nolint:errorlint,err113 // recover gives back the very value that was thrown.
				x.server.rest.ErrorLog.Printf("a handler of %s ended in a panic: %v", x.request.URL.Path, reason)
			}
			keep = false
		}
	}()
	x.server.handler.ServeHTTP(x, x.request)
	return x.finish()
}
