package rtmp

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/pkg/ingest"
)

// peakBeforePublish is what a connection may take at any moment before it publishes.
const peakBeforePublish = 256 << 10

// worstCommands are the ones that take the most to decode, all as long as they may be.
func worstCommands() map[string][]byte {
	fill := func(start, unit []byte) []byte {
		return append(start, bytes.Repeat(unit, (heldBeforePublish-len(start))/len(unit))...)
	}
	connect := appendAMF0(nil, "connect", 1.0)
	long := binary.BigEndian.AppendUint32(append(slices.Clone(connect), amfLongString), heldBeforePublish-uint32(len(connect))-5)
	return map[string][]byte{
		"one string":   fill(long, []byte("a")),
		"many strings": fill(join(connect, amfObjectStart), join(0, 1, "a", amfString, 0, 25, strings.Repeat("b", 25))),
		"many objects": fill(join(connect, amfObjectStart), join(0, 1, "a", amfObjectStart, 0, 1, "b", amfNumber, make([]byte, 8), 0, 0, amfObjectEnd)),
		"many arrays":  fill(slices.Clone(connect), join(amfStrictArray, be32(2), amfStrictArray, be32(1), amfStrictArray, be32(0), amfBoolean, 1)),
		"many values":  fill(slices.Clone(connect), join(amfNumber, make([]byte, 7), 1)),
		"nothing":      fill(slices.Clone(connect), []byte{amfNull}),
	}
}

// allocated is all the memory that do takes, garbage included.
func allocated(do func()) int {
	var before, after runtime.MemStats
	const times = 100
	runtime.ReadMemStats(&before)
	for range times {
		do()
	}
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc-before.TotalAlloc) / times
}

// TestPeakBeforePublish: what a connection holds when all but the last byte of the
// worst command has come, and what it takes to decode that, are 256 KiB at most.
func TestPeakBeforePublish(t *testing.T) {
	decode, worst := 0, ""
	for name, payload := range worstCommands() {
		if len(payload) > heldBeforePublish {
			t.Fatalf("%s: %d bytes", name, len(payload))
		}
		used := allocated(func() { parseCommand(payload) })
		t.Logf("%s takes %d KiB to decode", name, used>>10)
		if used > decode {
			decode, worst = used, name
		}
	}
	const count = 200
	cfg := Config{MaxConnections: 2 * count, MaxConnectionsPerAddress: 2 * count, PublishTimeout: time.Minute, IdleTimeout: time.Minute}
	whole := join(0x02, head0(0, 4, 1, 0), be32(maxChunkSize))
	command := join(hello(), whole, 0x03, head0(0, heldBeforePublish, 20, 0), worstCommands()[worst])
	pieces := join(hello(), whole)
	for id := range maxChunkStreams - 1 {
		pieces = join(pieces, 0x00, id, head0(0, heldBeforePublish/maxChunkStreams, 9, 1), text(heldBeforePublish/maxChunkStreams-1))
	}
	for _, secure := range []bool{false, true} {
		open, protocol := serve, "rtmp"
		connect := plain
		if secure {
			open, connect, protocol = serveTLS, dialTLS, "rtmps"
		}
		for name, send := range map[string][]byte{
			"all but the last byte": command[:len(command)-1],
			"pieces":                pieces,
		} {
			t.Run(protocol+" "+name, func(t *testing.T) {
				cfg.Gate = newRecorder()
				server, address := open(t, cfg)
				p := newPeer(t, connect(t, address))
				p.shakeHands()
				other := newBystanderOn(p, cfg.Gate.(*recorder))
				other.alive()
				before := heap()
				for range count {
					c := connect(t, address)
					if _, err := c.Write(send); err != nil {
						t.Fatal(err)
					}
				}
				other.untilQuiet(server, count)
				held := (heap() - before) / count
				t.Logf("%d KiB for each connection, both ends, and %d KiB to decode (%s)", held>>10, decode>>10, worst)
				if held+decode > peakBeforePublish {
					t.Errorf("a connection takes up to %d KiB", (held+decode)>>10)
				}
			})
		}
	}
}

// TestPeakInTLS: a hello whose list of protocols is as long as it may be is held until
// the handshake is over; a longer one, and a certificate that nobody has asked for,
// end the connection.
func TestPeakInTLS(t *testing.T) {
	const count = 200
	gate, told := newRecorder(), make(chan ingest.Reason, 2*count)
	server, address := serveTLS(t, Config{
		Gate: gate, MaxConnections: 2 * count, MaxConnectionsPerAddress: 2 * count, PublishTimeout: time.Minute, IdleTimeout: time.Minute,
		Refused: func(r ingest.Refusal) { told <- r.Why.Reason },
	})
	p := newPeer(t, dialTLS(t, address))
	p.shakeHands()
	other := newBystanderOn(p, gate)
	other.alive()
	before := heap()
	longest := stuffedHello(t, 3200, tls.VersionTLS13)
	if len(longest) > tlsBytes || len(longest) < tlsBytes*3/4 {
		t.Fatalf("the hello has %d bytes", len(longest))
	}
	for range count {
		held(t, address, longest)
	}
	other.untilQuiet(server, count)
	used := (heap() - before) / count
	t.Logf("%d KiB for each connection", used>>10)
	if used > peakBeforePublish {
		t.Errorf("a connection takes %d KiB", used>>10)
	}
	certificate := join(stuffedHello(t, 1, tls.VersionTLS12), bytes.Repeat(join(22, 3, 3, 0x10, 0, 11, 3, 0xff, 0, make([]byte, 4092)), 4))
	for name, send := range map[string][]byte{"a longer hello": stuffedHello(t, 5000, tls.VersionTLS13), "a certificate": certificate} {
		held(t, address, send)
		reason := <-told
		for reason == ingest.TimedOut { // one of those above, on a busy machine
			reason = <-told
		}
		if reason != ingest.LimitExceeded {
			t.Errorf("%s: %s", name, reason)
		}
	}
}

// TestBoundSocket: TLS gets no more of a publisher that is not known than it may, and
// all once it is.
func TestBoundSocket(t *testing.T) {
	t.Parallel()
	client, server := net.Pipe()
	defer client.Close()
	go func() { _, _ = client.Write(make([]byte, 30)) }()
	s := &socket{Conn: server}
	s.bound(20)
	for want := 20; want > 0; {
		n, err := s.Read(make([]byte, 15))
		if want -= n; err != nil || want < 0 {
			t.Fatalf("read %d: %v", n, err)
		}
	}
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, errBeyond) {
		t.Errorf("beyond it: %v", err)
	}
	s.unbound()
	if n, err := s.Read(make([]byte, 15)); n != 10 || err != nil {
		t.Errorf("afterwards: %d, %v", n, err)
	}
}

// stuffedHello is a client's first words with so many protocols of one letter.
func stuffedHello(t *testing.T, protocols int, version uint16) []byte {
	t.Helper()
	client, server := net.Pipe()
	list := slices.Repeat([]string{"a"}, protocols)
	go func() {
		_ = tls.Client(client, &tls.Config{InsecureSkipVerify: true, NextProtos: list, MaxVersion: version}).Handshake()
	}()
	defer server.Close()
	hello := make([]byte, 32<<10)
	n, err := server.Read(hello)
	if err != nil {
		t.Fatal(err)
	}
	return hello[:n]
}

// hello is the whole handshake of a publisher that waits for no answer.
func hello() []byte { return join(rtmpVersion, make([]byte, 1536), make([]byte, 1536)) }

func plain(tb testing.TB, address string) net.Conn {
	tb.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}
