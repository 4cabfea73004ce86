package httpserve_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"weir/pkg/httpserve"
)

// listen serves g on a real port, with TLS or without, and returns a client for it.
func (g *gateway) listen(t *testing.T, secure bool) (client *http.Client, base string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	transport, base := &http.Transport{MaxConnsPerHost: 0}, "http://"+listener.Addr().String()
	if secure {
		issued := httptest.NewTLSServer(nil) // for its certificate
		issued.Close()
		known := x509.NewCertPool()
		known.AddCert(issued.Certificate())
		transport.TLSClientConfig, transport.ForceAttemptHTTP2 = &tls.Config{RootCAs: known}, true
		listener = tls.NewListener(listener, &tls.Config{Certificates: issued.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}})
		base = "https://" + listener.Addr().String()
	}
	srv := httpserve.NewServer(g.handler, g.handler.Direct, slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = srv.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	return &http.Client{Transport: transport}, base
}

// isHeld waits until so many requests are.
func (g *gateway) isHeld(t *testing.T, requests float64) {
	t.Helper()
	for range 2000 {
		if g.counter(t, "weir_http_held_requests") == requests {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Fatalf("%v requests are held, want %v", g.counter(t, "weir_http_held_requests"), requests)
}

// TestLowLatencyOverEachVersion: reloads that wait, parts that are hinted at and a
// segment that grows, over HTTP/1.1 and over HTTP/2, where all share a connection.
func TestLowLatencyOverEachVersion(t *testing.T) {
	for major, secure := range map[int]bool{1: false, 2: true} {
		t.Run(fmt.Sprintf("HTTP/%d", major), func(t *testing.T) {
			g := newGateway(t, nil)
			p := g.live(3)
			client, base := g.listen(t, secure)
			get := func(path string) *http.Response {
				request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
				answer, err := client.Do(request)
				if err != nil {
					t.Error(err)
					return nil
				}
				if answer.ProtoMajor != major || answer.StatusCode != http.StatusOK {
					t.Errorf("%s: %s, %d", path, answer.Proto, answer.StatusCode)
				}
				return answer
			}
			const waiting = 40
			before := g.counter(t, "weir_http_renders_total")
			var all sync.WaitGroup
			for range waiting {
				all.Go(func() {
					if answer := get(fmt.Sprintf("/live/main/source/index.m3u8?_HLS_msn=%d&_HLS_part=0", p.msn)); answer != nil {
						_, _ = io.Copy(io.Discard, answer.Body)
						_ = answer.Body.Close()
					}
				})
			}
			g.isHeld(t, waiting)
			open := p.open()
			p.openPart(open)
			all.Wait()
			if rendered := g.counter(t, "weir_http_renders_total") - before; rendered != 1 {
				t.Errorf("%d who waited for one playlist had it rendered %v times", waiting, rendered)
			}
			grows := get(segmentPath("source", p.msn, 90_000))
			defer grows.Body.Close()
			some := make([]byte, p.size)
			for i := range 3 {
				if i > 0 {
					g.isHeld(t, 1)
					p.openPart(open)
				}
				if _, err := io.ReadFull(grows.Body, some); err != nil || some[0] != byte('a'+i) {
					t.Fatalf("part %d of what grows: %q, %v", i, some, err)
				}
			}
			p.st.AddSegment("source", open)
			if rest, err := io.ReadAll(grows.Body); err != nil || len(rest) > 0 {
				t.Errorf("after its end: %q, %v", rest, err)
			}
		})
	}
}

// TestRangesAndConditions are answered on the short way as on the long one.
func TestRangesAndConditions(t *testing.T) {
	g := newGateway(t, nil)
	g.live(3)
	client, base := g.listen(t, false)
	path := segmentPath("source", startMSN, 90_000)
	var tag string
	for _, c := range []struct {
		name, value string
		code        int
		body        string
	}{
		{"", "", 200, "aaaaaaaaaabbbbbbbbbb"},
		{"Range", "bytes=8-11", 206, "aabb"},
		{"If-None-Match", "tag", 304, ""},
		{"Range", "bytes=100-", 416, ""},
		{"", "", 200, "aaaaaaaaaabbbbbbbbbb"},
	} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		if c.name != "" {
			request.Header.Set(c.name, map[bool]string{true: tag, false: c.value}[c.value == "tag"])
		}
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if tag = answer.Header.Get("ETag"); err != nil || answer.StatusCode != c.code || c.code < 300 && string(body) != c.body {
			t.Errorf("%s %s: %d %q, %v", c.name, c.value, answer.StatusCode, body, err)
		}
	}
}

// TestSegmentsThatManyAskFor are the same before there is a file of them and after.
func TestSegmentsThatManyAskFor(t *testing.T) {
	g := newGateway(t, nil)
	p := g.live(0)
	p.size = 300_000
	p.segment("source")
	client, base := g.listen(t, false)
	path := segmentPath("source", startMSN, 90_000)
	want := g.get(path)
	for i := range 50 {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || !bytes.Equal(body, want.Body.Bytes()) || answer.ContentLength != 600_000 {
			t.Fatalf("answer %d: %d bytes, %v", i, len(body), err)
		}
		for _, name := range []string{"ETag", "Cache-Control", "Content-Type", "Accept-Ranges"} {
			if answer.Header.Get(name) != want.Header().Get(name) {
				t.Errorf("answer %d: %s is %q, was %q", i, name, answer.Header.Get(name), want.Header().Get(name))
			}
		}
	}
	if sent := g.counter(t, "weir_http_response_bytes_total", "kind", "segment"); sent != 51*600_000 {
		t.Errorf("%v bytes are counted", sent)
	}
}
