package httpserve_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/media"
)

// promise lists the next segment of 360p as pending, beside the others.
func (p *publisher) promise() *media.Segment {
	r := p.rendition("360p")
	scale := media.Ticks(r.Timescale)
	seg := &media.Segment{MSN: p.msn, Start: media.Ticks(p.msn) * scale * 2, Duration: 2 * scale, Period: p.period, Init: p.init(r), Pending: true}
	p.st.AddSegment("360p", seg)
	p.segment("source", "audio")
	return seg
}

func (p *publisher) fill(promised *media.Segment) {
	seg := *promised
	seg.Pending = false
	seg.Parts = []*media.Part{{Serial: 1, MSN: seg.MSN, Start: seg.Start, Duration: seg.Duration, Bytes: []byte("made")}}
	seg.Size = 4
	p.st.Fill("360p", &seg)
}

func TestPendingSegmentsAreOrdered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		p := g.live(3)
		p.st.Rest("360p", true)
		seg := p.promise()
		texts := map[string]string{"/live/main/360p/index.m3u8": "", "/live/main/manifest.mpd": "", "/live/main/index.m3u8": ""}
		for path := range texts {
			texts[path] = g.get(path).Body.String()
		}
		<-p.st.Awake() // the playlist's doing
		path := segmentPath("360p", seg.MSN, 90_000)
		first, second := g.ask(path), g.ask(path)
		synctest.Wait()
		<-p.st.Awake()
		if start, ok := p.st.TakeWanted("360p"); !ok || start != seg.Start {
			t.Errorf("ordered from %d (%v), want %d", start, ok, seg.Start)
		}
		after(2 * time.Second)
		synctest.Wait()
		if len(first)+len(second) != 0 {
			t.Fatal("answered before it was made")
		}
		p.fill(seg)
		for _, w := range []*httptest.ResponseRecorder{<-first, <-second} {
			if w.Code != http.StatusOK || w.Body.String() != "made" {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
		renders := g.counter(t, "weir_http_renders_total")
		for path, before := range texts {
			if now := g.get(path).Body.String(); now != before {
				t.Errorf("%s has changed:\n%s\n%s", path, before, now)
			}
		}
		if now := g.counter(t, "weir_http_renders_total"); now != renders {
			t.Errorf("%v texts were rendered again", now-renders)
		}
	})
}

func TestOrdersHaveALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateway(t, nil)
		seg := g.live(3).promise()
		began := time.Now()
		w := <-g.ask(segmentPath("360p", seg.MSN, 90_000))
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("held for %s", took)
		}
		if h := w.Header(); w.Code != http.StatusServiceUnavailable || h.Get("Retry-After") != "1" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v %s", w.Code, h, w.Body)
		}
	})
}

func TestOrdersThatCannotBeMadeAreRefused(t *testing.T) {
	for name, refuse := range map[string]func(g *gateway, p *publisher, seg *media.Segment){
		"forfeited": func(_ *gateway, p *publisher, seg *media.Segment) { p.st.Forfeit("360p", seg.MSN, seg.MSN+1) },
		"removed":   func(g *gateway, _ *publisher, _ *media.Segment) { g.store.Remove("main") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGateway(t, nil)
				p := g.live(3)
				seg := p.promise()
				answer := g.ask(segmentPath("360p", seg.MSN, 90_000))
				synctest.Wait()
				began := time.Now()
				refuse(g, p, seg)
				if w := <-answer; w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != "public, max-age=1" {
					t.Errorf("%d %v", w.Code, w.Header())
				}
				if time.Since(began) != 0 {
					t.Error("it took time")
				}
			})
		})
	}
}
