package httpserve

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/go-chi/chi/v5"

	"weir/pkg/media"
	"weir/pkg/package/dash"
	"weir/pkg/package/hls"
	"weir/pkg/store"
)

// multivariant serves index.m3u8 of a stream.
func (s *server) multivariant(w http.ResponseWriter, r *http.Request) {
	st, ok := s.stream(w, r)
	if !ok {
		return
	}
	form := formOf(r.URL.Query())
	p, ok := s.wait(w, r, st, every(described, described))
	if !ok {
		return
	}
	s.text(w, r, text{
		stream: st, kind: kindMultivariant, name: formName(form), contentType: typeHLS, version: p.Version,
		render: func() ([]byte, error) { return hls.Multivariant(only(p, described), form), nil },
	})
}

// manifest serves manifest.mpd.
func (s *server) manifest(w http.ResponseWriter, r *http.Request) { s.mpd(w, r, false) }

// lowManifest serves manifest-ll.mpd, which says no more than manifest.mpd where
// pictures come at irregular times.
func (s *server) lowManifest(w http.ResponseWriter, r *http.Request) { s.mpd(w, r, true) }

func (s *server) mpd(w http.ResponseWriter, r *http.Request, low bool) {
	st, ok := s.stream(w, r)
	if !ok {
		return
	}
	name, cache, needed := "", cacheSecond, every(started, hasSegments)
	if low {
		name, cache, needed = "ll", cacheShared, soon(needed)
	}
	p, ok := s.wait(w, r, st, needed)
	if !ok {
		return
	}
	s.text(w, r, text{
		stream: st, kind: kindManifest, name: name, contentType: typeDASH, cache: cache, version: p.Version,
		render: func() ([]byte, error) {
			return dash.Manifest(p, dash.Options{LowLatency: low && hls.LowLatency(p)})
		},
	})
}

// mediaPlaylist serves index.m3u8 of one rendition. A request that names a
// segment or part is answered once that is there (RFC 8216bis, 6.2.5.2).
func (s *server) mediaPlaylist(w http.ResponseWriter, r *http.Request) {
	st, ok := s.stream(w, r)
	if !ok {
		return
	}
	ask, err := reloadOf(r.URL.Query())
	if err != nil {
		say(w, http.StatusBadRequest, cacheNever, err.Error())
		return
	}
	id := chi.URLParam(r, "rendition")
	p, ok := s.wait(w, r, st, ask.needed(id))
	if !ok {
		return
	}
	if ask.blocks {
		s.reload(w, r, st, id, ask)
		return
	}
	wanted := ask.wish(st, id, false)
	s.list(w, r, &wanted, p, false)
}

// list answers with a media playlist.
func (s *server) list(w http.ResponseWriter, r *http.Request, wanted *wish, now *media.Presentation, blocks bool) {
	window, ok := now.Window(wanted.id)
	if !ok {
		unknownRendition(w, wanted.id)
		return
	}
	wanted.stream.Asked(wanted.id, s.cfg.Clock())
	doc, cache, err := s.listing(wanted, now, window, blocks)
	if err != nil {
		s.unmade(w, wanted.stream, kindPlaylist, err)
		return
	}
	doc.serve(w, r, typeHLS, cache)
}

// listing is a media playlist and how long it may be kept.
func (s *server) listing(wanted *wish, now *media.Presentation, window *media.Window, blocks bool) (doc *document, cache string, err error) {
	cache = cacheSecond
	if blocks && !window.Ended { // an end is not for ever: the publisher may come back
		cache = cacheReload(now)
	}
	doc, err = s.texts.get(wanted.stream, kindPlaylist, wanted.id+"/"+formName(wanted.form), window.Version, func() ([]byte, error) {
		return hls.MediaPlaylist(now, window, wanted.form), nil
	})
	return doc, cache, err
}

// iframes serves iframes.m3u8 of one video rendition.
func (s *server) iframes(w http.ResponseWriter, r *http.Request) {
	st, ok := s.stream(w, r)
	if !ok {
		return
	}
	id := chi.URLParam(r, "rendition")
	p, ok := s.wait(w, r, st, one(id, started, hasSegments))
	if !ok {
		return
	}
	window, ok := p.Window(id)
	if !ok {
		unknownRendition(w, id)
		return
	}
	st.Asked(id, s.cfg.Clock())
	s.text(w, r, text{
		stream: st, kind: kindPlaylist, name: id + "/iframes", contentType: typeHLS, version: window.Version,
		render: func() ([]byte, error) { return hls.IFrames(p, window), nil },
	})
}

// text is one version of a playlist or manifest and how to render it.
type text struct {
	stream      *store.Stream
	kind        kind
	name        string
	contentType string
	// cache is cacheSecond where empty.
	cache   string
	version uint64
	render  func() ([]byte, error)
}

func (s *server) text(w http.ResponseWriter, r *http.Request, t text) {
	doc, err := s.texts.get(t.stream, t.kind, t.name, t.version, t.render)
	if err != nil {
		s.unmade(w, t.stream, t.kind, err)
		return
	}
	doc.serve(w, r, t.contentType, cmp.Or(t.cache, cacheSecond))
}

func (s *server) unmade(w http.ResponseWriter, st *store.Stream, k kind, err error) {
	s.cfg.Log.Error("playlist or manifest could not be rendered", slog.String("kind", string(k)),
		slog.String("stream", st.Name()), slog.Any("error", err))
	say(w, http.StatusInternalServerError, cacheNever, "This text could not be made. Weir's log says why.")
}

// stream finds the stream that the path names; if there is none, it answers
// the request and reports false.
func (s *server) stream(w http.ResponseWriter, r *http.Request) (*store.Stream, bool) {
	name := chi.URLParam(r, "name")
	st, ok := s.cfg.Store.Stream(name)
	if !ok {
		unknownStream(w, name)
	}
	return st, ok
}

func unknownRendition(w http.ResponseWriter, id string) {
	notFound(w, fmt.Sprintf("This stream has no rendition called %q. Its index.m3u8 and manifest.mpd list those that it has.", id))
}

// mediaType is the type of what a rendition's segments are.
func mediaType(k media.Kind) string {
	if k == media.Audio {
		return typeAudio
	}
	return typeVideo
}
