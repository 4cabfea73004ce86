package plainhttp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/pkg/plainhttp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limits are short enough to be waited for.
func limits() plainhttp.Limits {
	return plainhttp.Limits{Header: time.Second, Idle: time.Second, Patience: time.Second, Stretch: 1 << 20}
}

// serve runs a server for the test and returns its address.
func serve(t *testing.T, handler http.HandlerFunc) (s *plainhttp.Server, address string) {
	t.Helper()
	return serveWithin(t, limits(), nil, handler)
}

func serveWithin(t *testing.T, within plainhttp.Limits, direct plainhttp.Direct, handler http.HandlerFunc) (s *plainhttp.Server, address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s = plainhttp.New(&http.Server{
		Handler: handler, ReadHeaderTimeout: time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}, direct, within)
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	return s, listener.Addr().String()
}

// content is what most handlers here answer with.
func content() []byte { return bytes.Repeat([]byte("0123456789abcdef"), 1<<16) }

// isPlain tells which of the two servers answers: net/http's ResponseWriter is no
// BufferWriter.
func isPlain(w http.ResponseWriter) bool {
	_, plain := w.(plainhttp.BufferWriter)
	return plain
}

func answerAll(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Plain", strconv.FormatBool(isPlain(w)))
	switch r.URL.Path {
	case "/small":
		_, _ = io.WriteString(w, "small "+r.URL.RawQuery)
	case "/large":
		_, _ = w.Write(content())
	case "/buffers":
		whole := content()
		w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
		if out, plain := w.(plainhttp.BufferWriter); plain {
			_, _ = out.WriteBuffers([][]byte{whole[:7], whole[7:1000], whole[1000:]})
		} else {
			_, _ = w.Write(whole)
		}
	case "/growing":
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "part %d,", i)
			_ = http.NewResponseController(w).Flush()
		}
	case "/nothing":
		w.WriteHeader(http.StatusNoContent)
	case "/unchanged":
		w.WriteHeader(http.StatusNotModified)
	case "/short":
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "less")
	case "/broken":
		_, _ = io.WriteString(w, "part")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case "/echo":
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	default:
		http.Error(w, "not here", http.StatusNotFound)
	}
}

// TestAnswersAsNetHTTP gets the same of both servers.
func TestAnswersAsNetHTTP(t *testing.T) {
	_, address := serve(t, answerAll)
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	get := func(path string, by bool) (status int, body []byte, header http.Header, err error) {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
		if !by {
			request.Header.Set("Te", "trailers") // for net/http alone
		}
		answer, err := client.Do(request)
		if err != nil {
			return 0, nil, nil, err
		}
		defer answer.Body.Close()
		if answer.Header.Get("Plain") != strconv.FormatBool(by) {
			t.Errorf("%s: answered by the plain server: %s, want %v", path, answer.Header.Get("Plain"), by)
		}
		body, err = io.ReadAll(answer.Body)
		return answer.StatusCode, body, answer.Header, err
	}
	for _, path := range []string{"/small?a=b", "/large", "/buffers", "/growing", "/nothing", "/unchanged", "/elsewhere", "/short", "/broken"} {
		for range 2 {
			code, body, header, err := get(path, true)
			transport.CloseIdleConnections() // the other one begins anew
			wantCode, wantBody, wantHeader, wantErr := get(path, false)
			transport.CloseIdleConnections()
			if code != wantCode || !bytes.Equal(body, wantBody) || (err == nil) != (wantErr == nil) {
				t.Errorf("%s: %d, %d bytes, %v; net/http: %d, %d bytes, %v", path, code, len(body), err, wantCode, len(wantBody), wantErr)
			}
			for _, name := range []string{"Content-Type", "Content-Length"} {
				if header.Get(name) != wantHeader.Get(name) {
					t.Errorf("%s: %s: %q, net/http: %q", path, name, header.Get(name), wantHeader.Get(name))
				}
			}
		}
	}
}

// talk sends text and reads what comes until the server closes or is done.
type talk struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dial(t *testing.T, address string) *talk {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &talk{t: t, conn: conn, in: bufio.NewReader(conn)}
}

func (k *talk) say(text string) {
	k.t.Helper()
	if _, err := io.WriteString(k.conn, text); err != nil {
		k.t.Fatal(err)
	}
}

// hear reads a response.
func (k *talk) hear() (code int, plain, body string) {
	k.t.Helper()
	answer, err := http.ReadResponse(k.in, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header.Get("Plain"), string(raw)
}

// TestWhatIsNotPlainIsNetHTTPs hands connections over in every state.
func TestWhatIsNotPlainIsNetHTTPs(t *testing.T) {
	_, address := serve(t, answerAll)
	const plain = "GET /small HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n"
	for name, c := range map[string]struct {
		says string
		code int
		body string
	}{
		"a body":            {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
		"HTTP/1.0":          {"GET /small HTTP/1.0\r\n\r\n", 200, "small "},
		"no host":           {"GET /small HTTP/1.1\r\n\r\n", 400, ""},
		"two hosts":         {"GET /small HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, ""},
		"pipelined":         {plain + plain, 200, "small "},
		"a whole address":   {"GET http://x/small HTTP/1.1\r\nHost: x\r\n\r\n", 200, "small "},
		"a folded field":    {"GET /small HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 200, "small "},
		"close":             {"GET /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200, "small "},
		"bare line feeds":   {"GET /small HTTP/1.1\nHost: x\n\n", 200, "small "},
		"a long header":     {"GET /small HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("b", 5000) + "\r\n\r\n", 200, "small "},
		"nonsense":          {"hello\r\n\r\n", 400, ""},
		"space before name": {"GET /small HTTP/1.1\r\n Host: x\r\n\r\n", 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			k := dial(t, address)
			k.say(plain)
			if code, by, body := k.hear(); code != 200 || by != "true" || body != "small " {
				t.Fatalf("before: %d by %q: %q", code, by, body)
			}
			k.say(c.says)
			if code, by, body := k.hear(); code != c.code || by == "true" || c.body != "" && body != c.body {
				t.Errorf("%d by %q: %q, want %d: %q", code, by, body, c.code, c.body)
			}
		})
	}
	t.Run("in pieces", func(t *testing.T) {
		k := dial(t, address)
		k.say(plain[:20])
		time.AfterFunc(100*time.Millisecond, func() { _, _ = io.WriteString(k.conn, plain[20:]) })
		if code, by, body := k.hear(); code != 200 || by == "true" || body != "small " {
			t.Errorf("%d by %q: %q", code, by, body)
		}
	})
}

// closes waits until the server ends the connection.
func (k *talk) closes() {
	k.t.Helper()
	if _, err := io.Copy(io.Discard, k.in); errors.Is(err, os.ErrDeadlineExceeded) {
		k.t.Fatalf("the connection was not ended: %v", err)
	}
}

// TestWhoIsTooSlowIsGivenUp: silent ones, idle ones, and such as take nothing.
func TestWhoIsTooSlowIsGivenUp(t *testing.T) {
	ended := make(chan error, 1)
	_, address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/endless" {
			answerAll(w, r)
			return
		}
		for {
			if _, err := w.Write(content()); err != nil {
				ended <- err
				return
			}
		}
	})
	t.Run("silent", func(t *testing.T) {
		t.Parallel()
		dial(t, address).closes()
	})
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		k := dial(t, address)
		k.say("GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
		k.hear()
		k.closes()
	})
	t.Run("stuck", func(t *testing.T) {
		t.Parallel()
		k := dial(t, address)
		k.say("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
		select {
		case <-ended: // though nothing was read
		case <-time.After(60 * time.Second):
			t.Error("a viewer who takes nothing is still waited for")
		}
	})
}

// TestWhoLeavesIsNoticed: the request's context ends while its handler waits.
func TestWhoLeavesIsNoticed(t *testing.T) {
	waits, left := make(chan struct{}), make(chan struct{})
	_, address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(waits)
		<-r.Context().Done()
		close(left)
	})
	k := dial(t, address)
	k.say("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
	<-waits
	_ = k.conn.Close()
	<-left
}

// TestShutdown lets those go on who are being answered.
func TestShutdown(t *testing.T) {
	waits, goOn := make(chan struct{}), make(chan struct{})
	s, address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			close(waits)
			<-goOn
		}
		_, _ = io.WriteString(w, "done")
	})
	resting, busy := dial(t, address), dial(t, address)
	resting.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	resting.hear()
	busy.say("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
	<-waits
	over := make(chan error, 1)
	go func() { over <- s.Shutdown(t.Context()) }()
	resting.closes()
	close(goOn)
	if code, _, body := busy.hear(); code != 200 || body != "done" {
		t.Errorf("%d %q", code, body)
	}
	busy.closes()
	if err := <-over; err != nil {
		t.Error(err)
	}
	if _, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address); err == nil {
		t.Error("it still listens")
	}
}

// TestShutdownGivesUp when its context ends.
func TestShutdownGivesUp(t *testing.T) {
	waits := make(chan struct{})
	s, address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(waits)
		<-r.Context().Done()
	})
	dial(t, address).say("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-waits
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// TestAPanicEndsOneConnection and no other.
func TestAPanicEndsOneConnection(t *testing.T) {
	_, address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("a mistake")
		}
		answerAll(w, r)
	})
	bad, good := dial(t, address), dial(t, address)
	bad.say("GET /panic HTTP/1.1\r\nHost: x\r\n\r\n")
	bad.closes()
	good.say("GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
	if code, _, _ := good.hear(); code != 200 {
		t.Errorf("%d", code)
	}
}
