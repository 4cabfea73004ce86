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
	needed := one(id, started, hasSegments)
	if ask.early {
		needed = early(id, needed)
	}
	p, ok := s.wait(w, r, st, needed)
	if !ok {
		return
	}
	cache := cacheSecond
	if ask.blocks {
		if p, ok = s.reload(w, r, st, id, ask); !ok {
			return
		}
		if window, there := p.Window(id); there && !window.Ended {
			cache = cacheReload(p) // an end is not for ever: the publisher may come back
		}
	}
	s.playlist(w, r, st, p, playlistOf{
		id: id, name: formName(ask.form), cache: cache,
		render: func(p *media.Presentation, window *media.Window) []byte {
			return hls.MediaPlaylist(p, window, ask.form)
		},
	})
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
	s.playlist(w, r, st, p, playlistOf{id: id, name: "iframes", cache: cacheSecond, render: hls.IFrames})
}

// playlistOf is a playlist of the rendition id, and what tells it from the
// others of that rendition.
type playlistOf struct {
	id, name, cache string
	render          func(*media.Presentation, *media.Window) []byte
}

func (s *server) playlist(w http.ResponseWriter, r *http.Request, st *store.Stream, p *media.Presentation, of playlistOf) {
	window, ok := p.Window(of.id)
	if !ok {
		unknownRendition(w, of.id)
		return
	}
	st.Asked(of.id, s.cfg.Clock())
	s.text(w, r, text{
		stream: st, kind: kindPlaylist, name: of.id + "/" + of.name, contentType: typeHLS, cache: of.cache, version: window.Version,
		render: func() ([]byte, error) { return of.render(p, window), nil },
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
		s.cfg.Log.Error("playlist or manifest could not be rendered", slog.String("kind", string(t.kind)),
			slog.String("stream", t.stream.Name()), slog.Any("error", err))
		say(w, http.StatusInternalServerError, cacheNever, "This text could not be made. Weir's log says why.")
		return
	}
	doc.serve(w, r, t.contentType, cmp.Or(t.cache, cacheSecond))
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
