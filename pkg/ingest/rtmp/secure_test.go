package rtmp

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/ingest"
)

// serveTLS runs a server behind TLS on a free port until the test ends.
func serveTLS(tb testing.TB, cfg Config) (server *Server, address string) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	own := selfSigned(tb)
	if cfg.Log == nil {
		cfg.Log = testLog(tb)
	}
	server = NewServer(cfg)
	ctx, cancel := context.WithCancel(tb.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- server.Serve(ctx, tls.NewListener(Ticked(l), &tls.Config{Certificates: []tls.Certificate{own}}))
	}()
	tb.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			tb.Errorf("Serve: %v", err)
		}
	})
	return server, l.Addr().String()
}

func dialTLS(tb testing.TB, address string) net.Conn {
	tb.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}

// clientHelloTLS is what a TLS client says first.
func clientHelloTLS(t *testing.T) []byte {
	t.Helper()
	client, server := net.Pipe()
	go func() { _ = tls.Client(client, &tls.Config{InsecureSkipVerify: true}).Handshake() }()
	hello := make([]byte, 1<<10)
	n, err := server.Read(hello)
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	return hello[:n]
}

// TestTLSDeadline: whoever does not finish the handshake of TLS within 5 s is
// gone.
func TestTLSDeadline(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(c net.Conn, hello []byte){
		"says nothing": func(net.Conn, []byte) {},
		"half a hello": func(c net.Conn, hello []byte) { _, _ = c.Write(hello[:len(hello)/2]) },
		"hello only":   func(c net.Conn, hello []byte) { _, _ = c.Write(hello) },
		"a byte each second": func(c net.Conn, hello []byte) {
			for i := range 5 {
				_, _ = c.Write(hello[i : i+1])
				<-time.After(999 * time.Millisecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own, hello := selfSigned(t), clientHelloTLS(t)
			synctest.Test(t, func(t *testing.T) {
				server, began := quiet(t, newRecorder()), time.Now()
				client, other := net.Pipe()
				gone := make(chan struct{})
				go func() {
					defer close(gone)
					newConn(server, tls.Server(other, &tls.Config{Certificates: []tls.Certificate{own}}), netip.AddrPort{}).run(t.Context())
				}()
				go func() { _, _ = io.Copy(io.Discard, client) }()
				do(client, hello)
				<-gone
				if took := time.Since(began); took != tlsTimeout {
					t.Errorf("it was closed after %v", took)
				}
				if n := server.Stats().Ended[ingest.TimedOut]; n != 1 {
					t.Errorf("stats %+v", server.Stats())
				}
			})
		})
	}
}

// TestShutdownDuringTLS: a connection that has not shaken hands does not hold up
// the end of the server.
func TestShutdownDuringTLS(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := quiet(t, newRecorder())
		_, other := net.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			newConn(server, tls.Server(other, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}), netip.AddrPort{}).run(ctx)
		}()
		synctest.Wait()
		began := time.Now()
		cancel()
		<-gone
		if took := time.Since(began); took != 0 || len(server.Stats().Ended) != 0 {
			t.Errorf("it ended after %v, stats %+v", took, server.Stats())
		}
	})
}

// TestWrongTLSIsExplained: the log tells what the encoder's settings get wrong.
func TestWrongTLSIsExplained(t *testing.T) {
	t.Parallel()
	_, rtmp := clientHello(t, 0)
	for name, c := range map[string]struct {
		raw    []byte
		client *tls.Config // instead of raw
		reason ingest.Reason
		says   string
	}{
		"plain RTMP": {raw: rtmp, reason: ingest.NotRTMP, says: "Use rtmps:// instead of rtmp://"},
		"HTTP":       {raw: []byte("GET / HTTP/1.1\r\n\r\n"), reason: ingest.NotRTMP, says: "Viewers use the HTTP or HTTPS port"},
		"noise":      {raw: []byte("\x00\x01\x02\x03\x04\x05\x06"), reason: ingest.NotRTMP, says: "starts with the byte 0x00"},
		"no trust":   {client: &tls.Config{}, reason: ingest.NoTLS, says: "does not trust this gateway's certificate"},
		"old TLS": {
			client: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
			reason: ingest.NoTLS, says: "unsupported versions",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log lockedText
			server, address := serveTLS(t, Config{Gate: newRecorder(), Log: slog.New(slog.NewTextHandler(&log, nil))})
			if c.client == nil {
				raw(t, address, c.raw)
			} else if _, err := tls.Dial("tcp", address, c.client); err == nil {
				t.Error("a client got through")
			}
			for server.Stats().Accepted != 1 || server.Stats().Active != 0 {
				<-time.After(time.Millisecond)
			}
			if stats := server.Stats(); stats.Ended[c.reason] != 1 {
				t.Errorf("stats %+v", stats)
			}
			if said := log.String(); !strings.Contains(said, c.says) {
				t.Errorf("the log says %q", said)
			}
		})
	}
	t.Run("TLS to the plain port", func(t *testing.T) {
		t.Parallel()
		var log lockedText
		server, address := serve(t, Config{Gate: newRecorder(), Log: slog.New(slog.NewTextHandler(&log, nil))})
		if _, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}); err == nil {
			t.Error("it speaks TLS")
		}
		for server.Stats().Accepted != 1 || server.Stats().Active != 0 {
			<-time.After(time.Millisecond)
		}
		if said := log.String(); !strings.Contains(said, "Use rtmp:// instead of rtmps://") {
			t.Errorf("the log says %q", said)
		}
	})
}

// lockedText is a log that is read while it is written.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// raw writes bytes and waits for the other end to hang up.
func raw(t *testing.T, address string, text []byte) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = c.Write(text)
	_, _ = io.Copy(io.Discard, c)
}

// TestManyIdleTLSConnections hold little memory, and another publisher does not
// notice.
func TestManyIdleTLSConnections(t *testing.T) {
	hello := clientHelloTLS(t)
	for _, attack := range []struct {
		name  string
		count int
		each  int // what one such connection may hold, both ends together
		// send is sent without TLS; finish makes the handshake instead.
		send   []byte
		finish bool
	}{
		{"idle from the start", 1000, 16 << 10, nil, false},
		{"half a hello", 1000, 20 << 10, hello[:len(hello)/2], false},
		{"hello only", 500, 48 << 10, hello, false},
		{"idle in TLS", 300, 96 << 10, nil, true},
		{"noise", 300, 48 << 10, []byte(strings.Repeat("noise", 4000)), false},
	} {
		t.Run(attack.name, func(t *testing.T) {
			gate := newRecorder()
			server, address := serveTLS(t, Config{Gate: gate, MaxConnections: 2000, MaxConnectionsPerAddress: 2000, PublishTimeout: time.Minute, IdleTimeout: time.Minute})
			p := newPeer(t, dialTLS(t, address))
			p.shakeHands()
			other := newBystanderOn(p, gate)
			other.alive()
			before := heap()
			for range attack.count {
				if attack.finish {
					dialTLS(t, address)
				} else {
					held(t, address, attack.send)
				}
			}
			other.untilQuiet(server, attack.count)
			used := heap() - before
			t.Logf("%d KiB for each connection", used/attack.count>>10)
			if used > attack.count*attack.each {
				t.Errorf("%d connections hold %d KiB", attack.count, used>>10)
			}
			other.alive()
		})
	}
}

// held opens a connection, says something and stays until the test ends.
func held(t *testing.T, address string, text []byte) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_, _ = c.Write(text)
}

// deadlines remembers the last write deadline.
type deadlines struct {
	net.Conn
	write time.Time
}

func (d *deadlines) SetWriteDeadline(t time.Time) error { d.write = t; return nil }
func (*deadlines) Read([]byte) (int, error)             { return 1, nil }
func (*deadlines) SetReadDeadline(time.Time) error      { return nil }

// TestTLSMayAnswerWhileItReads: the deadline of a write long past would break the
// connection at a key update.
func TestTLSMayAnswerWhileItReads(t *testing.T) {
	t.Parallel()
	d := &deadlines{write: time.Now().Add(-time.Hour)}
	l := &link{conn: d, secure: true, writeTimeout: time.Minute, total: &atomic.Uint64{}}
	if _, err := l.Read(make([]byte, 1)); err != nil || time.Until(d.write) < 30*time.Second {
		t.Errorf("it may write until %v (%v)", d.write, err)
	}
}
