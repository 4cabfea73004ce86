package httpserve_test

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"weir/pkg/httpserve"
)

func withHandlers(cfg *httpserve.Config) {
	cfg.API = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=1")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "api %s", r.URL.Path)
	})
	cfg.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, "metrics")
	})
}

func TestEveryKindOfResponse(t *testing.T) {
	const (
		second = "public, max-age=1"
		media  = "public, max-age=3600, immutable"
		never  = "no-store"
		plain  = "text/plain; charset=utf-8"
		any200 = http.StatusOK
	)
	g := newGateway(t, withHandlers)
	g.live(3)
	for _, c := range []struct {
		path               string
		code               int
		contentType, cache string
		cors, tagged       bool
	}{
		{"/live/main/index.m3u8", any200, "application/vnd.apple.mpegurl", second, true, true},
		{"/live/main/manifest.mpd", any200, "application/dash+xml", second, true, true},
		{"/live/main/source/index.m3u8", any200, "application/vnd.apple.mpegurl", second, true, true},
		{"/live/main/source/index.m3u8?ll=0", any200, "application/vnd.apple.mpegurl", second, true, true},
		{"/live/main/audio/index.m3u8", any200, "application/vnd.apple.mpegurl", second, true, true},
		{"/live/main/source/init-abc123.mp4", any200, "video/mp4", media, true, true},
		{"/live/main/audio/init-abc123.mp4", any200, "audio/mp4", media, true, true},
		{segmentPath("source", startMSN, 90_000), any200, "video/mp4", media, true, true},
		{segmentPath("audio", startMSN, 48_000), any200, "audio/mp4", media, true, true},
		{fmt.Sprintf("/live/main/360p/part-%d.m4s", startMSN*2+1), any200, "video/mp4", media, true, true},
		{"/time", any200, plain, never, true, false},
		{"/healthz", any200, plain, never, false, false},
		{"/readyz", any200, plain, never, false, false},
		{"/metrics", any200, plain, never, false, false},
		{"/api/v1/streams/main", any200, "application/json", second, false, false},

		{"/live/nobody/index.m3u8", 404, plain, second, true, false},
		{"/live/nobody/source/1.m4s", 404, plain, second, true, false},
		{"/live/main/8k/index.m3u8", 404, plain, second, true, false},
		{"/live/main/8k/init-abc123.mp4", 404, plain, second, true, false},
		{"/live/main/source/init-ffffff.mp4", 404, plain, second, true, false},
		{"/live/main/source/1.m4s", 404, plain, second, true, false},
		{"/live/main/source/0" + strconv.Itoa(startMSN*180_000) + ".m4s", 404, plain, second, true, false},
		{"/live/main/source/99999999999999999999.m4s", 404, plain, second, true, false},
		{"/live/main/source/part-1.m4s", 404, plain, second, true, false},
		{"/live/main/source/part-99999999999999999999.m4s", 404, plain, second, true, false},
		{"/live/main/source/../../secret", 404, plain, second, true, false},
		{"/live/main", 404, plain, second, true, false},
		{"/nowhere", 404, plain, second, false, false},
		{"/assets/nothing.js", 404, plain, second, false, false},
		{"/live/main/index.m3u8?" + strings.Repeat("x", 5000), 414, plain, never, false, false},
	} {
		t.Run(c.path[:min(len(c.path), 50)], func(t *testing.T) {
			w := g.get(c.path)
			h := w.Header()
			if w.Code != c.code {
				t.Fatalf("code %d, want %d: %s", w.Code, c.code, w.Body)
			}
			if h.Get("Content-Type") != c.contentType || h.Get("Cache-Control") != c.cache {
				t.Errorf("type %q, cache %q; want %q, %q", h.Get("Content-Type"), h.Get("Cache-Control"), c.contentType, c.cache)
			}
			if got := h.Get("Access-Control-Allow-Origin") == "*"; got != c.cors {
				t.Errorf("open to other sites: %v, want %v", got, c.cors)
			}
			if strings.Contains(strings.Join(h.Values("Vary"), ","), "Origin") {
				t.Error("a cache would keep one copy for each site")
			}
			if got := h.Get("ETag") != ""; got != c.tagged || strings.HasPrefix(h.Get("ETag"), "W/") {
				t.Errorf("ETag %q", h.Get("ETag"))
			}
			if w.Body.Len() == 0 {
				t.Error("empty body")
			}
			sameAsHead(t, g, c.path, h, w.Code)
		})
	}
}

func sameAsHead(t *testing.T, g *gateway, path string, want http.Header, code int) {
	t.Helper()
	w := g.do(http.MethodHead, path)
	if w.Code != code {
		t.Errorf("HEAD answers %d", w.Code)
	}
	for _, name := range []string{"Content-Type", "Cache-Control", "ETag", "Content-Length", "Access-Control-Allow-Origin"} {
		if got := w.Header().Get(name); got != want.Get(name) {
			t.Errorf("HEAD has %s %q, GET %q", name, got, want.Get(name))
		}
	}
}

func TestBytes(t *testing.T) {
	g := newGateway(t, nil)
	g.live(3)
	const whole = "aaaaaaaaaabbbbbbbbbb"
	segment := segmentPath("source", startMSN+1, 90_000)
	for _, c := range []struct {
		path, byteRange string
		code            int
		body            string
	}{
		{segment, "", 200, whole},
		{segment, "bytes=8-11", 206, "aabb"},
		{segment, "bytes=0-0", 206, "a"},
		{segment, "bytes=10-", 206, "bbbbbbbbbb"},
		{segment, "bytes=-3", 206, "bbb"},
		{segment, "bytes=20-", 416, ""},
		{fmt.Sprintf("/live/main/source/part-%d.m4s", startMSN*2+1), "", 200, "bbbbbbbbbb"},
		{"/live/main/360p/init-abc123.mp4", "", 200, "init of 360p"},
		{"/live/main/360p/init-abc123.mp4", "bytes=8-", 206, "360p"},
		{"/time", "", 200, "2026-11-23T12:00:00.250Z"},
	} {
		headers := []string{}
		if c.byteRange != "" {
			headers = []string{"Range", c.byteRange}
		}
		w := g.get(c.path, headers...)
		if w.Code != c.code || (c.code != 416 && w.Body.String() != c.body) {
			t.Errorf("%s %s: %d %q, want %d %q", c.path, c.byteRange, w.Code, w.Body, c.code, c.body)
		}
		if w.Header().Get("Cache-Control") == "" {
			t.Errorf("%s %s: no Cache-Control on %d", c.path, c.byteRange, w.Code)
		}
	}
	w := g.get(segment, "Range", "bytes=0-1,18-19")
	if w.Code != http.StatusPartialContent || !strings.Contains(w.Body.String(), "aa\r\n") || !strings.Contains(w.Body.String(), "bb\r\n") {
		t.Errorf("two ranges: %d %q", w.Code, w.Body)
	}
}

func TestConditionalRequests(t *testing.T) {
	g := newGateway(t, nil)
	p := g.live(3)
	paths := []string{
		"/live/main/index.m3u8", "/live/main/source/index.m3u8", "/live/main/manifest.mpd",
		segmentPath("source", startMSN, 90_000), "/live/main/source/init-abc123.mp4",
	}
	tags := map[string]string{}
	for _, path := range paths {
		tags[path] = g.get(path).Header().Get("ETag")
		w := g.get(path, "If-None-Match", tags[path])
		if w.Code != http.StatusNotModified || w.Body.Len() != 0 || w.Header().Get("ETag") != tags[path] || w.Header().Get("Cache-Control") == "" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if w = g.get(path, "If-None-Match", `"other"`); w.Code != http.StatusOK {
			t.Errorf("%s with another tag: %d", path, w.Code)
		}
	}
	p.segment("source", "360p", "audio")
	playlist := "/live/main/source/index.m3u8"
	if w := g.get(playlist, "If-None-Match", tags[playlist]); w.Code != http.StatusOK {
		t.Errorf("a playlist with another segment: %d", w.Code)
	}
}

func TestCompression(t *testing.T) {
	g := newGateway(t, nil)
	g.live(15)
	const path = "/live/main/source/index.m3u8"
	plain := g.get(path)
	for _, c := range []struct {
		accept string
		zipped bool
	}{
		{"", false},
		{"gzip", true},
		{"deflate, GZIP;q=0.5, br", true},
		{"gzip;q=0", false},
		{"gzip;q=none", false},
		{"br", false},
		{"identity", false},
	} {
		w := g.get(path, "Accept-Encoding", c.accept)
		h := w.Header()
		if got := h.Get("Content-Encoding") == "gzip"; got != c.zipped {
			t.Errorf("%q: compressed %v", c.accept, got)
			continue
		}
		if h.Get("Vary") != "Accept-Encoding" || h.Get("Content-Length") != strconv.Itoa(w.Body.Len()) {
			t.Errorf("%q: %v", c.accept, h)
		}
		if !c.zipped {
			continue
		}
		if h.Get("ETag") == plain.Header().Get("ETag") {
			t.Error("one strong ETag for two contents")
		}
		tag := h.Get("ETag")
		unzip, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(unzip); err != nil || string(text) != plain.Body.String() {
			t.Errorf("%q: %v %q", c.accept, err, text)
		}
		if w := g.get(path, "Accept-Encoding", c.accept, "If-None-Match", tag); w.Code != http.StatusNotModified {
			t.Errorf("%q: conditional: %d", c.accept, w.Code)
		}
	}
}

func TestPreflight(t *testing.T) {
	g := newGateway(t, nil)
	for _, path := range []string{"/live/main/source/index.m3u8", "/time"} {
		w := g.do(http.MethodOptions, path, "Origin", "https://player.example", "Access-Control-Request-Method", "GET",
			"Access-Control-Request-Headers", "range, cmcd-session")
		h := w.Header()
		if w.Code != http.StatusOK || h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Max-Age") != "86400" ||
			h.Get("Access-Control-Allow-Headers") != "Range, Cmcd-Session" || !strings.HasPrefix(h.Get("Cache-Control"), "public") {
			t.Errorf("%s: %d %v", path, w.Code, h)
		}
		if w = g.do(http.MethodOptions, path); w.Code != http.StatusNoContent || w.Header().Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("%s: OPTIONS without Origin: %d %v", path, w.Code, w.Header())
		}
	}
}

func TestMethods(t *testing.T) {
	g := newGateway(t, nil)
	g.live(3)
	for _, path := range []string{"/live/main/index.m3u8", "/healthz", "/watch/main", "/"} {
		w := g.do(http.MethodPost, path)
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("POST %s: %d %v", path, w.Code, w.Header())
		}
	}
}

func TestReadyUntilFull(t *testing.T) {
	why := ""
	g := newGateway(t, func(cfg *httpserve.Config) { cfg.NotReady = func() string { return why } })
	if w := g.get("/readyz"); w.Code != http.StatusOK {
		t.Errorf("readyz: %d", w.Code)
	}
	why = "Weir is full."
	if w := g.get("/readyz"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), why) {
		t.Errorf("readyz: %d %s", w.Code, w.Body)
	}
	if w := g.get("/livez"); w.Code != http.StatusOK {
		t.Errorf("livez: %d", w.Code)
	}
}

func TestReadyUntilDraining(t *testing.T) {
	g := newGateway(t, nil)
	close(g.draining)
	if w := g.get("/readyz"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("readyz: %d", w.Code)
	}
	if w := g.get("/healthz"); w.Code != http.StatusOK {
		t.Errorf("healthz: %d", w.Code)
	}
}

func TestPanicsAreRecovered(t *testing.T) {
	g := newGateway(t, func(cfg *httpserve.Config) {
		cfg.API = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/v1/late" {
				fmt.Fprint(w, "half an ans")
			}
			panic("test")
		})
	})
	if w := g.get("/api/v1/early"); w.Code != http.StatusInternalServerError || !strings.Contains(g.log.String(), "server_test") && !strings.Contains(g.log.String(), "goroutine") {
		t.Errorf("%d, log %s", w.Code, g.log)
	}
	defer func() {
		if reason, ok := recover().(error); !ok || !errors.Is(reason, http.ErrAbortHandler) {
			t.Errorf("a response cut in half ended with %v", reason)
		}
		if n := g.counter(t, "weir_http_panics_total"); n != 2 {
			t.Errorf("%v panics counted", n)
		}
	}()
	g.get("/api/v1/late")
}

func TestClientAddressBehindProxies(t *testing.T) {
	for _, c := range []struct{ remote, forwarded, want string }{
		{"198.51.100.7:4000", "", "198.51.100.7"},
		{"198.51.100.7:4000", "203.0.113.9", "198.51.100.7"},
		{"10.0.0.1:4000", "203.0.113.9", "203.0.113.9"},
		{"10.0.0.1:4000", "1.2.3.4, 203.0.113.9, 10.0.0.2", "203.0.113.9"},
		{"10.0.0.1:4000", "nonsense", "10.0.0.1"},
		{"10.0.0.1:4000", "", "10.0.0.1"},
		{"[::ffff:10.0.0.1]:4000", "2001:db8::1", "2001:db8::1"},
		{"@", "203.0.113.9", "@"},
	} {
		g := newGateway(t, func(cfg *httpserve.Config) {
			cfg.TrustedProxies = func() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }
		})
		g.level.Set(slog.LevelDebug)
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		g.serve(r)
		var line struct{ Client string }
		if err := json.Unmarshal(g.log.Bytes(), &line); err != nil || line.Client != c.want {
			t.Errorf("%s behind %q is logged as %q, want %q (%v)", c.remote, c.forwarded, line.Client, c.want, err)
		}
	}
}

func TestRequestsAreCounted(t *testing.T) {
	g := newGateway(t, nil)
	g.live(3)
	g.get(segmentPath("source", startMSN, 90_000))
	g.get("/live/main/source/1.m4s")
	g.get("/nowhere")
	for _, c := range []struct {
		kind, code string
		want       float64
	}{{"segment", "200", 1}, {"segment", "404", 1}, {"other", "404", 1}} {
		if got := g.counter(t, "weir_http_requests_total", "kind", c.kind, "code", c.code); got != c.want {
			t.Errorf("%v: counted %v", c, got)
		}
	}
	if got := g.counter(t, "weir_http_response_bytes_total", "kind", "segment"); got < 20 {
		t.Errorf("%v bytes of segments counted", got)
	}
}

func FuzzPath(f *testing.F) {
	for _, path := range []string{"/live/main/index.m3u8", "/live/main/source/323100000000000.m4s", "/live/a/b/part-1.m4s", "/watch/%2e%2e", "/assets/../x", "/live//"} {
		f.Add(path, "bytes=0-1", `"x"`)
	}
	f.Fuzz(func(t *testing.T, path, byteRange, tag string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		if err != nil {
			t.Skip()
		}
		r.Header.Set("Range", byteRange)
		r.Header.Set("If-None-Match", tag)
		g := newGateway(t, nil)
		g.live(3)
		w := g.serve(r)
		if w.Header().Get("Cache-Control") == "" || w.Code >= http.StatusInternalServerError && w.Code != http.StatusServiceUnavailable {
			t.Errorf("%q: %d %v", path, w.Code, w.Header())
		}
	})
}
