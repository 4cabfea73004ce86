package verify

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// parallel is how many segments are fetched at once.
const parallel = 4

// watcher reloads a stream's playlists and MPD and fetches what is new in them.
// It belongs to one goroutine.
type watcher struct {
	fetch              *fetcher
	playlist, manifest string
	seen               *observations
	// filling guards the maps of seen while segments are fetched.
	filling sync.Mutex
}

func newWatcher(f *fetcher, playlist, manifest string) *watcher {
	return &watcher{fetch: f, playlist: playlist, manifest: manifest, seen: &observations{
		inits: map[string]*initSegment{}, segments: map[string]*segment{},
	}}
}

// watch fills seen. The error is errNothing or that of ctx.
func (w *watcher) watch(ctx context.Context, opts Options) error {
	end := time.Now().Add(opts.Duration)
	for first := true; ; first = false {
		w.poll(ctx)
		if err := ctx.Err(); err != nil {
			return err
		}
		if first {
			if len(w.seen.renditions) == 0 && len(w.seen.manifests) == 0 {
				return w.nothing()
			}
			w.probe(ctx)
			w.readClock(ctx)
			w.readIFrames(ctx)
			w.probeLow(ctx)
			w.probeLowDASH(ctx)
		}
		interval := w.interval(opts)
		if time.Until(end) < interval {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(interval):
		}
	}
	w.askAgain(ctx)
	return ctx.Err()
}

// nothing says what was tried.
func (w *watcher) nothing() error {
	for _, e := range w.seen.failed {
		return &failure{e}
	}
	for _, u := range w.seen.unread {
		return &failure{exchange{kind: u.kind, url: u.url, fault: u.fault}}
	}
	return errNothing
}

// failure is why nothing could be watched.
type failure struct{ seen exchange }

func (f *failure) Error() string { return f.seen.String() + "; " + errNothing.Error() }

func (*failure) Unwrap() error { return errNothing }

// interval is one target duration unless opts say otherwise.
func (w *watcher) interval(opts Options) time.Duration {
	if opts.Interval > 0 {
		return opts.Interval
	}
	for _, r := range w.seen.renditions {
		if n := len(r.playlists); n > 0 && r.playlists[n-1].target > 0 {
			return time.Duration(min(r.playlists[n-1].target, 60)) * time.Second
		}
	}
	return 2 * time.Second
}

// poll reads every playlist and the MPD once, then what is new in them.
func (w *watcher) poll(ctx context.Context) {
	if w.playlist != "" {
		w.pollHLS(ctx)
	}
	if w.manifest != "" {
		w.pollDASH(ctx)
	}
}

func (w *watcher) pollHLS(ctx context.Context) {
	body, ok := w.text(ctx, kindMultivariant, w.playlist)
	if !ok {
		return
	}
	m, err := parseMultivariant(w.playlist, body)
	if err != nil {
		w.unreadable(kindMultivariant, w.playlist, err)
		return
	}
	w.seen.multivariants = append(w.seen.multivariants, m)
	for _, v := range m.variants {
		w.rendition(v.url)
		for _, audio := range v.audio {
			w.rendition(audio)
		}
	}
	for _, r := range w.seen.renditions {
		asked := time.Now()
		body, ok := w.text(ctx, kindPlaylist, r.url)
		if !ok {
			continue
		}
		p, err := parsePlaylist(r.url, body)
		if err != nil {
			w.unreadable(kindPlaylist, r.url, err)
			continue
		}
		p.at = asked
		r.playlists = append(r.playlists, p)
		w.media(ctx, p.wanted())
	}
}

// rendition adds the playlist at address if it is new.
func (w *watcher) rendition(address string) {
	known := slices.ContainsFunc(w.seen.renditions, func(r *rendition) bool { return r.url == address })
	if !known {
		w.seen.renditions = append(w.seen.renditions, &rendition{name: shorten(w.playlist, address), url: address})
	}
}

func (w *watcher) pollDASH(ctx context.Context) {
	body, ok := w.text(ctx, kindManifest, w.manifest)
	if !ok {
		return
	}
	m, err := parseManifest(w.manifest, body)
	if err != nil {
		w.unreadable(kindManifest, w.manifest, err)
		return
	}
	w.seen.manifests = append(w.seen.manifests, m)
	for _, p := range m.periods {
		for _, r := range p.representations {
			w.media(ctx, r.wanted())
		}
	}
}

func (w *watcher) text(ctx context.Context, k kind, address string) ([]byte, bool) {
	seen, body := w.fetch.get(ctx, k, address)
	w.count(seen)
	return body, seen.ok()
}

func (w *watcher) count(e exchange) {
	if e.ok() {
		w.seen.fetched++
	} else {
		w.seen.failed = append(w.seen.failed, e)
	}
}

func (w *watcher) unreadable(k kind, address string, err error) {
	w.seen.unread = append(w.seen.unread, unread{kind: k, url: address, fault: err.Error()})
}

// piece is a media segment to fetch, with the init segment that decodes it.
type piece struct{ init, url string }

func (p playlist) wanted() []piece {
	var all []piece
	for _, e := range p.entries {
		if !e.gap {
			all = append(all, piece{init: e.init, url: e.url})
		}
	}
	return all
}

func (r representation) wanted() []piece {
	all := make([]piece, len(r.entries))
	for i, e := range r.entries {
		all[i] = piece{init: r.init, url: e.url}
	}
	return all
}

// media fetches the pieces that are new.
func (w *watcher) media(ctx context.Context, pieces []piece) {
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, p := range pieces {
		init := w.init(ctx, p.init)
		if !w.claim(p.url) {
			continue
		}
		group.Go(func() error {
			seen, body := w.fetch.get(ctx, kindSegment, p.url)
			s := &segment{fault: seen.problem()}
			if seen.ok() {
				s = parseSegment(body, init)
			}
			w.filling.Lock()
			defer w.filling.Unlock()
			w.count(seen)
			w.seen.segments[p.url] = s
			return nil
		})
	}
	_ = group.Wait() // the functions return no errors
}

// claim reports whether nobody has asked for the segment at address before.
func (w *watcher) claim(address string) bool {
	w.filling.Lock()
	defer w.filling.Unlock()
	if _, known := w.seen.segments[address]; known {
		return false
	}
	w.seen.segments[address] = nil
	return true
}

// init returns the init segment at address, nil if address is "".
func (w *watcher) init(ctx context.Context, address string) *initSegment {
	if known, ok := w.seen.inits[address]; ok || address == "" {
		return known
	}
	seen, body := w.fetch.get(ctx, kindInit, address)
	i := &initSegment{fault: seen.problem()}
	if seen.ok() {
		i = parseInit(body)
	}
	w.filling.Lock()
	defer w.filling.Unlock()
	w.count(seen)
	w.seen.inits[address] = i
	return i
}

// shorten names address relative to the folder of base.
func shorten(base, address string) string {
	u, err := url.Parse(base)
	if err != nil {
		return address
	}
	return strings.TrimPrefix(address, u.ResolveReference(&url.URL{Path: "."}).String())
}
