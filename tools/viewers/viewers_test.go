package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestPlaylists reads what the gateway's own golden files say.
func TestPlaylists(t *testing.T) {
	folder := filepath.Join("..", "..", "pkg", "package", "hls", "testdata", "low-latency")
	for name, want := range map[string]struct{ segments, skipped, open, hint int }{
		"720p.m3u8":        {segments: 15, open: 3, hint: 403},
		"720p-delta.m3u8":  {segments: 6, skipped: 9, open: 3, hint: 403},
		"audio-delta.m3u8": {segments: 6, skipped: 9, open: 3, hint: 403},
	} {
		body, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		p, err := parsePlaylist(body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(p.segments) != want.segments || p.skipped != want.skipped || len(p.open) != want.open || p.hint != want.hint || p.target != 2 {
			t.Errorf("%s: %d segments, %d skipped, %d parts open, hint %d, target %d; want %+v", name, len(p.segments), p.skipped, len(p.open), p.hint, p.target, want)
		}
		if p.next() != 1795435240 {
			t.Errorf("%s: the next segment is %d", name, p.next())
		}
	}
	if _, err := parsePlaylist([]byte("<html>")); err == nil {
		t.Error("a page was taken for a playlist")
	}
}

// TestPicturesOfParts: a part is complete with its last picture, a segment's last
// one with the picture after it.
func TestPicturesOfParts(t *testing.T) {
	tr := newTrack(30)
	third := 1.0 / 3
	seg := segment{uri: "1.m4s", parts: []part{{0, third}, {1, third}}}
	tr.note(&playlist{segments: []segment{seg}, open: []part{{2, third}}, first: 7}, time.Now())
	for serial, want := range map[int]int{0: 9, 1: 20, 2: 29} {
		if got, ok := tr.completedBy(serial); !ok || got != want {
			t.Errorf("part %d is complete with picture %d, want %d", serial, got, want)
		}
	}
	if serial, ok := tr.first(8); !ok || serial != 2 {
		t.Errorf("segment 8 begins with part %d", serial)
	}
}

// TestConnections has one ask a real server again and again.
func TestConnections(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), 50_000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/small":
			_, _ = w.Write([]byte("hello"))
		case "/large":
			w.Header().Set("Content-Length", "500000")
			_, _ = w.Write(body)
		case "/broken":
			panic(http.ErrAbortHandler)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	s := &stage{address: netip.MustParseAddrPort(server.Listener.Addr().String())}
	l, err := newLoop()
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	var failed error
	c, err := l.dial(viewerAddress(1), s.address, func(err error) { failed = err })
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string, keep bool) (code int, got []byte) {
		done := false
		c.get([]byte("GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"), keep, func(r response) {
			code, got, done = r.code, slices.Clone(r.body), true
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := l.run(ctx, func() bool { return done || failed != nil }); err != nil || ctx.Err() != nil {
			t.Fatalf("%s: %v, %v", path, err, ctx.Err())
		}
		return code, got
	}
	for range 3 {
		if code, got := get("/small", true); code != 200 || string(got) != "hello" {
			t.Errorf("small: %d %q", code, got)
		}
		if code, got := get("/large", true); code != 200 || !bytes.Equal(got, body) {
			t.Errorf("large: %d, %d bytes", code, len(got))
		}
		before := l.bytes
		if code, got := get("/large", false); code != 200 || len(got) != 0 || l.bytes-before < int64(len(body)) {
			t.Errorf("large, thrown away: %d, %d bytes kept, %d counted", code, len(got), l.bytes-before)
		}
		if code, _ := get("/nothing", true); code != 404 {
			t.Errorf("nothing: %d", code)
		}
	}
	if get("/broken", false); !errors.Is(failed, errClosed) {
		t.Errorf("a server that hangs up: %v", failed)
	}
}

// TestPhase: nobody begins just before the next segment is listed.
func TestPhase(t *testing.T) {
	listed := time.Unix(1000, 0)
	for after, want := range map[time.Duration]time.Duration{
		0: 0, time.Second: time.Second, 1900 * time.Millisecond: 2400 * time.Millisecond, 5 * time.Second: 5 * time.Second,
	} {
		if got := phase(listed, listed.Add(after)).Sub(listed); got != want {
			t.Errorf("after %v: %v, want %v", after, got, want)
		}
	}
}
