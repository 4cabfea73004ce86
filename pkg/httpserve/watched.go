package httpserve

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"weir/pkg/audience"
	"weir/pkg/media"
)

// watched shows the audience every request of a viewer that was answered with
// something of a stream.
func (s *server) watched(next http.Handler) http.Handler {
	if s.cfg.Audience == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		sent, ok := w.(*response)
		if !ok || sent.code == 0 || sent.code >= http.StatusBadRequest {
			return
		}
		if kind, ok := asksFor(sent.kind); ok {
			s.observe(r, kind)
		}
	})
}

// asksFor is what a kind of requests is to the audience.
func asksFor(k kind) (audience.Kind, bool) {
	switch k { //nolint:exhaustive // the others are not of a stream.
	case kindMultivariant, kindManifest:
		return audience.Index, true
	case kindPlaylist, kindInit:
		return audience.Playlist, true
	case kindSegment, kindPart:
		return audience.Media, true
	}
	return 0, false
}

func (s *server) observe(r *http.Request, kind audience.Kind) {
	name := chi.URLParam(r, "name")
	st, ok := s.cfg.Store.Stream(name)
	if !ok {
		return
	}
	ask := audience.Request{
		Stream: name, Rendition: chi.URLParam(r, "rendition"), Kind: kind,
		Client: s.clientAddress(r), Header: r.Header, Query: r.URL.RawQuery,
	}
	if p := st.Presentation(); p != nil {
		ask.Target = time.Duration(p.TargetDuration) * time.Second
		if w, ok := p.Window(ask.Rendition); ok {
			ask.Audio = w.Rendition.Kind == media.Audio
		}
	}
	s.cfg.Audience.Observe(s.cfg.Clock(), ask)
}
