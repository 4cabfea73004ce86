package srt

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"weir/pkg/ingest"
)

const (
	// maxPending is how many callers may wait at once for a decision, and
	// maxPendingPerAddress how many of one IPv4 address or IPv6 /64: more than the
	// connections that it may have unless somebody raises them, so that an office comes
	// back whole after a restart while a webhook is slow, and few enough that some such
	// offices leave room for others.
	maxPending           = 512
	maxPendingPerAddress = maxPending / 8
	// cookieLife is how long a cookie is good for, at least.
	cookieLife = time.Minute
	// idleLook is how often the socket is looked at while there are no callers.
	idleLook = 2 * tickEvery
)

// listener is one socket and its callers.
type listener struct {
	server   *Server
	began    time.Time
	secret   [sha256.Size]byte
	incoming *datagrams
	sessions sync.WaitGroup

	// pending are those that wait for a decision.
	pending *ingest.Admission
	// crowded holds back what is told of those for whom there was no room.
	crowded ingest.Seldom

	mu     sync.Mutex
	closed bool
	// callers are by the number of our socket. known are those and the ones that
	// wait for a decision, whose caller is nil, by where they come from.
	callers map[uint32]*caller
	known   map[origin]*caller
	// ticking is the reader's.
	ticking []*caller
}

// origin tells callers apart before they have a number: an address and the
// number of the socket there.
type origin struct {
	remote netip.AddrPort
	socket uint32
}

func newListener(s *Server, socket *net.UDPConn) (*listener, error) {
	incoming, err := newDatagrams(socket)
	if err != nil {
		return nil, err
	}
	l := &listener{
		server: s, began: time.Now(), incoming: incoming,
		callers: make(map[uint32]*caller), known: make(map[origin]*caller), pending: ingest.NewAdmission(),
	}
	l.pending.Limit(maxPending, maxPendingPerAddress)
	rand.Read(l.secret[:]) // It never fails: the program ends if there is no randomness.
	return l, nil
}

// read takes datagrams and acts on time, until stop is closed. It looks for both
// together: what has come since the last tick is answered at the next one anyway, and to
// be woken by each datagram costs more than all that is done with it. A thread that waits
// in the kernel would cost as much: the runtime's monitor looks after it.
func (l *listener) read(ctx context.Context, stop <-chan struct{}) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	looked, ticked, anybody := time.Now(), int64(0), false
	for {
		found, err := l.drain(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		if current := now.UnixNano() / int64(tickEvery); !anybody || current != ticked {
			anybody, ticked = l.tick(), current
		}
		rest := ingest.UntilTick(time.Now(), idleLook)
		if anybody {
			rest = min(ingest.UntilTick(time.Now(), tickEvery), restFor(found, now.Sub(looked), l.incoming.held))
		}
		timer.Reset(rest)
		select {
		case <-timer.C:
		case <-stop:
			return nil
		}
		looked = now
	}
}

// restFor is how long to wait at most before the next read: less than from tick to
// tick where the system's buffer would be an eighth full of what comes as fast as since
// the last read. Pictures come in bursts, hence the rest of it is for those.
func restFor(found int, since time.Duration, buffer int) time.Duration {
	const share, least = 8, time.Millisecond
	rest := tickEvery
	if found > 0 {
		rest = time.Duration(int64(buffer/share) * int64(max(since, least)) / int64(found*datagramMemory))
	}
	return min(max(rest, least), tickEvery)
}

// drain takes the datagrams that there are, and says how many.
func (l *listener) drain(ctx context.Context) (found int, err error) {
	const most = 64 * together // lest a flood hold up the ticks
	for n := together; n == together && found < most; found += n {
		n, err = l.incoming.receive()
		if err != nil {
			return found, err
		}
		now := time.Now()
		for i := range n {
			b, remote, whole := l.incoming.datagram(i)
			h, body, ok := parseHeader(b)
			if !ok || !whole {
				continue
			}
			arrived := now
			if h.control {
				arrived = l.incoming.arrived(i, now)
			}
			l.dispatch(ctx, arrived, remote, h, body)
		}
	}
	return found, nil
}

// dispatch hands a datagram to whom it is for. One of a caller that comes from
// elsewhere than the caller is nobody's.
func (l *listener) dispatch(ctx context.Context, now time.Time, remote netip.AddrPort, h header, body []byte) {
	if h.destination == 0 {
		if h.control && h.typ == typeHandshake {
			l.greet(ctx, now, remote, h, body)
		}
		return
	}
	l.mu.Lock()
	c := l.callers[h.destination]
	l.mu.Unlock()
	if c != nil && c.remote == remote {
		c.handle(now, h, body)
	}
}

// greet follows a handshake. What it answers is never longer than what came, and
// nothing is kept before the cookie has come back.
func (l *listener) greet(ctx context.Context, now time.Time, remote netip.AddrPort, head header, body []byte) {
	h, err := parseHandshake(body)
	if err != nil {
		return
	}
	switch h.typ {
	case induction:
		h.cookie = l.cookie(remote, now)
		l.send(h.reply(induction, h.socket, l.timestamp(now), remote.Addr()), remote)
	case conclusion:
		if !l.genuine(h.cookie, remote, now) {
			l.send(h.reply(rejectionBase+rejectRogue, 0, l.timestamp(now), remote.Addr()), remote)
			return
		}
		l.conclude(ctx, now, remote, head, h)
	}
}

// conclude begins to decide about a caller, unless it is known: then it has missed
// the answer, or has to wait for it.
func (l *listener) conclude(ctx context.Context, now time.Time, remote netip.AddrPort, head header, h handshake) {
	from := origin{remote, h.socket}
	reject := func(code uint32) {
		l.send(h.reply(rejectionBase+code, 0, l.timestamp(now), remote.Addr()), remote)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c, known := l.known[from]
	switch {
	case c != nil:
		l.send(c.answer, remote)
	case known:
	case l.closed:
		reject(rejectDown)
	case l.pending.Enter(remote.Addr()) != nil:
		l.crowd(ctx, now, remote)
		reject(rejectOverload)
	default:
		l.known[from] = nil
		v := &visit{listener: l, server: l.server, limits: *l.server.limits.Load(), remote: remote, from: from, came: now, timestamp: head.timestamp, hello: h}
		l.sessions.Go(func() { v.run(ctx) })
	}
}

// crowd tells the operator of a caller for whom there was no room to wait; it is called
// with mu held. All are counted, but the rest, which may take a while, is for once a
// second: each datagram may be one.
func (l *listener) crowd(ctx context.Context, now time.Time, remote netip.AddrPort) {
	l.server.counters.end(ingest.LimitExceeded)
	if _, ok := l.crowded.Allow(now); !ok {
		return
	}
	l.sessions.Go(func() {
		l.server.report(ctx, remote, &ingest.Rejection{Reason: ingest.LimitExceeded, Message: fmt.Sprintf(
			"%d callers wait for a decision, or %d of your address: the limits. Try again in a few seconds.", maxPending, maxPendingPerAddress)})
	})
}

// decided ends the wait of a caller: c is it, nil if it was refused.
func (l *listener) decided(from origin, c *caller) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending.Leave(from.remote.Addr())
	if c == nil {
		delete(l.known, from)
		return
	}
	l.callers[c.id], l.known[from] = c, c
}

// number is that of a new socket.
func (l *listener) number() uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		var raw [4]byte
		rand.Read(raw[:])
		const most = 1<<30 - 1 // libsrt's own are no greater
		id := binary.BigEndian.Uint32(raw[:]) & most
		if _, taken := l.callers[id]; id != 0 && !taken {
			return id
		}
	}
}

// forget ends a caller.
func (l *listener) forget(from origin, c *caller) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.callers, c.id)
	delete(l.known, from)
}

// close lets no more callers in.
func (l *listener) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// tick acts on time for all callers, and reports whether there was anybody.
func (l *listener) tick() bool {
	l.mu.Lock()
	l.ticking = l.ticking[:0]
	for _, c := range l.callers {
		l.ticking = append(l.ticking, c)
	}
	l.mu.Unlock()
	for _, c := range l.ticking {
		c.tick(time.Now())
	}
	clear(l.ticking)
	return len(l.ticking) > 0
}

func (l *listener) send(b []byte, to netip.AddrPort) {
	l.incoming.send(b, to)
}

func (l *listener) timestamp(now time.Time) uint32 {
	return uint32(now.Sub(l.began) / time.Microsecond)
}

// cookie is what only who receives at an address knows (section 4.3.1.1).
func (l *listener) cookie(remote netip.AddrPort, now time.Time) uint32 {
	return l.cookieOf(remote, now.Unix()/int64(cookieLife/time.Second))
}

func (l *listener) cookieOf(remote netip.AddrPort, period int64) uint32 {
	mac := hmac.New(sha256.New, l.secret[:])
	raw, _ := remote.MarshalBinary() // It has no errors.
	mac.Write(binary.BigEndian.AppendUint64(raw, uint64(period)))
	return binary.BigEndian.Uint32(mac.Sum(nil))
}

// genuine reports whether a cookie is of this minute or the last.
func (l *listener) genuine(cookie uint32, remote netip.AddrPort, now time.Time) bool {
	period := now.Unix() / int64(cookieLife/time.Second)
	return subtle.ConstantTimeEq(int32(cookie), int32(l.cookieOf(remote, period)))|
		subtle.ConstantTimeEq(int32(cookie), int32(l.cookieOf(remote, period-1))) == 1
}
