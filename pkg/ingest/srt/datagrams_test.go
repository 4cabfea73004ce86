package srt

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestDatagrams: all that was sent is read, with where it came from and when, and
// what is too long is told apart.
func TestDatagrams(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]struct{ listen, dial string }{
		"IPv4": {"127.0.0.1:0", "127.0.0.1"}, "IPv6": {"[::1]:0", "::1"}, "IPv4 to a socket for both": {":0", "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			socket := listen(t, at.listen)
			d, err := newDatagrams(socket)
			if err != nil {
				t.Fatal(err)
			}
			defer d.close()
			n, err := d.receive()
			if n != 0 || err != nil {
				t.Fatalf("%d datagrams before any was sent, %v", n, err)
			}
			server, _ := socket.LocalAddr().(*net.UDPAddr)
			client, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.ParseIP(at.dial), Port: server.Port})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			receiveAll(t, d, client)
			local, _ := client.LocalAddr().(*net.UDPAddr)
			d.send([]byte("an answer"), netip.AddrPortFrom(local.AddrPort().Addr().Unmap(), local.AddrPort().Port()))
			answer := make([]byte, 100)
			if n, err := client.Read(answer); err != nil || string(answer[:n]) != "an answer" {
				t.Errorf("answered %q, %v", answer[:n], err)
			}
			if n, err := d.receive(); n != 0 || err != nil {
				t.Errorf("%d datagrams after the last, %v", n, err)
			}
		})
	}
}

func listen(tb testing.TB, address string) *net.UDPConn {
	tb.Helper()
	at, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		tb.Fatal(err)
	}
	socket, err := net.ListenUDP("udp", at)
	if err != nil {
		tb.Skipf("no such addresses here: %v", err)
	}
	tb.Cleanup(func() { _ = socket.Close() })
	return socket
}

// await waits until there is something to receive.
func await(tb testing.TB, d *datagrams) {
	tb.Helper()
	const most = 60_000 // ms
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(d.descriptor), Events: unix.POLLIN}}, most); n == 0 {
		tb.Fatalf("no datagram has come: %v", err)
	}
}

func receiveAll(t *testing.T, d *datagrams, client *net.UDPConn) {
	t.Helper()
	const count = 3 * together
	began := time.Now()
	for i := range count {
		b := binary.BigEndian.AppendUint32(nil, uint32(i))
		if i == count/2 {
			b = make([]byte, maxDatagram+1)
		}
		if _, err := client.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	sent := time.Now()
	local, _ := client.LocalAddr().(*net.UDPAddr)
	want := local.AddrPort()
	want = netip.AddrPortFrom(want.Addr().Unmap(), want.Port())
	for next := 0; next < count; {
		await(t, d)
		n, err := d.receive()
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		for i := range n {
			b, from, whole := d.datagram(i)
			if whole != (next != count/2) || whole && binary.BigEndian.Uint32(b) != uint32(next) || from != want {
				t.Errorf("datagram %d: %d bytes from %v, whole: %v", next, len(b), from, whole)
			}
			const clocks = 10 * time.Millisecond // the wall's may be slewed
			if at := d.arrived(i, now); at.Before(began.Add(-clocks)) || at.After(sent.Add(clocks)) {
				t.Errorf("datagram %d arrived %v after the first was sent, they took %v", next, at.Sub(began), sent.Sub(began))
			}
			next++
		}
	}
}

// TestRest: the slower it comes and the more the system holds, the longer it may
// wait, up to the next tick.
func TestRest(t *testing.T) {
	t.Parallel()
	const roomy, usual = 8 << 20, 425_984
	for _, c := range []struct {
		found  int
		since  time.Duration
		buffer int
		want   time.Duration
	}{
		{0, tickEvery, usual, tickEvery},
		{3, tickEvery, usual, tickEvery},
		{250, tickEvery, roomy, tickEvery},
		{100, tickEvery, usual, tickEvery * (usual / 8) / (100 * datagramMemory)},
		{250, tickEvery, usual, time.Millisecond},
		{250, time.Millisecond, usual, time.Millisecond},
		{64 * together, time.Nanosecond, usual, time.Millisecond},
		{1, tickEvery, 0, time.Millisecond},
	} {
		if got := restFor(c.found, c.since, c.buffer); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// TestAllocationsPerPacket: from the socket to the demultiplexer there are none.
func TestAllocationsPerPacket(t *testing.T) {
	socket := listen(t, "127.0.0.1:0")
	d, err := newDatagrams(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	server, _ := socket.LocalAddr().(*net.UDPAddr)
	client := newPeer(t, server.AddrPort())
	began := time.Now()
	c := &caller{wake: make(chan struct{}, 1), began: began, receiver: newReceiver(1000, 0, began.Add(-time.Hour))}
	sent, n, taken, payloads := make([]byte, headerSize+1316), 0, 0, make([][]byte, 0, 64)
	packet := func() {
		binary.BigEndian.PutUint32(sent, uint32(1000+n))
		n++
		if _, err := client.Write(sent); err != nil {
			t.Fatal(err)
		}
		await(t, d)
		if _, err := d.receive(); err != nil {
			t.Fatal(err)
		}
		b, _, _ := d.datagram(0)
		h, body, _ := parseHeader(b)
		c.handle(d.arrived(0, time.Now()), h, body)
		some, _ := c.take(payloads, time.Now())
		taken += len(some)
		c.release(some)
	}
	if got := testing.AllocsPerRun(500, packet); got > 0 {
		t.Errorf("%.2f allocations for each packet", got)
	}
	if taken != n {
		t.Errorf("%d of %d packets were taken", taken, n)
	}
}
