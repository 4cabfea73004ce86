package plainhttp

import (
	"net/http"
	"net/netip"
)

// Direct answers a request with what is at hand, or holds it, or leaves it to the
// handler by returning nil. It is called on a loop, where thousands wait for it to
// return: it must be quick. Only what is a function of r may be in the answer, which
// others may be sent as well.
type Direct func(r *Request) *Answer

// Request is a plain request as Direct sees it. It must not be kept.
type Request struct {
	// Path and Query are as they were sent.
	Path, Query string
	// Header is without Host.
	Header http.Header
	Client netip.AddrPort

	conn *conn
	held *Held
}

// Held is a request that waits for an answer. It is answered at most once.
type Held struct {
	conn *conn
	left func(*Held)
}

// Hold takes the request, which Send is to be given later; Direct returns nil then. If
// the viewer leaves before it is answered, left is called, on the loop.
func (r *Request) Hold(left func(*Held)) *Held {
	r.held = &Held{conn: r.conn, left: left}
	return r.held
}

// Send answers all who wait, and does not wait for any of them. Who has left is passed
// over.
func Send(all []*Held, a *Answer) {
	byLoop := make(map[*loop][]*Held)
	for _, h := range all {
		byLoop[h.conn.loop] = append(byLoop[h.conn.loop], h)
	}
	for l, some := range byLoop {
		l.post(func() {
			for _, h := range some {
				if h.conn.held == h {
					h.conn.send(a)
				}
			}
		})
	}
}
