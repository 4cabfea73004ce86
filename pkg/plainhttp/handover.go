package plainhttp

import (
	"net"
	"os"
	"sync"
)

// handover is the listener from which net/http gets the connections that are not
// plain.
type handover struct {
	address net.Addr
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func newHandover(address net.Addr) *handover {
	return &handover{address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
}

// give hands a connection over with what was read of it.
func (h *handover) give(fd int, read []byte) {
	file := os.NewFile(uintptr(fd), "viewer")
	conn, err := net.FileConn(file) // of a copy of fd
	_ = file.Close()                // only the copy is of use
	if err != nil {
		return // and the viewer sees that it is closed
	}
	select {
	case h.conns <- &resumed{Conn: conn, read: read}:
	case <-h.closed:
		_ = conn.Close() // nobody serves it any more
	}
}

// Accept implements net.Listener.
func (h *handover) Accept() (net.Conn, error) {
	select {
	case conn := <-h.conns:
		return conn, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handover) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr implements net.Listener.
func (h *handover) Addr() net.Addr { return h.address }

// resumed is a connection of which something was read before.
type resumed struct {
	net.Conn
	read []byte
}

// Read implements net.Conn. It is net/http's one reader who calls it.
func (r *resumed) Read(into []byte) (int, error) {
	if len(r.read) > 0 {
		n := copy(into, r.read)
		r.read = r.read[n:]
		return n, nil
	}
	return r.Conn.Read(into)
}
