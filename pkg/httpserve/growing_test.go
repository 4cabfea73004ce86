package httpserve_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/media"
)

// openPart publishes one more part of the source's open segment.
func (p *publisher) openPart(open *media.Segment) {
	const length = 31_500
	i := len(open.Parts)
	part := &media.Part{
		Serial: p.msn*10 + uint64(i), MSN: p.msn, Index: i, Independent: i == 0,
		Start: open.Start + media.Ticks(i)*length, Duration: length,
		Bytes: bytes.Repeat([]byte{byte('a' + i)}, p.size),
	}
	p.st.AddPart("source", part, p.period)
	open.Parts = append(open.Parts, part)
	open.Duration += length
}

// open begins the next segment of the source without a part.
func (p *publisher) open() *media.Segment {
	return &media.Segment{
		MSN: p.msn, Start: media.Ticks(p.msn) * 180_000, Period: p.period, Init: p.init(p.rendition("source")),
	}
}

// grow asks on a connection of its own for the source's segment, and returns
// the response's header and body.
func (g *gateway) grow(t *testing.T, path string) (http.Header, io.Reader) {
	t.Helper()
	conn := g.dial(t)
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: weir\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReaderSize(conn, 4096), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK || len(res.TransferEncoding) != 1 || res.ContentLength >= 0 {
		t.Errorf("%d, %v, %d bytes", res.StatusCode, res.TransferEncoding, res.ContentLength)
	}
	return res.Header, res.Body
}

// arrives reads n bytes, which have to be there without any time going by.
func arrives(t *testing.T, body io.Reader, n int) string {
	t.Helper()
	began, got := time.Now(), make([]byte, n)
	if _, err := io.ReadFull(body, got); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took != 0 {
		t.Errorf("a part arrives after %s", took)
	}
	return string(got)
}

func TestAnOpenSegmentGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		p := g.live(3)
		open, path := p.open(), segmentPath("source", p.msn, 90_000)
		p.openPart(open)
		p.openPart(open)
		h, body := g.grow(t, path)
		var got strings.Builder
		got.WriteString(arrives(t, body, 20))
		for range 4 {
			after(350 * time.Millisecond)
			p.openPart(open)
			got.WriteString(arrives(t, body, 10))
		}
		p.st.AddSegment("source", open)
		rest, err := io.ReadAll(body)
		whole := g.get(path)
		if err != nil || len(rest) > 0 || got.String() != whole.Body.String() || got.Len() != 60 {
			t.Errorf("grown %q and %q, %v; complete %q", got.String(), rest, err, whole.Body)
		}
		for _, name := range []string{"ETag", "Cache-Control", "Content-Type"} {
			if h.Get(name) != whole.Header().Get(name) {
				t.Errorf("%s: grown %q, complete %q", name, h.Get(name), whole.Header().Get(name))
			}
		}
	})
}

// TestALastPartComesWithItsSegment: the last part and the end may be published
// before a viewer is told of either.
func TestALastPartComesWithItsSegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		p := g.live(1)
		open := p.open()
		p.openPart(open)
		_, body := g.grow(t, segmentPath("source", p.msn, 90_000))
		p.openPart(open)
		p.st.AddSegment("source", open)
		p.st.End()
		if got, err := io.ReadAll(body); err != nil || string(got) != "aaaaaaaaaabbbbbbbbbb" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// TestWhatIsGivenUpBreaks: half a segment never looks like a whole one.
func TestWhatIsGivenUpBreaks(t *testing.T) {
	for name, c := range map[string]struct {
		giveUp func(g *gateway, p *publisher, open *media.Segment)
		after  time.Duration
	}{
		"started again": {giveUp: func(_ *gateway, p *publisher, _ *media.Segment) { p.st.DropParts("source") }},
		"gap": {giveUp: func(_ *gateway, p *publisher, open *media.Segment) {
			p.st.AddSegment("source", &media.Segment{MSN: open.MSN, Start: open.Start, Duration: 180_000, Period: p.period, Gap: true})
		}},
		"replaced": {giveUp: func(_ *gateway, p *publisher, open *media.Segment) {
			again := *open
			again.Parts = []*media.Part{{MSN: open.MSN, Start: open.Start, Bytes: []byte("another")}}
			p.st.AddSegment("source", &again)
		}},
		"removed":        {giveUp: func(g *gateway, _ *publisher, _ *media.Segment) { g.store.Remove("main") }},
		"draining":       {giveUp: func(g *gateway, _ *publisher, _ *media.Segment) { close(g.draining) }},
		"published anew": {giveUp: func(_ *gateway, p *publisher, _ *media.Segment) { p.st.Resume() }},
		"nothing more":   {giveUp: func(*gateway, *publisher, *media.Segment) {}, after: 6 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGateway(t, nil)
				p := g.live(3)
				open := p.open()
				p.openPart(open)
				_, body := g.grow(t, segmentPath("source", p.msn, 90_000))
				arrives(t, body, 10)
				began := time.Now()
				c.giveUp(g, p, open)
				if rest, err := io.ReadAll(body); err == nil || len(rest) > 0 {
					t.Errorf("it ended with %q as if it were whole", rest)
				}
				if took := time.Since(began); took != c.after {
					t.Errorf("it broke after %s", took)
				}
			})
		})
	}
}

func TestAViewerOfAnOpenSegmentHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		p := g.live(3)
		open := p.open()
		p.openPart(open)
		conn := g.dial(t)
		_, body := request(t, conn, http.MethodGet, segmentPath("source", p.msn, 90_000))
		arrives(t, body, 10)
		synctest.Wait()
		if n := g.counter(t, "weir_http_held_requests"); n != 1 {
			t.Errorf("%v requests are held", n)
		}
		conn.Close()
		synctest.Wait()
		if n := g.counter(t, "weir_http_held_requests"); n != 0 {
			t.Errorf("%v requests are held after it", n)
		}
	})
}

func TestASlowViewerOfAnOpenSegmentIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		p := g.live(3)
		p.size = bigPart
		open := p.open()
		p.openPart(open)
		_, body := g.grow(t, segmentPath("source", p.msn, 90_000))
		arrives(t, body, 100_000)
		p.openPart(open)
		p.st.AddSegment("source", open)
		after(16 * time.Second)
		if n, err := io.Copy(io.Discard, body); err == nil || n > 200_000 {
			t.Errorf("after 16 s of silence: %d bytes more, %v", n, err)
		}
	})
}

// TestTheNextSegmentMayBeAskedForEarly: where it begins is known as soon as the
// one before it is complete.
func TestTheNextSegmentMayBeAskedForEarly(t *testing.T) {
	for name, c := range map[string]struct {
		off, took time.Duration
		publish   bool
		want      int
	}{
		"comes":    {took: time.Second, publish: true, want: http.StatusOK},
		"late":     {took: 2 * time.Second, want: http.StatusNotFound},
		"past it":  {off: time.Millisecond, want: http.StatusNotFound},
		"far away": {off: 2 * time.Second, want: http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGateway(t, nil)
				p := g.live(3)
				open, began := p.open(), time.Now()
				answer := g.ask(fmt.Sprintf("/live/main/source/%d.m4s", open.Start+media.VideoTimescale.Ticks(c.off)))
				if c.publish {
					after(time.Second)
					p.openPart(open)
					p.st.AddSegment("source", open)
				}
				if w := <-answer; w.Code != c.want || time.Since(began) != c.took {
					t.Errorf("%d after %s: %s", w.Code, time.Since(began), w.Body)
				}
			})
		})
	}
}

// TestWhoCannotTakeAGrowingBodyWaits for the complete one.
func TestWhoCannotTakeAGrowingBodyWaits(t *testing.T) {
	for name, c := range map[string]struct {
		header, version string
		code            int
		body            string
	}{
		"a range":  {header: "bytes=5-14", version: "HTTP/1.1", code: http.StatusPartialContent, body: "aaaaabbbbb"},
		"HTTP/1.0": {version: "HTTP/1.0", code: http.StatusOK, body: "aaaaaaaaaabbbbbbbbbb"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGateway(t, nil)
				p := g.live(3)
				open := p.open()
				p.openPart(open)
				r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, segmentPath("source", p.msn, 90_000), nil)
				r.ProtoMajor, r.ProtoMinor, _ = http.ParseHTTPVersion(c.version)
				if c.header != "" {
					r.Header.Set("Range", c.header)
				}
				done := make(chan struct{})
				go func() {
					defer close(done)
					if w := g.serve(r); w.Code != c.code || w.Body.String() != c.body || w.Header().Get("Content-Length") == "" {
						t.Errorf("%d %v %q", w.Code, w.Header(), w.Body)
					}
				}()
				synctest.Wait()
				p.openPart(open)
				p.st.AddSegment("source", open)
				<-done
			})
		})
	}
}

func TestHeadOfAnOpenSegmentDoesNotWait(t *testing.T) {
	g := newGateway(t, nil)
	p := g.live(3)
	open := p.open()
	p.openPart(open)
	w := g.do(http.MethodHead, segmentPath("source", p.msn, 90_000))
	if w.Code != http.StatusOK || w.Header().Get("Content-Length") != "" || w.Header().Get("ETag") == "" || w.Body.Len() > 0 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// TestTheLowLatencyManifestListsWhatIsOpen where frames come regularly: then the
// segment that it lists can be asked for.
func TestTheLowLatencyManifestListsWhatIsOpen(t *testing.T) {
	for _, regular := range []bool{true, false} {
		g := newGateway(t, nil)
		p := g.publish()
		for _, r := range p.tracks {
			if regular && r.Kind == media.Video {
				r.FrameRate = media.Rational{Num: 30, Den: 1}
			}
		}
		p.describe("source", "360p", "audio")
		for range 3 {
			p.segment("source", "360p", "audio")
		}
		open := p.open()
		p.openPart(open)
		// Every segment lasts as long, so what is open is one more repetition.
		one := func(n int) string { return fmt.Sprintf(`<S t="%d" d="180000" r="%d">`, startMSN*180_000, n-1) }
		plain, low := g.get("/live/main/manifest.mpd"), g.get("/live/main/manifest-ll.mpd")
		if !contains(plain, one(3)) || contains(plain, "availabilityTimeOffset") {
			t.Errorf("manifest.mpd is not plain: %s", plain.Body)
		}
		if contains(low, one(4)) != regular || contains(low, `availabilityTimeComplete="false"`) != regular {
			t.Errorf("regular %v: %s", regular, low.Body)
		}
		if !regular && low.Body.String() != plain.Body.String() {
			t.Errorf("without parts, the two differ: %s", low.Body)
		}
		if h := low.Header(); h.Get("Cache-Control") != "public, max-age=0, s-maxage=1" || h.Get("Content-Type") != "application/dash+xml" {
			t.Errorf("%v", h)
		}
		again := g.get("/live/main/manifest-ll.mpd", "If-None-Match", low.Header().Get("ETag"))
		if again.Code != http.StatusNotModified {
			t.Errorf("unchanged: %d", again.Code)
		}
		before := g.counter(t, "weir_http_renders_total", "kind", "manifest")
		p.openPart(open)
		if w := g.get("/live/main/manifest-ll.mpd"); w.Body.String() != low.Body.String() {
			t.Errorf("another part changes the manifest:\n%s\n%s", w.Body, low.Body)
		}
		if n := g.counter(t, "weir_http_renders_total", "kind", "manifest") - before; n != 1 {
			t.Errorf("rendered %v times", n)
		}
	}
}

// TestTheLowLatencyManifestNeedsOneSegment of every rendition, since parts follow
// it; the plain one needs two.
func TestTheLowLatencyManifestNeedsOneSegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		p := g.publish()
		for _, r := range p.tracks {
			if r.Kind == media.Video {
				r.FrameRate = media.Rational{Num: 30, Den: 1}
			}
		}
		p.describe("source", "360p", "audio")
		plain, low := g.ask("/live/main/manifest.mpd"), g.ask("/live/main/manifest-ll.mpd")
		p.segment("source", "360p")
		p.msn--
		synctest.Wait()
		if len(plain)+len(low) > 0 {
			t.Fatal("answered without audio")
		}
		p.segment("audio")
		synctest.Wait()
		if len(plain) > 0 || len(low) == 0 {
			t.Fatalf("with one segment of each: plain answered %v, low latency %v", len(plain) > 0, len(low) > 0)
		}
		if w := <-low; w.Code != http.StatusOK || !contains(w, "availabilityTimeOffset") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		p.segment("source", "360p", "audio")
		<-plain
	})
}
