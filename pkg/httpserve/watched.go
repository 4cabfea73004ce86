package httpserve

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/go-chi/chi/v5"

	"weir/pkg/audience"
	"weir/pkg/media"
	"weir/pkg/store"
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
		kind, ok := asksFor(sent.kind)
		if st, there := s.cfg.Store.Stream(chi.URLParam(r, "name")); ok && there {
			s.observe(st, chi.URLParam(r, "rendition"), kind, s.clientAddress(r), r.Header, r.URL.RawQuery)
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

func (s *server) observe(st *store.Stream, rendition string, kind audience.Kind, client netip.Addr, h http.Header, query string) {
	if s.cfg.Audience == nil {
		return
	}
	ask := audience.Request{Stream: st.Name(), Rendition: rendition, Kind: kind, Client: client, Header: h, Query: query}
	if p := st.Presentation(); p != nil {
		ask.Target = time.Duration(p.TargetDuration) * time.Second
		if w, ok := p.Window(rendition); ok {
			ask.Audio = w.Rendition.Kind == media.Audio
		}
	}
	s.cfg.Audience.Observe(s.cfg.Clock(), ask)
}
