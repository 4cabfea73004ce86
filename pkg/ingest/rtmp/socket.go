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
	return &socket{c}, nil
}

// socket is a connection that can be exchanged beneath those who use it, as TLS does.
type socket struct{ net.Conn }

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
