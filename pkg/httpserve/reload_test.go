package httpserve_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/media"
)

const source = "/live/main/source/index.m3u8"

// lowLatency publishes the stream main at a constant rate: three segments and
// the first part of another.
func (g *gateway) lowLatency() *publisher {
	p := g.regular()
	for range 3 {
		p.segment("source", "360p", "audio")
	}
	p.part("source", 0)
	return p
}

// regular announces the stream main with a constant rate.
func (g *gateway) regular() *publisher {
	p := g.publish()
	for _, r := range p.tracks {
		if r.Kind == media.Video {
			r.FrameRate = media.Rational{Num: 30, Den: 1}
		}
	}
	p.describe("source", "360p", "audio")
	return p
}

// part adds one part to the open segment of a rendition; segment completes it
// with parts of the same numbers.
func (p *publisher) part(id string, index int) {
	r := p.rendition(id)
	second := media.Ticks(r.Timescale)
	start := (2*media.Ticks(p.msn) + media.Ticks(index)) * second
	p.st.AddPart(id, &media.Part{
		Serial: p.msn*2 + uint64(index), MSN: p.msn, Index: index, Independent: index == 0,
		Start: start, Duration: second, Bytes: []byte("part"),
	}, p.period)
}

func reloadPath(msn, part int) string {
	return fmt.Sprintf("%s?_HLS_msn=%d&_HLS_part=%d", source, msn, part)
}

// TestReloadIsReleased asks for what is not there yet and then publishes it.
func TestReloadIsReleased(t *testing.T) {
	const open = startMSN + 3 // its part 0 is out
	for name, c := range map[string]struct {
		path string
		// early must not release it, late must.
		early, late func(p *publisher)
		want        string
	}{
		"the next part": {
			reloadPath(open, 1),
			func(p *publisher) { p.part("360p", 0) },
			func(p *publisher) { p.part("source", 1) },
			fmt.Sprintf("part-%d.m4s", open*2+1),
		},
		"the open segment": {
			source + fmt.Sprintf("?_HLS_msn=%d", open),
			func(p *publisher) { p.part("source", 1) },
			func(p *publisher) { p.segment("source") },
			fmt.Sprintf("%d.m4s", open*180_000),
		},
		"a part behind the segment's last": {
			reloadPath(open, 7),
			func(p *publisher) { p.segment("source") },
			func(p *publisher) { p.part("source", 0) },
			fmt.Sprintf("part-%d.m4s", open*2+2),
		},
		"the next segment's first part": {
			reloadPath(open+1, 0),
			func(p *publisher) { p.segment("source") },
			func(p *publisher) { p.part("source", 0) },
			fmt.Sprintf("part-%d.m4s", open*2+2),
		},
		"a gap": {
			reloadPath(open, 1),
			func(*publisher) {},
			func(p *publisher) { p.gap("source") },
			"#EXT-X-GAP",
		},
		"the end of the stream": {
			reloadPath(open, 1),
			func(*publisher) {},
			func(p *publisher) { p.st.End() },
			"#EXT-X-ENDLIST",
		},
		"a delta update": {
			reloadPath(open, 1) + "&_HLS_skip=YES",
			func(*publisher) {},
			func(p *publisher) { p.part("source", 1) },
			fmt.Sprintf("part-%d.m4s", open*2+1),
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGateway(t, nil)
				p := g.lowLatency()
				answer := g.ask(c.path)
				c.early(p)
				synctest.Wait()
				if len(answer) != 0 {
					t.Fatalf("answered too early: %s", (<-answer).Body)
				}
				after(time.Second)
				released := time.Now()
				c.late(p)
				w := <-answer
				if took := time.Since(released); took != 0 || w.Code != http.StatusOK || !contains(w, c.want) {
					t.Errorf("after %s: %d %s, want it to list %s", took, w.Code, w.Body, c.want)
				}
				want := "public, max-age=12"
				if contains(w, "#EXT-X-ENDLIST") {
					want = "public, max-age=1" // the stream may go on
				}
				if got := w.Header().Get("Cache-Control"); got != want {
					t.Errorf("Cache-Control %q", got)
				}
			})
		})
	}
}

// TestReloadOfWhatIsThere is answered at once.
// TestOneSegmentWillDo: a player that plays parts may begin with one segment;
// others wait for two.
func TestOneSegmentWillDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		p := g.regular()
		low, other := g.ask("/live/main/source/index.m3u8?ll=1"), g.ask("/live/main/source/index.m3u8")
		p.segment("source", "360p", "audio")
		synctest.Wait()
		if w := <-low; w.Code != http.StatusOK || !contains(w, "#EXTINF:") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if len(other) != 0 {
			t.Error("a player that may need whole segments was answered with one")
		}
		p.segment("source", "360p", "audio")
		if w := <-other; w.Code != http.StatusOK {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

func TestReloadOfWhatIsThere(t *testing.T) {
	g := newGateway(t, nil)
	g.lowLatency()
	for _, path := range []string{
		source, reloadPath(startMSN+3, 0), reloadPath(startMSN+2, 1), reloadPath(startMSN, 50), reloadPath(7, 0),
		source + fmt.Sprintf("?_HLS_msn=%d", startMSN+2),
	} {
		if w := g.get(path); w.Code != http.StatusOK {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestReloadIsRefused(t *testing.T) {
	g := newGateway(t, nil)
	g.lowLatency()
	for _, query := range []string{
		fmt.Sprintf("_HLS_msn=%d", startMSN+5), fmt.Sprintf("_HLS_msn=%d&_HLS_part=0", startMSN+5),
		"_HLS_part=0", "_HLS_msn=-1", "_HLS_msn=x", "_HLS_msn=", "_HLS_msn=007", "_HLS_msn=1&_HLS_msn=2", "_HLS_msn=99999999999999999999",
		fmt.Sprintf("_HLS_msn=%d&_HLS_part=-1", startMSN), fmt.Sprintf("_HLS_msn=%d&_HLS_part=1.5", startMSN),
		"_HLS_skip=NO", "_HLS_skip=YES&_HLS_skip=YES",
	} {
		w := g.get(source + "?" + query)
		if w.Code != http.StatusBadRequest || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d %v", query, w.Code, w.Header())
		}
	}
	if w := g.get("/live/main/8k/index.m3u8?_HLS_msn=1"); w.Code != http.StatusNotFound {
		t.Errorf("a rendition that is not there: %d", w.Code)
	}
}

func TestReloadHasALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		g.lowLatency()
		for _, path := range []string{reloadPath(startMSN+3, 1), fmt.Sprintf("/live/main/source/part-%d.m4s", startMSN*2+7)} {
			began := time.Now()
			w := <-g.ask(path)
			if took := time.Since(began); took != 6*time.Second || w.Code != http.StatusServiceUnavailable ||
				w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Retry-After") == "" {
				t.Errorf("%s: after %s %d %v", path, took, w.Code, w.Header())
			}
		}
	})
}

func TestReloadIsLetGo(t *testing.T) {
	for name, letGo := range map[string]func(g *gateway, cancel context.CancelFunc){
		"draining": func(g *gateway, _ context.CancelFunc) { close(g.draining) },
		"removed":  func(g *gateway, _ context.CancelFunc) { g.store.Remove("main") },
		"viewer":   func(_ *gateway, cancel context.CancelFunc) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGateway(t, nil)
				g.lowLatency()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				answers := make(chan int)
				for _, path := range []string{reloadPath(startMSN+3, 1), fmt.Sprintf("/live/main/source/part-%d.m4s", startMSN*2+7)} {
					go func() {
						r, _ := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
						answers <- g.serve(r).Code
					}()
				}
				synctest.Wait()
				began := time.Now()
				letGo(g, cancel)
				for range 2 {
					if code := <-answers; code == http.StatusOK || time.Since(began) != 0 {
						t.Errorf("code %d after %s", code, time.Since(began))
					}
				}
			})
		})
	}
}

// TestHintComesTrue follows the hint of each playlist before its part exists.
func TestHintComesTrue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		p := g.lowLatency()
		for _, publish := range []func(){
			func() { p.part("source", 1) },
			func() { p.segment("source"); p.part("source", 0) },
			func() { p.st.DropParts("source"); p.part("source", 1) }, // it starts again
		} {
			_, hint, ok := strings.Cut(g.get(source).Body.String(), "PRELOAD-HINT:TYPE=PART,URI=\"")
			uri, _, _ := strings.Cut(hint, "\"")
			if !ok {
				t.Fatal("no hint")
			}
			answer := g.ask("/live/main/source/" + uri)
			synctest.Wait()
			if len(answer) != 0 {
				t.Fatalf("%s is answered before it exists", uri)
			}
			publish()
			if w := <-answer; w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "public, max-age=3600, immutable" {
				t.Errorf("%s: %d %v", uri, w.Code, w.Header())
			}
			if w := g.get(source); !contains(w, `URI="`+uri) || contains(w, `HINT:TYPE=PART,URI="`+uri) {
				t.Errorf("%s was the hint and is not listed: %s", uri, w.Body)
			}
		}
		beyond := fmt.Sprintf("/live/main/source/part-%d.m4s", (startMSN+9)*2)
		if w := g.get(beyond); w.Code != http.StatusNotFound {
			t.Errorf("a part that nobody hinted at: %d", w.Code)
		}
		answer := g.ask(fmt.Sprintf("/live/main/source/part-%d.m4s", (startMSN+4)*2+2))
		synctest.Wait()
		p.st.End()
		if w := <-answer; w.Code != http.StatusNotFound {
			t.Errorf("a part that does not come any more: %d", w.Code)
		}
	})
}

// TestQueriesMakeNoRenders: whatever players and caches put into a query, there
// are as many renderings as there are forms.
func TestQueriesMakeNoRenders(t *testing.T) {
	g := newGateway(t, nil)
	g.lowLatency()
	bodies := map[string]int{}
	for i := range 50 {
		for _, query := range []string{
			fmt.Sprintf("x=%d", i), fmt.Sprintf("_HLS_msn=%d&_HLS_part=0&y=%d", startMSN+3, i), fmt.Sprintf("_HLS_part=%d&_HLS_msn=%d", i, startMSN),
			fmt.Sprintf("_HLS_skip=YES&n=%d", i), fmt.Sprintf("_HLS_skip=v2&_HLS_msn=%d", startMSN), fmt.Sprintf("ll=0&_HLS_msn=%d", startMSN),
			"ll=0&_HLS_skip=YES", "ll=1",
		} {
			w := g.get(source + "?" + query)
			if w.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", query, w.Code, w.Body)
			}
			bodies[w.Body.String()]++
		}
	}
	if got := g.counter(t, "weir_http_renders_total", "kind", "playlist"); got != 3 {
		t.Errorf("%v renderings of the full, the plain and the delta form", got)
	}
	if len(bodies) > 3 {
		t.Errorf("%d different playlists", len(bodies))
	}
}

// TestPlainForm leads from the multivariant playlist to what an old player reads.
func TestPlainForm(t *testing.T) {
	g := newGateway(t, nil)
	g.lowLatency()
	for _, index := range []string{"/live/main/index.m3u8", "/live/main/index.m3u8?ll=0"} {
		isPlain := strings.HasSuffix(index, "ll=0")
		for _, address := range g.hlsAddresses(t, index) {
			w := g.get(address)
			if isLow := contains(w, "PART"); w.Code != http.StatusOK || isLow == (isPlain || strings.Contains(address, "iframes")) {
				t.Errorf("%s from %s: %d, parts %v", address, index, w.Code, isLow)
			}
		}
	}
	if w := g.get("/live/main/8k/iframes.m3u8"); w.Code != http.StatusNotFound {
		t.Errorf("I-frames of a rendition that is not there: %d", w.Code)
	}
}
