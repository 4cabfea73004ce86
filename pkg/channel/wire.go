package channel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
)

// Wire is a listener whose connections come from Dial alone, out of the same
// process: no port is open to anybody.
type Wire struct {
	incoming chan net.Conn
	once     sync.Once
	closed   chan struct{}
}

// NewWire makes a wire. Accept and Dial wait for each other.
func NewWire() *Wire {
	return &Wire{incoming: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial connects to whoever accepts.
func (w *Wire) Dial(ctx context.Context) (net.Conn, error) {
	near, far, err := pair()
	if err != nil {
		return nil, err
	}
	select {
	case w.incoming <- far:
		return near, nil
	case <-w.closed:
		err = net.ErrClosed
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, errors.Join(fmt.Errorf("connect inside of the gateway: %w", err), near.Close(), far.Close())
}

// pair is two ends of one connection. The system's have buffers, which a
// handshake in which both ends write first needs, and net.Pipe's have none.
func pair() (near, far net.Conn, err error) {
	ends, err := sockets()
	if err != nil {
		return nil, nil, fmt.Errorf("make a connection inside of the gateway: %w", err)
	}
	if near, err = connection(ends[0]); err != nil {
		return nil, nil, errors.Join(err, syscall.Close(ends[1]))
	}
	if far, err = connection(ends[1]); err != nil {
		return nil, nil, errors.Join(err, near.Close())
	}
	return near, far, nil
}

// sockets are two that no worker process inherits.
func sockets() ([2]int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(ends[0])
		syscall.CloseOnExec(ends[1])
	}
	return ends, err //nolint:wrapcheck // pair says what it wanted.
}

// connection takes a socket over.
func connection(socket int) (net.Conn, error) {
	file := os.NewFile(uintptr(socket), "channel")
	conn, err := net.FileConn(file) // a duplicate
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("use a connection inside of the gateway: %w", err)
	}
	return conn, nil
}

// Accept waits for the next Dial.
func (w *Wire) Accept() (net.Conn, error) {
	select {
	case conn := <-w.incoming:
		return conn, nil
	case <-w.closed:
		return nil, fmt.Errorf("accept inside of the gateway: %w", net.ErrClosed)
	}
}

// Close ends Accept and Dial.
func (w *Wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

// Addr is a name that tells of no place.
func (*Wire) Addr() net.Addr { return &net.UnixAddr{Name: "channels", Net: "unix"} }
