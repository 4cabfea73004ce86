package badnet

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// Conditions is what a relay does to datagrams, in each direction.
type Conditions struct {
	// Loss and Disorder are shares of the datagrams; one that is out of order comes
	// 30 ms late.
	Loss, Disorder float64
	Delay          time.Duration
	// Cut drops everything once it is closed; nil for never.
	Cut <-chan struct{}
}

// Relay is a bad network between clients and a server of UDP. What it does follows
// from a seed and from when datagrams come.
type Relay struct {
	path   Conditions
	server netip.AddrPort
	front  *net.UDPConn

	mu     sync.Mutex
	random *rand.Rand
	closed bool
	backs  map[netip.AddrPort]*net.UDPConn
	loops  sync.WaitGroup
	// lost counts datagrams.
	lost int
}

// inFlight is more datagrams than are on their way at once.
const inFlight = 1 << 16

// New starts a relay that runs until the test ends, and returns where clients go
// instead of to the server.
func New(tb testing.TB, server netip.AddrPort, p Conditions) (*Relay, netip.AddrPort) {
	tb.Helper()
	front, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		tb.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // it has to repeat itself.
	r := &Relay{path: p, server: server, front: front, random: random, backs: make(map[netip.AddrPort]*net.UDPConn)}
	_ = front.SetReadBuffer(4 << 20)
	r.loops.Go(r.forth)
	tb.Cleanup(r.close)
	address, _ := front.LocalAddr().(*net.UDPAddr)
	return r, address.AddrPort()
}

// Lost is how many datagrams did not arrive.
func (r *Relay) Lost() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost
}

func (r *Relay) close() {
	r.mu.Lock()
	r.closed = true
	_ = r.front.Close()
	for _, back := range r.backs {
		_ = back.Close()
	}
	r.mu.Unlock()
	r.loops.Wait()
}

// forth carries what callers send.
func (r *Relay) forth() {
	line := make(chan travelling, inFlight)
	r.loops.Go(func() { deliver(line) })
	defer close(line)
	buf := make([]byte, 2048)
	for {
		n, from, err := r.front.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // the other end is gone
		}
		if back := r.back(from); back != nil {
			r.carry(line, buf[:n], func(b []byte) { _, _ = back.Write(b) })
		}
	}
}

// back is the socket that stands for a caller at the server.
func (r *Relay) back(from netip.AddrPort) *net.UDPConn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.backs[from] != nil {
		return r.backs[from]
	}
	back, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(r.server))
	if err != nil {
		return nil
	}
	_ = back.SetReadBuffer(4 << 20)
	r.backs[from] = back
	r.loops.Go(func() {
		line := make(chan travelling, inFlight)
		r.loops.Go(func() { deliver(line) })
		defer close(line)
		buf := make([]byte, 2048)
		for {
			n, err := back.Read(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				r.carry(line, buf[:n], func(b []byte) { _, _ = r.front.WriteToUDPAddrPort(b, from) })
			}
		}
	})
	return back
}

// carry sends a datagram on, or not.
func (r *Relay) carry(line chan<- travelling, b []byte, send func([]byte)) {
	r.mu.Lock()
	lost, late := r.random.Float64() < r.path.Loss, r.random.Float64() < r.path.Disorder
	select {
	case <-r.path.Cut:
		lost = true
	default:
	}
	if lost {
		r.lost++
	}
	r.mu.Unlock()
	if lost {
		return
	}
	delay := r.path.Delay
	if late {
		delay += 30 * time.Millisecond
	}
	if delay == 0 {
		send(b)
		return
	}
	b = append([]byte(nil), b...)
	if late {
		time.AfterFunc(delay, func() { send(b) })
		return
	}
	line <- travelling{time.Now().Add(delay), b, send}
}

// travelling is a datagram on its way.
type travelling struct {
	due  time.Time
	data []byte
	send func([]byte)
}

// deliver keeps what is on its way in order.
func deliver(line <-chan travelling) {
	for t := range line {
		<-time.After(time.Until(t.due))
		t.send(t.data)
	}
}
