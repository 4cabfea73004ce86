package verify

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// healthyParts are the two halves of segment n.
func healthyParts(id string, n uint64) []part {
	_, duration, timescale := place(id, n)
	half := clockTime(duration/2, timescale)
	uri := func(serial uint64) string { return fmt.Sprintf("%s%s/part-%d.m4s", origin, id, serial) }
	return []part{
		{url: uri(2 * n), duration: half, independent: true},
		{url: uri(2*n + 1), duration: clockTime(duration, timescale) - half},
	}
}

// healthyLow is what the rendition answers to a low-latency player.
func healthyLow(o *observations, index int) *lowLatency {
	r := o.renditions[index]
	before := r.playlists[len(r.playlists)-1]
	msn := before.sequence + uint64(len(before.entries))
	ok := exchange{kind: kindPlaylist, url: r.url, status: http.StatusOK}
	after := before
	after.open = healthyParts(r.name[:len(r.name)-len("/index.m3u8")], msn-firstMSN)
	delta := after
	delta.skipped = 1
	l := &lowLatency{
		name: r.name, before: before, msn: msn, part: 1,
		reload: answer{exchange: ok, playlist: after, took: 300 * time.Millisecond},
		hint:   answer{exchange: ok}, hinted: &segment{chunks: []chunk{{}}},
		delta:  answer{exchange: ok, playlist: delta},
		full:   answer{exchange: ok, playlist: after},
		tooFar: exchange{status: http.StatusBadRequest},
	}
	for _, one := range before.reports {
		l.siblings = append(l.siblings, sibling{report: one, known: true, before: edge{msn, 0}, after: edge{msn, 1}})
	}
	return l
}

func lowBreakages() map[string][]breakage {
	return map[string][]breakage{
		"LL-CONTROL": {
			{func(o *observations) { o.renditions[1].playlists[0].partHoldBack = 3 * time.Second }, "PART-HOLD-BACK 3s"},
			{func(o *observations) { o.renditions[1].playlists[0].holdBack = 4 * time.Second }, "HOLD-BACK 4s"},
			{func(o *observations) { o.renditions[0].playlists[1].skipUntil = 10 * time.Second }, "CAN-SKIP-UNTIL 10s"},
			{func(o *observations) { o.renditions[2].playlists[0].holdBack = 8 * time.Second }, "was said before"},
		},
		"LL-PART-DURATION": {
			{func(o *observations) {
				o.renditions[0].playlists[0].entries[0].parts[1].duration = 1100 * time.Millisecond
			}, "lasts 1.1s"},
			{func(o *observations) {
				o.renditions[0].playlists[0].entries[0].parts[0].duration = 800 * time.Millisecond
			}, "less than 85"},
			{func(o *observations) {
				p := &o.renditions[0].playlists[0]
				p.open = append(p.open[:1:1], p.open[0])
				p.open[0].duration = 800 * time.Millisecond
			}, "less than 85"},
		},
		"LL-PART-SUM": {{func(o *observations) {
			o.renditions[0].playlists[0].entries[0].parts[1].duration -= 5 * time.Millisecond
		}, "the segment 2s"}},
		"LL-PART-KEPT": {{func(o *observations) {
			p := o.renditions[0].playlists[1].entries[0].parts
			p[0], p[1] = p[1], p[0]
		}, "became part"}},
		"LL-RELOAD": {
			{func(o *observations) { o.low[0].reload.status = http.StatusServiceUnavailable }, "503"},
			{func(o *observations) { o.low[0].reload.open = nil }, "has no part 1"},
			{func(o *observations) { o.low[0].reload.took = 8 * time.Second }, "after 8s"},
		},
		"LL-HINT": {
			{func(o *observations) { o.low[1].hint.status = http.StatusNotFound }, "404"},
			{func(o *observations) { o.low[1].hinted.fault = "cut off" }, "360p"},
			{func(o *observations) { o.low[1].reload.open[1].url = "part-7.m4s" }, "part-7.m4s came"},
		},
		"LL-DELTA": {
			{func(o *observations) { o.low[0].delta.status = http.StatusBadRequest }, "400"},
			{func(o *observations) { o.low[0].delta.entries = o.low[0].delta.entries[2:] }, "before the edge"},
			{deltaWith(func(e *entry) { e.duration++ }), "duration"},
			{deltaWith(func(e *entry) { e.url = "other.m4s" }), "URI"},
			{deltaWith(func(e *entry) { e.date = e.date.Add(time.Second) }), "date"},
			{deltaWith(func(e *entry) { e.gap = !e.gap }), "EXT-X-GAP"},
			{deltaWith(func(e *entry) { e.init = "" }), "EXT-X-MAP"},
			{deltaWith(func(e *entry) { e.parts = []part{{}} }), "part"},
		},
		"LL-TOO-FAR": {{func(o *observations) { o.low[2].tooFar.status = http.StatusOK }, "brought 200"}},
		"LL-REPORT": {
			{func(o *observations) { o.low[0].siblings = o.low[0].siblings[1:] }, "reports on 1 renditions"},
			{func(o *observations) { o.low[0].siblings[0].known = false }, "no playlist of the stream"},
			{func(o *observations) { o.low[0].siblings[0].part = 2 }, "before it has"},
			{func(o *observations) { o.low[0].siblings[0].msn -= 2 }, "it ends with"},
		},
		"HLS-IFRAMES": {
			{func(o *observations) { o.iframes[0].entries[0].bytes++ }, "301 bytes"},
			{func(o *observations) { o.first().chunks[0].idr = false }, "IDR picture false"},
		},
	}
}

// deltaWith changes a segment in the delta update alone.
func deltaWith(change func(e *entry)) func(o *observations) {
	return func(o *observations) {
		d := &o.low[0].delta
		d.entries = append([]entry(nil), d.entries...)
		change(&d.entries[2])
	}
}

func TestEdges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b edge
		want bool
	}{
		{edge{5, 1}, edge{5, 1}, true},
		{edge{5, 1}, edge{5, 2}, false},
		{edge{6, 0}, edge{5, 9}, true},
		{edge{5, -1}, edge{5, 3}, true},
		{edge{5, 3}, edge{5, -1}, false},
		{edge{4, 9}, edge{5, 0}, false},
	} {
		if got := c.a.atLeast(c.b); got != c.want {
			t.Errorf("%v at least %v: %v", c.a, c.b, got)
		}
	}
}

const lowPlaylist = `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.000,HOLD-BACK=6.000,PART-HOLD-BACK=1.050
#EXT-X-PART-INF:PART-TARGET=0.350
#EXT-X-MEDIA-SEQUENCE:41
#EXT-X-SKIP:SKIPPED-SEGMENTS=2
#EXT-X-MAP:URI="init-a.mp4"
#EXT-X-PART:DURATION=0.333333,URI="part-8.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.333333,URI="part-9.m4s",GAP=YES
#EXTINF:0.666667,
100.m4s
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T12:00:00.000Z
#EXT-X-PART:DURATION=0.333333,URI="part-10.m4s"
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-11.m4s"
#EXT-X-RENDITION-REPORT:URI="../audio/index.m3u8",LAST-MSN=44,LAST-PART=1
#EXT-X-RENDITION-REPORT:URI="../360p/index.m3u8",LAST-MSN=43
`

func TestParseLowLatency(t *testing.T) {
	t.Parallel()
	p, err := parsePlaylist(origin+"720p/index.m3u8", []byte(lowPlaylist))
	if err != nil {
		t.Fatal(err)
	}
	if !p.blocks || p.skipUntil != 12*time.Second || p.holdBack != 6*time.Second || p.partHoldBack != 1050*time.Millisecond ||
		p.partTarget != 350*time.Millisecond || p.skipped != 2 || p.hint != origin+"720p/part-11.m4s" || p.edge() != (edge{44, 0}) {
		t.Errorf("%+v", p)
	}
	if e := p.entries[0]; e.msn != 43 || len(e.parts) != 2 || !e.parts[0].independent || !e.parts[1].gap || e.parts[1].url != origin+"720p/part-9.m4s" {
		t.Errorf("%+v", e)
	}
	if want := (report{origin + "audio/index.m3u8", 44, 1}); len(p.reports) != 2 || p.reports[0] != want || p.reports[1].part != -1 {
		t.Errorf("%+v", p.reports)
	}
	for _, broken := range []string{
		"#EXT-X-PART:DURATION=x,URI=\"a\"", "#EXT-X-PART:DURATION=1", "#EXT-X-SKIP:SKIPPED-SEGMENTS=-1", "#EXT-X-PART-INF:PART-TARGET=NaN",
		"#EXT-X-PRELOAD-HINT:TYPE=PART", "#EXT-X-RENDITION-REPORT:URI=\"a\"", "#EXT-X-RENDITION-REPORT:URI=\"a\",LAST-MSN=1,LAST-PART=x",
		"#EXT-X-RENDITION-REPORT:LAST-MSN=1", "#EXT-X-SERVER-CONTROL:HOLD-BACK=x",
	} {
		if _, err := parsePlaylist(origin, []byte(lowPlaylist+broken+"\n")); err == nil {
			t.Errorf("%s was accepted", broken)
		}
	}
}
