package rtmp

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// heap is the memory in use, garbage aside.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// bystander is an honest publisher beside the hostile ones.
type bystander struct {
	*peer
	arrived chan media.Ticks
	now     uint32
}

func newBystander(t *testing.T, gate *recorder, address string) *bystander {
	t.Helper()
	return newBystanderOn(dial(t, address), gate)
}

func newBystanderOn(p *peer, gate *recorder) *bystander {
	b := &bystander{peer: p, arrived: make(chan media.Ticks, 1)}
	gate.write = func(_ context.Context, unit media.AccessUnit) error {
		b.arrived <- unit.DTS
		return nil
	}
	b.publish(gate)
	b.audio(0, audioStart())
	return b
}

// alive publishes a frame and waits until it has arrived.
func (b *bystander) alive() {
	b.tb.Helper()
	b.now += 20
	b.audio(b.now, audioFrame())
	select {
	case <-b.arrived:
	case <-time.After(10 * time.Second):
		b.tb.Fatal("another publisher's access unit does not arrive")
	}
}

// untilQuiet publishes until the server has accepted the others and reads
// nothing more from them.
func (b *bystander) untilQuiet(server *Server, others int) {
	b.tb.Helper()
	for {
		before := server.Stats()
		b.alive()
		after := server.Stats()
		if own := uint64(12 + len(audioFrame())); after.Accepted == uint64(others)+1 && after.Bytes-before.Bytes <= own {
			return
		}
	}
}

// TestHostileConnections: whatever connections without a key do, they hold
// little memory, and another publisher does not notice.
func TestHostileConnections(t *testing.T) {
	noise := make([]byte, 64<<10)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(noise)
	hello := join(rtmpVersion, make([]byte, 1536), make([]byte, 1536))
	connect := func() []byte {
		var b bytes.Buffer
		w := chunkWriter{w: &b, size: defaultChunkSize}
		w.write(3, commandMessage(0, "connect", 1.0, amfObject{{"app", "live"}}))
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}()
	whole := join(0x02, head0(0, 4, 1, 0), be32(maxChunkSize)) // Chunks as large as messages.
	command := func(payload []byte) []byte { return join(whole, 0x03, head0(0, len(payload), 20, 0), payload) }
	manyStreams := func(each int) (b []byte) {
		b = join(0x02, head0(0, 4, 1, 0), be32(uint32(each)))
		for id := range 65_536 {
			b = append(b, join(0x01, id, id>>8, head0(0, 0xffffff, 9, 1), text(each))...)
			if len(b) > 1<<20 {
				break
			}
		}
		return b
	}
	for _, attack := range []struct {
		name  string
		count int
		// each is what one such connection may hold, both ends together.
		each int
		send []byte
	}{
		{"idle from the start", 2000, 16 << 10, nil},
		{"idle in the handshake", 2000, 20 << 10, hello[:1000]},
		{"idle after the handshake", 500, 64 << 10, hello},
		{"a length that lies", 500, 64 << 10, join(hello, connect, whole, 0x04, head0(0, heldBeforePublish, 9, 1), text(100))},
		{"a length beyond all limits", 100, 64 << 10, join(hello, connect, whole, 0x04, head0(0, 0xffffff, 9, 1), text(100))},
		{"partial messages on every chunk stream", 50, 256 << 10, join(hello, connect, manyStreams(1))},
		{"larger partial messages", 50, 256 << 10, join(hello, connect, manyStreams(4000))},
		{"nested objects", 50, 256 << 10, join(hello, command(join(appendAMF0(nil, "connect", 1.0), bytes.Repeat([]byte("\x03\x00\x01a"), 8000))))},
		{"nested arrays", 50, 256 << 10, join(hello, command(join(appendAMF0(nil, "connect", 1.0), bytes.Repeat([]byte{0x0a, 0xff, 0xff, 0xff, 0xff}, 6000))))},
		{"an array of billions", 50, 64 << 10, join(hello, command(join(appendAMF0(nil, "connect", 1.0), 0x0a, 0xff, 0xff, 0xff, 0xff)))},
		{"half a large command", 100, 256 << 10, join(hello, command(make([]byte, heldBeforePublish))[:heldBeforePublish])},
		{"media without permission", 20, 256 << 10, join(hello, connect, bytes.Repeat(join(0x04, head0(0, 100, 9, 1), text(100)), 20_000))},
		{"noise", 200, 64 << 10, noise},
		{"noise after the handshake", 200, 256 << 10, join(hello, noise)},
		{"TLS", 100, 64 << 10, join("\x16\x03\x01\x02\x00\x01\x00", noise[:500])},
	} {
		t.Run(attack.name, func(t *testing.T) {
			gate := newRecorder()
			server, address := serve(t, Config{Gate: gate, MaxConnections: 3000, MaxConnectionsPerAddress: 3000, PublishTimeout: time.Minute, IdleTimeout: time.Minute})
			other := newBystander(t, gate, address)
			other.alive()
			before := heap()
			for range attack.count {
				c, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				// The server may hang up before all is written.
				_ = c.SetWriteDeadline(time.Now().Add(5 * time.Second))
				_, _ = c.Write(attack.send)
			}
			other.untilQuiet(server, attack.count)
			used := heap() - before
			t.Logf("%d KiB for each connection", used/attack.count>>10)
			if used > attack.count*attack.each {
				t.Errorf("%d connections hold %d KiB", attack.count, used>>10)
			}
			other.alive()
			if stats := server.Stats(); stats.Publishing != 1 || stats.Accepted != uint64(attack.count)+1 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

// TestHostilePublisher: one with a key does not get more memory than it fills.
func TestHostilePublisher(t *testing.T) {
	gate := newRecorder()
	_, address := serve(t, Config{Gate: gate})
	other := newBystander(t, gate, address)
	hostile := dial(t, address)
	s := hostile.publish(gate)
	before := heap()
	hostile.send(controlMessage(typeSetChunkSize, maxChunkSize))
	hostile.write(join(0x00, 0, head0(0, 12_000_000, 9, 1), text(1000)))
	other.alive()
	if used := heap() - before; used > 1<<20 {
		t.Errorf("one message without end holds %d KiB", used>>10)
	}
	hostile.conn.Close()
	<-s.closed

	hostile = dial(t, address)
	s = hostile.publish(gate)
	hostile.send(controlMessage(typeSetChunkSize, 1000))
	for id := range 62 {
		hostile.write(join(0x00, id, head0(0, 12_000_000, 9, 1), text(1000)))
	}
	other.alive()
	if used := heap() - before; used > 2<<20 {
		t.Errorf("62 messages without end hold %d KiB", used>>10)
	}
	hostile.write(join(0x00, 62, head0(0, 12_600_000, 9, 1), text(1000)))
	hostile.expectStatus("NetStream.Publish.Denied")
	if end := <-s.closed; rejected(end) != ingest.LimitExceeded {
		t.Errorf("the session ended %+v", end)
	}
	other.alive()
}

// TestConnectionLimits: in all and from one address, and given back; who comes beyond
// them is told so.
func TestConnectionLimits(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"in all":       {MaxConnections: 2},
		"from address": {MaxConnectionsPerAddress: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gate, told := newRecorder(), make(chan ingest.Refusal, 1)
			cfg.Gate, cfg.Refused = gate, func(r ingest.Refusal) { told <- r }
			server, address := serve(t, cfg)
			first, second := dial(t, address), dial(t, address)
			third := dial(t, address)
			third.call(0, "connect", 1.0, amfObject{{"app", application}, {"flashVer", "test"}})
			if says := third.expectStatus("NetConnection.Connect.InvalidApp"); !strings.Contains(says, "has 2 connections of publishers, its limit") {
				t.Errorf("it is told %q", says)
			}
			third.expectEnd()
			if r := <-told; r.Why.Reason != ingest.LimitExceeded || r.Protocol != "rtmp" || r.Encoder != "test" {
				t.Errorf("the list says %+v", r)
			}
			if stats := server.Stats(); stats.Ended[ingest.LimitExceeded] != 1 || stats.Active != 2 {
				t.Errorf("stats %+v", stats)
			}
			s := first.publish(gate)
			first.conn.Close()
			<-s.closed
			second.publish(gate)
			untilActive(server, 1)
			dial(t, address).publish(gate)
		})
	}
}

// TestFewAreToldAtOnce: of those beyond the limits, most are closed at once, over
// TLS without its handshake, and all are listed with their protocol.
func TestFewAreToldAtOnce(t *testing.T) {
	t.Parallel()
	for protocol, open := range map[string]func(testing.TB, Config) (*Server, string){"rtmp": serve, "rtmps": serveTLS} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			told := make(chan ingest.Refusal, 10)
			server, address := open(t, Config{Gate: newRecorder(), MaxConnectionsPerAddress: 1, Refused: func(r ingest.Refusal) { told <- r }})
			for range 1 + maxTurnedPerAddress {
				plain(t, address)
			}
			if _, err := plain(t, address).Read(make([]byte, 1)); !hungUp(err) {
				t.Errorf("one too many reads %v", err)
			}
			if r := <-told; r.Why.Reason != ingest.LimitExceeded || r.Protocol != protocol {
				t.Errorf("the list says %+v", r)
			}
			if stats := server.Stats(); stats.Ended[ingest.LimitExceeded] != 1 || stats.Active != 1 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}
