package rtmp

import (
	"crypto/tls"
	"errors"
	"net"
)

// Ticked makes the connections that l accepts ones that a Server reads at ticks once
// they publish, which costs a fraction. For RTMPS it goes beneath TLS.
func Ticked(l net.Listener) net.Listener { return tickedListener{l} }

type tickedListener struct{ net.Listener }

func (l tickedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // it is the listener's.
	}
	return &socket{Conn: c}, nil
}

// socket is a connection that can be exchanged beneath those who use it, as TLS does.
// Its reads are one goroutine's.
type socket struct {
	net.Conn
	// bounded is true while no more than left bytes may be read.
	bounded bool
	left    int
}

// errBeyond ends who sends more than is taken of someone who does not publish yet.
var errBeyond = limitExceeded("The encoder sends much before it starts to publish. Weir takes its commands alone.")

// bound limits how many bytes may be read from now on. TLS needs that: it keeps what
// comes of a handshake message until all is there, and takes 64 KiB, or 256 for
// a certificate that nobody has asked for, from anyone.
func (s *socket) bound(left int) { s.bounded, s.left = true, left }

// unbound lifts the limit.
func (s *socket) unbound() { s.bounded = false }

// Read is as of net.Conn.
func (s *socket) Read(into []byte) (int, error) {
	if !s.bounded {
		return s.Conn.Read(into) //nolint:wrapcheck // it is that connection's.
	}
	if s.left <= 0 {
		return 0, errBeyond
	}
	n, err := s.Conn.Read(into[:min(len(into), s.left)])
	s.left -= n
	return n, err //nolint:wrapcheck // it is that connection's.
}

// socketBeneath is the socket that c is, or that TLS runs over; nil for neither.
func socketBeneath(c net.Conn) *socket {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	s, _ := c.(*socket)
	return s
}

// tick has all that follows be read at ticks, where the connection is one of TCP and
// there is a descriptor for it. Nobody else may use it meanwhile.
func (s *socket) tick() {
	socket, ok := s.Conn.(*net.TCPConn)
	if !ok {
		return
	}
	if t, err := newTicked(socket); err == nil {
		s.Conn = t
	}
}

// CloseWrite ends what is sent, where the connection can do that.
func (s *socket) CloseWrite() error {
	half, ok := s.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite() //nolint:wrapcheck // it is that connection's.
}
