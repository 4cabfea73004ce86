package httpserve

import (
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
	p, ok := s.wait(w, r, st, every(described, described))
	if !ok {
		return
	}
	s.text(w, r, text{
		stream: st, kind: kindMultivariant, contentType: typeHLS, version: p.Version,
		render: func() ([]byte, error) { return hls.Multivariant(only(p, described)), nil },
	})
}

// manifest serves manifest.mpd.
func (s *server) manifest(w http.ResponseWriter, r *http.Request) {
	st, ok := s.stream(w, r)
	if !ok {
		return
	}
	p, ok := s.wait(w, r, st, every(started, hasSegments))
	if !ok {
		return
	}
	s.text(w, r, text{
		stream: st, kind: kindManifest, contentType: typeDASH, version: p.Version,
		render: func() ([]byte, error) { return dash.Manifest(p, dash.Options{}) },
	})
}

// mediaPlaylist serves index.m3u8 of one rendition. The plain form (?ll=0) is
// the only one so far, so the query is not looked at.
func (s *server) mediaPlaylist(w http.ResponseWriter, r *http.Request) {
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
		stream: st, kind: kindPlaylist, name: id, contentType: typeHLS, version: window.Version,
		render: func() ([]byte, error) { return hls.MediaPlaylist(p, window), nil },
	})
}

// text is one version of a playlist or manifest and how to render it.
type text struct {
	stream      *store.Stream
	kind        kind
	name        string
	contentType string
	version     uint64
	render      func() ([]byte, error)
}

func (s *server) text(w http.ResponseWriter, r *http.Request, t text) {
	doc, err := s.texts.get(t.stream, t.kind, t.name, t.version, t.render)
	if err != nil {
		s.cfg.Log.Error("playlist or manifest could not be rendered", slog.String("kind", string(t.kind)),
			slog.String("stream", t.stream.Name()), slog.Any("error", err))
		say(w, http.StatusInternalServerError, cacheNever, "This text could not be made. Weir's log says why.")
		return
	}
	doc.serve(w, r, t.contentType, cacheSecond)
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
