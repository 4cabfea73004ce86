package srt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// peer speaks SRT packet by packet.
type peer struct {
	tb testing.TB
	*net.UDPConn
}

func newPeer(tb testing.TB, server netip.AddrPort) peer {
	tb.Helper()
	return newPeerAt(tb, "127.0.0.1", server)
}

// newPeerAt calls from an address of this machine.
func newPeerAt(tb testing.TB, from string, server netip.AddrPort) peer {
	tb.Helper()
	conn, err := net.DialUDP("udp", &net.UDPAddr{IP: net.ParseIP(from)}, net.UDPAddrFromAddrPort(server))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return peer{tb, conn}
}

// handshake sends one, again and again, and returns the answer.
func (p peer) handshake(body []byte) handshake {
	p.tb.Helper()
	buf := make([]byte, maxDatagram)
	sent, err := parseHandshake(body)
	if err != nil {
		p.tb.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		_, _ = p.Write(append(controlPacket(typeHandshake, 0, 0, 0, 0), body...))
		_ = p.SetReadDeadline(time.Now().Add(250 * time.Millisecond))
		n, err := p.Read(buf)
		if err != nil && time.Now().Before(deadline) {
			continue
		}
		if err != nil {
			p.tb.Fatal(err)
		}
		head, rest, _ := parseHeader(buf[:n])
		if !head.control || head.typ != typeHandshake {
			continue // a keep-alive
		}
		answer, err := parseHandshake(rest)
		if err != nil {
			p.tb.Fatal(err)
		}
		if answer.typ == induction && sent.typ == conclusion {
			continue // the answer to one that was sent again
		}
		return answer
	}
}

// greet gets the cookie that conclusions have to carry.
func (p peer) greet() (cookie uint32) {
	p.tb.Helper()
	greeting := handshake{version: 4, extension: 2, typ: induction, socket: 77, mtu: 1500}
	answer := p.handshake(greeting.append(nil, netip.Addr{}))
	if answer.typ != induction || answer.version != 5 || answer.extension != magic {
		p.tb.Fatalf("induction: %+v", answer)
	}
	return answer.cookie
}

// call brings the peer to where it publishes; it returns the number of the
// server's socket.
func (p peer) call() uint32 {
	p.tb.Helper()
	cookie := p.greet()
	first := p.handshake(hello(cookie, goodKey))
	if first.typ != conclusion || first.socket == 0 {
		p.tb.Fatalf("conclusion: %+v", first)
	}
	if again := p.handshake(hello(cookie, goodKey)); again.socket != first.socket {
		p.tb.Fatalf("the answer that was lost: %+v, then %+v", first, again)
	}
	return first.socket
}

// numbered is a conclusion of the n-th socket of a caller.
func numbered(n int, conclusion []byte) []byte {
	const at = 24
	binary.BigEndian.PutUint32(conclusion[at:], uint32(n))
	return conclusion
}

// conclude sends a conclusion once, and waits for nothing.
func (p peer) conclude(body []byte) {
	_, _ = p.Write(append(controlPacket(typeHandshake, 0, 0, 0, 0), body...))
}

// data sends one data packet.
func (p peer) data(socket uint32, n int, at time.Duration, payload []byte) {
	b := binary.BigEndian.AppendUint32(nil, uint32(1000+n))
	b = binary.BigEndian.AppendUint32(b, 3<<30|uint32(n+1)&0x3ffffff)
	b = binary.BigEndian.AppendUint32(b, microseconds(at))
	b = binary.BigEndian.AppendUint32(b, socket)
	_, _ = p.Write(append(b, payload...))
}

func reason(end ingest.End) ingest.Reason {
	why, _ := errors.AsType[*ingest.Rejection](end.Err)
	if why == nil {
		return ""
	}
	return why.Reason
}

// TestUselessPublishers are let in, since their key is right, and sent away.
func TestUselessPublishers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		send   func(p peer, socket uint32, stop <-chan struct{})
		limits Limits
		want   ingest.Reason
	}{
		"silent": {nil, Limits{IdleTimeout: time.Second, PublishTimeout: time.Minute}, ingest.TimedOut},
		"alive, but silent": {func(p peer, socket uint32, stop <-chan struct{}) {
			for !over(stop, 100*time.Millisecond) {
				_, _ = p.Write(append(controlPacket(typeKeepAlive, 0, 0, 0, socket), 0, 0, 0, 0))
			}
		}, Limits{IdleTimeout: time.Second, PublishTimeout: time.Minute}, ingest.TimedOut},
		"no MPEG-TS": {func(p peer, socket uint32, stop <-chan struct{}) {
			for n := 0; !over(stop, 20*time.Millisecond); n++ {
				p.data(socket, n, time.Duration(n)*20*time.Millisecond, []byte("GET / HTTP/1.1\r\n\r\n"))
			}
		}, Limits{PublishTimeout: time.Second}, ingest.NotMPEGTS},
		"too much": {func(p peer, socket uint32, stop <-chan struct{}) {
			for n := 0; !over(stop, time.Millisecond); n++ {
				p.data(socket, n, time.Duration(n)*time.Millisecond, bytes.Repeat([]byte{0x47}, 1316))
			}
		}, Limits{MaxBitrate: 100_000}, ingest.LimitExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gate := newRecorder()
			_, at := serve(t, Config{Gate: gate, Limits: c.limits})
			p := newPeer(t, at)
			socket := p.call()
			stop, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				if c.send != nil {
					c.send(p, socket, stop)
				}
			}()
			end := gate.next(t).ended(t)
			close(stop)
			<-done
			if end.OnPurpose || reason(end) != c.want {
				t.Errorf("it ended with %+v", end)
			}
		})
	}
}

// over waits a little; it reports whether stop was closed.
func over(stop <-chan struct{}, wait time.Duration) bool {
	select {
	case <-stop:
		return true
	case <-time.After(wait):
		return false
	}
}

// TestFlood: handshakes without a cookie, with a wrong one, and garbage leave
// nothing behind. Who is on air all the while loses nothing of its media, and another
// publisher gets in.
func TestFlood(t *testing.T) {
	path := interleaved(t, clip(t), 2)
	want := expected(t, path)
	gate := newRecorder()
	s, at := serve(t, Config{Gate: gate, Limits: Limits{IdleTimeout: 4 * time.Second, Latency: 2 * time.Second}})
	onAir := make(chan error, 1)
	go func() {
		_, err := send(t, path, at, "linger=5&latency=2000000&streamid="+goodKey)
		onAir <- err
	}()
	bystander := gate.next(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	attacker, random := newPeer(t, at), rand.New(rand.NewPCG(1, 1))
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < 3*time.Second; { // of the 8 s
		flood(attacker, random, 1000)
		<-tick.C
	}
	if len(onAir) > 0 {
		t.Fatal("the clip was over before the flood: this has shown nothing")
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	if stats := s.Stats(); stats.Accepted != 1 || stats.Active != 1 {
		t.Errorf("%+v", stats)
	}
	if err := <-onAir; err != nil {
		t.Error(err)
	}
	if end := bystander.ended(t); !end.OnPurpose {
		t.Errorf("who was on air ended with %+v", end)
	}
	complete(t, bystander, want)
	newPeer(t, at).call()
	gate.next(t)
}

// flood sends so many datagrams of an attacker, as fast as they go.
func flood(p peer, r *rand.Rand, count int) {
	greeting := handshake{version: 4, extension: 2, typ: induction, mtu: 1500}
	for i := range count {
		greeting.socket = r.Uint32()
		var b []byte
		switch i % 4 {
		case 0:
			b = append(controlPacket(typeHandshake, 0, 0, 0, 0), greeting.append(nil, netip.Addr{})...)
		case 1:
			b = append(controlPacket(typeHandshake, 0, 0, 0, 0), hello(r.Uint32(), goodKey)...)
		case 2:
			b = make([]byte, r.IntN(1500))
			for j := range b {
				b[j] = byte(r.Uint32())
			}
		case 3:
			b = make([]byte, 16+r.IntN(1300))
			binary.BigEndian.PutUint32(b, r.Uint32())
		}
		_, _ = p.Write(b)
	}
}

// slowGate never decides.
type slowGate struct{}

func (slowGate) Publish(ctx context.Context, _ ingest.Request) (ingest.Session, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestManyCallers: who waits for a decision is counted against the limits, and
// the rest is told so.
func TestManyCallers(t *testing.T) {
	t.Parallel()
	var refused refusals
	_, at := serve(t, Config{Gate: slowGate{}, Refused: refused.tell, Limits: Limits{MaxConnectionsPerAddress: 3, PublishTimeout: time.Minute}})
	for i := range 4 {
		p := newPeer(t, at)
		b := hello(p.greet(), goodKey)
		if i < 3 {
			p.conclude(b)
			continue
		}
		// The first three may not have been looked at yet.
		for refused.last().Reason == "" {
			p.conclude(b)
			<-time.After(20 * time.Millisecond)
		}
	}
	if why := refused.last(); why.Reason != ingest.LimitExceeded {
		t.Errorf("refused for %+v", why)
	}
}

// TestForeignPackets: only datagrams from a caller's own address are the
// caller's.
func TestForeignPackets(t *testing.T) {
	t.Parallel()
	gate := newRecorder()
	_, at := serve(t, Config{Gate: gate, Limits: Limits{IdleTimeout: 2 * time.Second}})
	socket := newPeer(t, at).call()
	session := gate.next(t)
	stranger := newPeer(t, at)
	for range 10 {
		_, _ = stranger.Write(append(controlPacket(typeShutdown, 0, 0, 0, socket), 0, 0, 0, 0))
	}
	if end := session.ended(t); end.OnPurpose {
		t.Errorf("a stranger ended the session: %+v", end)
	}
	if n := len(session.by(media.Video)); n != 0 {
		t.Errorf("%d pictures from nowhere", n)
	}
}

// TestShutdownWithCallers: a server that stops lets the session end in its own
// way, and tells who waits.
func TestShutdownWithCallers(t *testing.T) {
	t.Parallel()
	gate := newRecorder()
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(Config{Gate: gate, Log: quiet()})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, socket) }()
	address, _ := socket.LocalAddr().(*net.UDPAddr)
	newPeer(t, address.AddrPort()).call()
	session := gate.next(t)
	cancel()
	session.finish(&ingest.Rejection{Reason: ingest.ShuttingDown, Message: "Back soon."})
	if end := session.ended(t); reason(end) != ingest.ShuttingDown {
		t.Errorf("the session ended with %+v", end)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
