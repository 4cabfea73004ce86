package verify

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

// lowLatency is what one rendition answered to a low-latency player.
type lowLatency struct {
	name string
	// before is the playlist from which the other requests follow.
	before playlist
	// msn and part name the part that the blocking reload asked for.
	msn      uint64
	part     int
	reload   answer
	hint     answer
	hinted   *segment // what the hint brought
	delta    answer
	full     answer // asked for right after delta
	tooFar   exchange
	siblings []sibling
}

// answer is a playlist as an answer to one request, and how long that took.
type answer struct {
	exchange
	playlist

	took time.Duration
}

// sibling is a rendition report with the edges of that rendition's playlist
// before and after the report was fetched.
type sibling struct {
	report

	known         bool
	before, after edge
}

// edge is the newest part of a playlist, part -1 for a complete segment.
type edge struct {
	msn  uint64
	part int
}

// atLeast reports whether e is b or newer. A segment without a part named is as
// new as its last part.
func (e edge) atLeast(b edge) bool {
	return e.msn > b.msn || e.msn == b.msn && (e.part < 0 || b.part >= 0 && e.part >= b.part)
}

// edge is the newest part that p lists.
func (p playlist) edge() edge {
	next := p.sequence + uint64(p.skipped+len(p.entries))
	if len(p.open) > 0 {
		return edge{next, len(p.open) - 1}
	}
	if n := len(p.entries); n > 0 {
		return edge{next - 1, len(p.entries[n-1].parts) - 1}
	}
	return edge{next, -1}
}

// probeLow plays the low-latency player for a moment, with every rendition
// whose playlist offers it.
func (w *watcher) probeLow(ctx context.Context) {
	var all sync.WaitGroup
	var found sync.Mutex
	for _, r := range w.seen.renditions {
		if n := len(r.playlists); n == 0 || !r.playlists[n-1].blocks {
			continue
		}
		all.Go(func() {
			seen := w.askLow(ctx, r)
			found.Lock()
			defer found.Unlock()
			w.seen.low = append(w.seen.low, seen)
		})
	}
	all.Wait()
	slices.SortFunc(w.seen.low, func(a, b *lowLatency) int { return slices.Index(w.names(), a.name) - slices.Index(w.names(), b.name) })
}

func (w *watcher) names() (all []string) {
	for _, r := range w.seen.renditions {
		all = append(all, r.name)
	}
	return all
}

func (w *watcher) askLow(ctx context.Context, r *rendition) *lowLatency {
	seen := &lowLatency{name: r.name}
	edges := w.edges(ctx)
	first := w.playlistAt(ctx, r.url, nil)
	seen.before = first.playlist
	for _, one := range first.reports {
		before, known := edges[one.url]
		seen.siblings = append(seen.siblings, sibling{report: one, known: known, before: before})
	}
	edges = w.edges(ctx)
	for i := range seen.siblings {
		seen.siblings[i].after = edges[seen.siblings[i].url]
	}
	w.askNext(ctx, r, seen)
	seen.delta = w.playlistAt(ctx, r.url, url.Values{"_HLS_skip": {"YES"}})
	seen.full = w.playlistAt(ctx, r.url, nil)
	far := strconv.FormatUint(seen.full.edge().msn+10, 10)
	seen.tooFar, _ = w.fetch.get(ctx, kindPlaylist, withQuery(r.url, url.Values{"_HLS_msn": {far}}))
	return seen
}

// askNext asks for the part that comes next, by its hint and by a blocking
// reload at once.
func (w *watcher) askNext(ctx context.Context, r *rendition, seen *lowLatency) {
	now := w.playlistAt(ctx, r.url, nil)
	if now.ok() {
		seen.before = now.playlist
	}
	at := seen.before.edge()
	seen.msn, seen.part = at.msn, at.part+1
	if len(seen.before.open) == 0 {
		seen.msn, seen.part = at.msn+1, 0
	}
	var both sync.WaitGroup
	defer both.Wait()
	if seen.before.hint != "" {
		both.Go(func() {
			asked := time.Now()
			var body []byte
			seen.hint.exchange, body = w.fetch.get(ctx, kindSegment, seen.before.hint)
			seen.hint.took = time.Since(asked)
			if seen.hint.ok() {
				seen.hinted = parseSegment(body, nil)
			}
		})
	}
	seen.reload = w.playlistAt(ctx, r.url, url.Values{
		"_HLS_msn": {strconv.FormatUint(seen.msn, 10)}, "_HLS_part": {strconv.Itoa(seen.part)},
	})
}

// edges are the edges of all playlists, by URL.
func (w *watcher) edges(ctx context.Context) map[string]edge {
	all := map[string]edge{}
	for _, r := range w.seen.renditions {
		if a := w.playlistAt(ctx, r.url, nil); a.ok() {
			all[r.url] = a.edge()
		}
	}
	return all
}

// playlistAt asks for a media playlist with a query of its own.
func (w *watcher) playlistAt(ctx context.Context, address string, query url.Values) answer {
	asked := time.Now()
	seen, body := w.fetch.get(ctx, kindPlaylist, withQuery(address, query))
	a := answer{exchange: seen, took: time.Since(asked)}
	if !seen.ok() {
		return a
	}
	p, err := parsePlaylist(address, body)
	if err != nil {
		a.fault = fmt.Sprintf("it cannot be read: %v", err)
	}
	a.playlist = p
	return a
}

func withQuery(address string, query url.Values) string {
	u, err := url.Parse(address)
	if err != nil || len(query) == 0 {
		return address
	}
	all := u.Query()
	maps.Copy(all, query)
	u.RawQuery = all.Encode()
	return u.String()
}
