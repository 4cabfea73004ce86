package rtmp

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"

	"weir/pkg/ingest"
)

// peer is a publisher that says exactly what a test tells it to.
type peer struct {
	tb   testing.TB
	conn net.Conn
	out  chunkWriter
	in   *chunkReader
}

func newPeer(tb testing.TB, c net.Conn) *peer {
	tb.Helper()
	return &peer{
		tb: tb, conn: c, out: chunkWriter{w: c, size: defaultChunkSize},
		in: newChunkReader(bufio.NewReader(c), 1<<20, 1<<20),
	}
}

// dial connects to a server and shakes hands.
func dial(tb testing.TB, address string) *peer {
	tb.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	p := newPeer(tb, c)
	p.shakeHands()
	return p
}

// pipe connects to a server without a socket, for tests in fake time. gone is
// closed when the server's side has ended.
func pipe(ctx context.Context, tb testing.TB, s *Server) (p *peer, gone <-chan struct{}) {
	tb.Helper()
	client, server := net.Pipe()
	over := make(chan struct{})
	go func() {
		defer close(over)
		newConn(s, server, netip.AddrPort{}).run(ctx)
	}()
	return newPeer(tb, client), over
}

func (p *peer) shakeHands() {
	p.tb.Helper()
	p.write(join(rtmpVersion, make([]byte, 1536)))
	if _, err := io.ReadFull(p.conn, make([]byte, 1+2*1536)); err != nil {
		p.tb.Fatalf("handshake: %v", err)
	}
	p.write(make([]byte, 1536))
}

func (p *peer) write(b []byte) {
	p.tb.Helper()
	if _, err := p.conn.Write(b); err != nil {
		p.tb.Fatalf("write: %v", err)
	}
}

func (p *peer) send(m message) {
	p.tb.Helper()
	if err := p.try(m); err != nil {
		p.tb.Fatal(err)
	}
}

// try sends a message with a full header and its real timestamp.
func (p *peer) try(m message) error {
	header := len(p.out.buf)
	p.out.write(4, m)
	copy(p.out.buf[header+1:], be24(int(m.timestamp)))
	return p.out.flush()
}

func (p *peer) call(stream uint32, values ...any) {
	p.tb.Helper()
	p.send(commandMessage(stream, values...))
}

// next is the next message of the server; control messages that concern the
// format are followed.
func (p *peer) next() (message, error) {
	m, err := p.in.next()
	if err == nil && m.typ == typeSetChunkSize {
		err = p.in.setSize(sendChunkSize)
	}
	return m, err
}

// expect reads until the server says the command name and returns it.
func (p *peer) expect(name string) command {
	p.tb.Helper()
	for {
		m, err := p.next()
		if err != nil {
			p.tb.Fatalf("waiting for %s: %v", name, err)
		}
		if cmd, ok := asCommand(m); ok && cmd.name == name {
			return cmd
		}
	}
}

// expectStatus reads until the next onStatus and checks its code.
func (p *peer) expectStatus(code string) (description string) {
	p.tb.Helper()
	info, _ := p.expect("onStatus").args[0].(amfObject)
	if info.text("code") != code {
		p.tb.Fatalf("the status is %+v, want %s", info, code)
	}
	return info.text("description")
}

// expectEnd reads until the server has closed the connection.
func (p *peer) expectEnd() {
	p.tb.Helper()
	for {
		if _, err := p.next(); err != nil {
			if !hungUp(err) {
				p.tb.Fatalf("the connection ended with %v", err)
			}
			return
		}
	}
}

// connect goes as far as a message stream.
func (p *peer) connect() {
	p.tb.Helper()
	p.call(0, "connect", 1.0, amfObject{{"app", application}, {"flashVer", "test"}})
	p.expect("_result")
	p.call(0, "createStream", 2.0, nil)
	if id := p.expect("_result").args; len(id) != 1 || id[0] != 1.0 {
		p.tb.Fatalf("createStream gave %v", id)
	}
}

// publish goes as far as a session.
func (p *peer) publish(gate *recorder) *recording {
	p.tb.Helper()
	p.connect()
	p.call(1, "publish", 3.0, nil, goodKey, "live")
	p.expectStatus("NetStream.Publish.Start")
	return <-gate.sessions
}

// video and audio send one tag.
func (p *peer) video(timestamp uint32, data ...any) {
	p.tb.Helper()
	p.send(message{typ: typeVideo, stream: 1, timestamp: timestamp, payload: join(data...)})
}

func (p *peer) audio(timestamp uint32, data ...any) {
	p.tb.Helper()
	p.send(message{typ: typeAudio, stream: 1, timestamp: timestamp, payload: join(data...)})
}

// audioStart is an AAC sequence header, audioFrame a frame.
func audioStart() []byte { return join(0xaf, 0, 0x11, 0x90) }
func audioFrame() []byte { return join(0xaf, 1, "a frame") }

// rejected is the reason in how a session ended.
func rejected(end ingest.End) ingest.Reason {
	if rejection, ok := errors.AsType[*ingest.Rejection](end.Err); ok {
		return rejection.Reason
	}
	return ""
}
