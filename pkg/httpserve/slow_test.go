package httpserve_test

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/httpserve"
)

// oneConn is a listener that accepts one connection in memory, on which
// synctest's clock rules.
type oneConn struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *oneConn) Close() error { close(l.closed); return nil }

func (*oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// dial serves g on a connection in memory until the test ends.
func (g *gateway) dial(t *testing.T) net.Conn {
	t.Helper()
	client, server := net.Pipe()
	l := &oneConn{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
	l.conns <- server
	srv := httpserve.NewServer(g.handler, g.handler.Direct, slog.New(slog.DiscardHandler))
	done := make(chan error)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		client.Close()
		srv.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	return client
}

// request sends a request and reads the header of the response.
func request(t *testing.T, conn net.Conn, method, path string) (code int, body io.Reader) {
	t.Helper()
	if _, err := io.WriteString(conn, method+" "+path+" HTTP/1.1\r\nHost: weir\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReaderSize(conn, 4096), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res.StatusCode, res.Body
}

const bigPart = 1 << 20

func (g *gateway) big() string {
	p := g.publish()
	p.size = bigPart
	p.describe("source")
	p.segment("source")
	return segmentPath("source", startMSN, 90_000)
}

func TestAViewerWhoDoesNotReadIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		conn := g.dial(t)
		_, body := request(t, conn, http.MethodGet, g.big())
		if _, err := io.CopyN(io.Discard, body, 100_000); err != nil {
			t.Fatal(err)
		}
		after(16 * time.Second)
		if n, err := io.Copy(io.Discard, body); err == nil || n > 200_000 {
			t.Errorf("after 16 s of silence: %d bytes more, %v", n, err)
		}
	})
}

func TestAViewerWhoReadsSlowlyGetsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		conn := g.dial(t)
		began := time.Now()
		_, body := request(t, conn, http.MethodGet, g.big())
		total, piece := 0, make([]byte, 16<<10)
		for {
			after(time.Second) // 128 kbit/s
			n, err := io.ReadFull(body, piece)
			total += n
			if err != nil {
				break
			}
		}
		if total != 2*bigPart {
			t.Errorf("%d bytes of %d arrived", total, 2*bigPart)
		}
		if took := time.Since(began); took < time.Minute {
			t.Errorf("the test was not slow: %s", took)
		}
	})
}

// TestADeadlineDoesNotOutliveItsResponse asks again, after a pause, on a
// connection that has served something.
func TestADeadlineDoesNotOutliveItsResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		p := g.live(3)
		conn := g.dial(t)
		_, body := request(t, conn, http.MethodGet, "/live/main/source/index.m3u8")
		if _, err := io.Copy(io.Discard, body); err != nil {
			t.Fatal(err)
		}
		after(40 * time.Second)
		p.segment("source", "360p", "audio")
		code, body := request(t, conn, http.MethodGet, "/live/main/source/index.m3u8")
		if code != http.StatusOK {
			t.Error(code)
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			t.Fatal(err)
		}
		after(40 * time.Second)
		// A response without a body is written after its handler has returned.
		if code, _ = request(t, conn, http.MethodHead, "/live/main/source/init-abc123.mp4"); code != http.StatusOK {
			t.Error(code)
		}
	})
}

func TestARequestThatIsNeverFinishedIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		conn := g.dial(t)
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: we"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, _ = io.Copy(io.Discard, conn)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("cut off after %s", took)
		}
	})
}
