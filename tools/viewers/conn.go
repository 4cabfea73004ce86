package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// conn is one kept-alive connection of HTTP/1.1 with at most one request at a
// time.
type conn struct {
	loop *loop
	fd   int
	// waiting is what to send as soon as the connection is there.
	waiting   []byte
	connected bool
	// head is what has come of a response's header.
	head []byte
	// left is how much of the body is to come; below 0 while the header is.
	left int
	code int
	keep bool
	body []byte
	// done is called with each response; what is in its body is lost afterwards.
	done func(response)
	// failed is called once, and the connection is over then.
	failed func(error)
}

// response is what a viewer gets. The body is there where it was to be kept.
type response struct {
	code int
	body []byte
}

const headerPending = -1

var errClosed = errors.New("the server closed the connection")

// dial begins to connect from an address of this machine's loopback to another.
func (l *loop) dial(from netip.Addr, to netip.AddrPort, failed func(error)) (*conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make a socket: %w", err)
	}
	c := &conn{loop: l, fd: fd, left: headerPending, failed: failed}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1),
		unix.Bind(fd, &unix.SockaddrInet4{Addr: from.As4()}),
	)
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())})
	}
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return nil, errors.Join(fmt.Errorf("connect to %v: %w", to, err), unix.Close(fd))
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT, Fd: int32(fd)}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return nil, errors.Join(fmt.Errorf("watch a socket: %w", err), unix.Close(fd))
	}
	l.conns[event.Fd] = c
	return c, nil
}

// get sends a request, whose answer done is called with.
func (c *conn) get(request []byte, keep bool, done func(response)) {
	c.keep, c.done = keep, done
	if !c.connected {
		c.waiting = request
		return
	}
	c.send(request)
}

func (c *conn) send(request []byte) {
	n, err := unix.Write(c.fd, request)
	if err == nil && n < len(request) {
		err = unix.EAGAIN // a request is far smaller than the socket's buffer
	}
	if err != nil {
		c.fail(fmt.Errorf("send a request: %w", err))
	}
}

// ready is called by the loop.
func (c *conn) ready(events uint32) {
	if !c.connected {
		if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
			code, _ := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR)
			c.fail(fmt.Errorf("connect: %w", unix.Errno(code)))
			return
		}
		c.connected = true
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(c.fd)}
		if err := unix.EpollCtl(c.loop.epoll, unix.EPOLL_CTL_MOD, c.fd, &event); err != nil {
			c.fail(fmt.Errorf("watch a socket: %w", err))
			return
		}
		if c.waiting != nil {
			c.send(c.waiting)
			c.waiting = nil
		}
		return
	}
	if err := c.read(); err != nil {
		c.fail(err)
	}
}

func (c *conn) fail(err error) {
	delete(c.loop.conns, int32(c.fd))
	_ = unix.Close(c.fd) // what went wrong before matters more
	c.failed(err)
}

// firstRead holds a header and a small body: what follows is thrown away by the
// kernel, which is cheaper.
const firstRead = 8 << 10

// read reads all that there is of a response: with many connections that are ready, the
// next turn of this one is late.
func (c *conn) read() error {
	for {
		more, err := c.some()
		if err != nil || !more {
			return err
		}
	}
}

// some reads once, and reports whether more may be there.
func (c *conn) some() (more bool, err error) {
	flags, size := 0, len(c.loop.scratch)
	switch {
	case c.left < 0:
		size = firstRead
	case !c.keep:
		// TCP throws away what it would have copied (tcp(7)).
		flags, size = unix.MSG_TRUNC, c.left
	default:
		size = min(size, c.left)
	}
	into := c.scratch(size)
	n, _, err := unix.Recvfrom(c.fd, into, flags)
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read a response: %w", err)
	case n == 0:
		return false, errClosed
	}
	c.loop.bytes += int64(n)
	switch {
	case c.left < 0:
		err = c.header(c.loop.scratch[:n])
	case c.keep:
		c.body = append(c.body, c.loop.scratch[:n]...)
		c.took(n)
	default:
		c.took(n)
	}
	return n == len(into) && c.left > 0, err
}

func (c *conn) scratch(size int) []byte {
	return c.loop.scratch[:min(size, len(c.loop.scratch))]
}

// header takes the beginning of a response.
func (c *conn) header(some []byte) error {
	if len(c.head) > 0 {
		some = append(c.head, some...)
	}
	head, rest, whole := bytes.Cut(some, []byte("\r\n\r\n"))
	if !whole {
		c.head = append(c.head[:0], some...)
		return nil
	}
	c.head = c.head[:0]
	code, length, err := parseHeader(head)
	if err != nil {
		return err
	}
	c.code, c.left, c.body = code, length, c.body[:0]
	if len(rest) > length {
		return fmt.Errorf("%w: more came than the response has", errSyntax)
	}
	if c.keep {
		c.body = append(c.body, rest...)
	}
	c.took(len(rest))
	return nil
}

// took counts bytes of the body, and ends the response with its last.
func (c *conn) took(n int) {
	if c.left -= n; c.left > 0 {
		return
	}
	c.left = headerPending
	c.done(response{code: c.code, body: c.body})
}

var errSyntax = errors.New("the response is not what a viewer expects")

// parseHeader reads a status line and the length, which has to be there.
func parseHeader(head []byte) (code, length int, err error) {
	status, fields, _ := bytes.Cut(head, []byte("\r\n"))
	words := bytes.Fields(status)
	if len(words) < 2 || !bytes.Equal(words[0], []byte("HTTP/1.1")) {
		return 0, 0, fmt.Errorf("%w: %q", errSyntax, status)
	}
	if code, err = strconv.Atoi(string(words[1])); err != nil {
		return 0, 0, fmt.Errorf("%w: %q", errSyntax, status)
	}
	for line := range bytes.SplitSeq(fields, []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			length, err = strconv.Atoi(string(bytes.TrimSpace(value)))
			if err != nil || length < 0 {
				return 0, 0, fmt.Errorf("%w: %q", errSyntax, line)
			}
			return code, length, nil
		}
	}
	return 0, 0, fmt.Errorf("%w: no Content-Length", errSyntax)
}
