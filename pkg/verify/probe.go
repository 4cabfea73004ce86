package verify

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// attempts is how often a text is asked for again because it changed between
// two requests that should have been answered alike.
const attempts = 3

// probe asks in every way for each text, and for one init segment and one
// segment of every rendition.
func (w *watcher) probe(ctx context.Context) {
	if len(w.seen.multivariants) > 0 {
		w.ask(ctx, kindMultivariant, w.playlist, false)
	}
	for _, r := range w.seen.renditions {
		w.ask(ctx, kindPlaylist, r.url, false)
	}
	if len(w.seen.manifests) > 0 {
		w.ask(ctx, kindManifest, w.manifest, false)
	}
	for _, t := range w.seen.tracks() {
		newest := t.pieces[len(t.pieces)-1]
		if !newest.segment.readable() || newest.init == nil {
			continue
		}
		w.ask(ctx, kindInit, newest.initURL, newest.init.isAudio())
		w.ask(ctx, kindSegment, newest.url, newest.init.isAudio())
	}
}

func (w *watcher) ask(ctx context.Context, k kind, address string, isAudio bool) {
	p := probe{kind: k, url: address, isAudio: isAudio}
	for range attempts {
		p.get, _ = w.fetch.get(ctx, k, address)
		p.head, _ = w.fetch.do(ctx, http.MethodHead, k, address, "", "")
		tag := p.get.header.Get("ETag")
		p.unchanged, _ = w.fetch.do(ctx, http.MethodGet, k, address, "If-None-Match", tag)
		if k.isMedia() || tag == p.head.header.Get("ETag") && p.unchanged.status == http.StatusNotModified {
			break
		}
	}
	if k.isMedia() {
		p.ranged, _ = w.fetch.do(ctx, http.MethodGet, k, address, "Range", "bytes=0-9")
	}
	w.seen.probes = append(w.seen.probes, p)
}

// readIFrames reads every I-frame playlist once.
func (w *watcher) readIFrames(ctx context.Context) {
	if len(w.seen.multivariants) == 0 {
		return
	}
	for _, address := range w.seen.multivariants[0].iframes {
		body, ok := w.text(ctx, kindPlaylist, address)
		if !ok {
			continue
		}
		p, err := parsePlaylist(address, body)
		if err != nil {
			w.unreadable(kindPlaylist, address, err)
			continue
		}
		w.seen.iframes = append(w.seen.iframes, iframes{shorten(w.playlist, address), p})
	}
}

// readClock compares the clock that the MPD names with the local one.
func (w *watcher) readClock(ctx context.Context) {
	if len(w.seen.manifests) == 0 || w.seen.manifests[0].clock == "" {
		return
	}
	m := w.seen.manifests[0]
	reading := &clockReading{url: m.clock}
	w.seen.clock = reading
	if !strings.HasPrefix(m.clockScheme, "urn:mpeg:dash:utc:http-iso:") && !strings.HasPrefix(m.clockScheme, "urn:mpeg:dash:utc:http-xsdate:") {
		reading.fault = "the scheme " + m.clockScheme + " is none that players read by HTTP"
		return
	}
	asked := time.Now()
	seen, body := w.fetch.get(ctx, kindClock, m.clock)
	reading.trip = time.Since(asked)
	if !seen.ok() {
		reading.fault = seen.problem()
		return
	}
	at, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(string(body)))
	if err != nil {
		reading.fault = fmt.Sprintf("%.40q is no time: %v", body, err)
		return
	}
	reading.ahead = at.Sub(asked.Add(reading.trip / 2))
}

// askAgain asks for the oldest segment of each rendition that has left its
// playlist and has to be there still.
func (w *watcher) askAgain(ctx context.Context) {
	for _, r := range w.seen.renditions {
		if e, ok := r.departed(time.Now()); ok {
			seen, _ := w.fetch.do(ctx, http.MethodHead, kindSegment, e.url, "", "")
			w.seen.kept = append(w.seen.kept, seen)
		}
	}
}

// departed is the oldest segment that left the playlist and, for its own
// duration and that of the longest playlist which listed it, may not vanish
// yet (RFC 8216bis, 6.2.2).
func (r *rendition) departed(now time.Time) (e entry, ok bool) {
	if len(r.playlists) == 0 {
		return entry{}, false
	}
	left := r.playlists[len(r.playlists)-1].sequence
	for _, p := range r.playlists {
		for _, listed := range p.entries {
			isKept := now.Before(p.at.Add(p.length() + listed.duration))
			if listed.msn < left && !listed.gap && isKept && (!ok || listed.msn < e.msn) {
				e, ok = listed, true
			}
		}
	}
	return e, ok
}

// problem is what is wrong with an answer that should be 200, or "".
func (e exchange) problem() string {
	switch {
	case e.fault != "":
		return e.fault
	case e.status != http.StatusOK:
		return fmt.Sprintf("the answer is %d %s", e.status, http.StatusText(e.status))
	}
	return ""
}

// String names the request and what came of it.
func (e exchange) String() string {
	return fmt.Sprintf("%s %s: %s", e.kind, e.url, e.problem())
}
