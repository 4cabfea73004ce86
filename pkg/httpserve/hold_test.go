package httpserve_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// ask starts a request in the bubble and returns where its answer will be.
func (g *gateway) ask(path string) <-chan *httptest.ResponseRecorder {
	answer := make(chan *httptest.ResponseRecorder, 1)
	go func() { answer <- g.get(path) }()
	return answer
}

// after lets d pass.
func after(d time.Duration) { <-time.After(d) }

func TestRequestsAreHeldUntilTheStreamStarts(t *testing.T) {
	for _, path := range []string{"/live/main/index.m3u8", "/live/main/source/index.m3u8", "/live/main/manifest.mpd"} {
		t.Run(path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGateway(t, nil)
				g.store.Open("main")
				answer := g.ask(path)
				synctest.Wait()
				if n := g.counter(t, "weir_http_held_requests"); n != 1 {
					t.Errorf("%v requests are held", n)
				}
				after(time.Second)
				p := g.publish()
				p.describe("source", "360p")
				after(time.Second)
				p.segment("source", "360p", "audio")
				synctest.Wait()
				if len(answer) != 0 {
					t.Fatal("answered before audio was described and with one segment alone")
				}
				p.describe("audio")
				after(2 * time.Second)
				p.segment("source", "360p", "audio")
				if w := <-answer; w.Code != http.StatusOK {
					t.Fatalf("%d %s", w.Code, w.Body)
				}
				if n := g.counter(t, "weir_http_held_requests"); n != 0 {
					t.Errorf("%v requests are held at the end", n)
				}
			})
		})
	}
}

func TestHoldingHasALimit(t *testing.T) {
	for _, expected := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g := newGateway(t, nil)
			st := g.store.Open("main")
			if expected {
				st.Expect()
			}
			began := time.Now()
			w := <-g.ask("/live/main/index.m3u8")
			if took := time.Since(began); took != 6*time.Second {
				t.Errorf("held for %s", took)
			}
			h := w.Header()
			if w.Code != http.StatusServiceUnavailable || h.Get("Retry-After") != "2" || h.Get("Cache-Control") != "no-store" || h.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%d %v %s", w.Code, h, w.Body)
			}
		})
	}
}

func TestAtTheLimitWhatIsThereIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		p := g.publish()
		p.describe("source", "audio")
		p.segment("source", "audio")
		for _, path := range []string{"/live/main/index.m3u8", "/live/main/manifest.mpd", "/live/main/source/index.m3u8"} {
			w := <-g.ask(path)
			if w.Code != http.StatusOK {
				t.Errorf("%s: %d", path, w.Code)
			}
			if path != "/live/main/source/index.m3u8" && contains(w, "360p") {
				t.Errorf("%s lists a rendition that nobody can play: %s", path, w.Body)
			}
		}
		if w := <-g.ask("/live/main/360p/index.m3u8"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("a rendition without segments: %d", w.Code)
		}
		p.describe("360p")
		if w := g.get("/live/main/index.m3u8"); !contains(w, "360p") {
			t.Errorf("the rendition is back and not listed: %s", w.Body)
		}
	})
}

func TestHeldRequestsAreLetGo(t *testing.T) {
	for name, letGo := range map[string]func(g *gateway, cancel context.CancelFunc){
		"draining": func(g *gateway, _ context.CancelFunc) { close(g.draining) },
		"removed":  func(g *gateway, _ context.CancelFunc) { g.store.Remove("main") },
		"viewer":   func(_ *gateway, cancel context.CancelFunc) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGateway(t, nil)
				g.store.Open("main")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				answer := make(chan int)
				go func() {
					r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "/live/main/index.m3u8", nil)
					answer <- g.serve(r).Code
				}()
				synctest.Wait()
				began := time.Now()
				letGo(g, cancel)
				want := map[string]int{"removed": http.StatusNotFound}[name]
				if code := <-answer; (want != 0 && code != want) || (want == 0 && code != http.StatusServiceUnavailable) {
					t.Errorf("code %d", code)
				}
				if time.Since(began) != 0 {
					t.Error("it took time")
				}
			})
		})
	}
}

func TestEndedStreamsAreServedWithWhatTheyHave(t *testing.T) {
	g := newGateway(t, nil)
	p := g.live(1)
	p.st.End()
	for _, path := range []string{"/live/main/index.m3u8", "/live/main/manifest.mpd", "/live/main/source/index.m3u8"} {
		if w := g.get(path); w.Code != http.StatusOK {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestRendersDoNotDependOnViewers(t *testing.T) {
	const versions, viewers = 5, 200
	g := newGateway(t, nil)
	p := g.live(3)
	for range versions {
		p.segment("source", "360p", "audio")
		var all sync.WaitGroup
		for range viewers {
			all.Go(func() {
				for _, path := range []string{"/live/main/index.m3u8", "/live/main/manifest.mpd", "/live/main/source/index.m3u8", "/live/main/360p/index.m3u8"} {
					if w := g.get(path, "Accept-Encoding", "gzip"); w.Code != http.StatusOK {
						t.Errorf("%s: %d", path, w.Code)
					}
				}
			})
		}
		all.Wait()
	}
	for kind, want := range map[string]float64{"multivariant": versions, "manifest": versions, "playlist": 2 * versions} {
		if got := g.counter(t, "weir_http_renders_total", "kind", kind); got != want {
			t.Errorf("%s was rendered %v times for %d versions and %d viewers, want %v", kind, got, versions, viewers, want)
		}
	}
}

func TestTextsOfAStreamThatIsGoneAreNotServed(t *testing.T) {
	g := newGateway(t, nil)
	g.live(3)
	const path = "/live/main/source/index.m3u8"
	before := g.get(path).Body.String()
	g.store.Remove("main")
	if w := g.get(path); w.Code != http.StatusNotFound {
		t.Errorf("after the stream was removed: %d", w.Code)
	}
	p := g.publish()
	p.msn += 100
	p.describe("source", "360p", "audio")
	p.segment("source", "360p", "audio")
	p.segment("source", "360p", "audio")
	if w := g.get(path); w.Code != http.StatusOK || w.Body.String() == before {
		t.Errorf("another stream of that name: %d %s", w.Code, w.Body)
	}
}

func TestDemandIsRecorded(t *testing.T) {
	g := newGateway(t, nil)
	p := g.live(3)
	g.get("/live/main/index.m3u8")
	if !p.st.LastAsked("source").IsZero() {
		t.Error("asking for the multivariant playlist asks for no rendition")
	}
	g.get("/live/main/source/index.m3u8")
	g.get(segmentPath("audio", startMSN, 48_000))
	if p.st.LastAsked("source").IsZero() || p.st.LastAsked("audio").IsZero() || !p.st.LastAsked("360p").IsZero() {
		t.Error("demand is not what was asked for")
	}
}

// TestMediaAfterRestart: a player that asks for what it knew before is asked to
// wait, rather than told that there is no such thing.
func TestMediaAfterRestart(t *testing.T) {
	g := newGateway(t, nil)
	g.store.Open("main").Expect()
	for _, path := range []string{"/live/main/audio/48000.m4s", "/live/main/source/part-7.m4s", "/live/main/source/init-00.mp4"} {
		if w := g.get(path); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
}
