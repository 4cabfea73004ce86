package httpserve

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"weir/pkg/media"
	"weir/pkg/store"
)

// growing serves START.m4s of the open segment as it grows: one write per part,
// the end when the segment is complete. What has come in the end is what the
// complete segment has, byte for byte, so a cache may keep it as long. If the
// segment is given up, the connection breaks, and no cache keeps half of it.
//
// It reports false, and has not answered, if there is no such open segment or
// it is complete by now.
func (s *server) growing(w http.ResponseWriter, r *http.Request) bool {
	st, ok := s.cfg.Store.Stream(chi.URLParam(r, "name"))
	if !ok {
		return false
	}
	id := chi.URLParam(r, "rendition")
	start, ok := number(chi.URLParam(r, "start"))
	if !ok {
		return false
	}
	if _, there := st.Segment(id, media.Ticks(start)); there {
		return false
	}
	g, ok := s.opening(r, st, id, media.Ticks(start))
	if !ok {
		return false
	}
	st.Asked(id, s.cfg.Clock())
	if !takesGrowing(r) {
		s.follow(r, g, func([]*media.Part) error { return nil })
		return false
	}
	h := w.Header()
	h.Set("Content-Type", mediaType(g.kind))
	h.Set("Cache-Control", cacheMedia)
	h.Set("ETag", strconv.Quote(segmentTag(g.first.MSN, g.first.Start)))
	if r.Method == http.MethodHead {
		return true // its length is not known yet
	}
	control := http.NewResponseController(w)
	if whole := s.follow(r, g, func(parts []*media.Part) error { return send(w, control, parts) }); !whole {
		panic(http.ErrAbortHandler)
	}
	return true
}

// takesGrowing reports whether a viewer can take a body of unknown length. One
// of HTTP/1.0, such as an nginx with its defaults, could not tell its end from a
// broken connection, and a range is one of a length that is known: they wait.
func takesGrowing(r *http.Request) bool {
	return r.ProtoAtLeast(1, 1) && (r.Header.Get("Range") == "" || r.Method == http.MethodHead)
}

// send writes parts to a viewer at once.
func send(w http.ResponseWriter, control *http.ResponseController, parts []*media.Part) error {
	for _, part := range parts {
		if _, err := w.Write(part.Bytes); err != nil {
			return fmt.Errorf("send a part: %w", err)
		}
		if err := control.Flush(); err != nil {
			return fmt.Errorf("send a part: %w", err)
		}
	}
	return nil
}

func segmentTag(msn uint64, start media.Ticks) string {
	return strconv.FormatUint(msn, 10) + "-" + strconv.FormatInt(int64(start), 10)
}

// growth follows a segment from its first part to its last.
type growth struct {
	st    *store.Stream
	id    string
	kind  media.Kind
	first *media.Part
	sent  int
}

// news are the parts that have come since; whole is true if none will follow,
// and ok false if the segment was given up.
func (g *growth) news(p *media.Presentation) (parts []*media.Part, whole, ok bool) {
	if w, there := p.Window(g.id); there && len(w.Open) > 0 && w.Open[0].Serial == g.first.Serial {
		return w.Open[min(g.sent, len(w.Open)):], false, true
	}
	seg, there := g.st.Segment(g.id, g.first.Start)
	if !there || len(seg.Parts) < max(g.sent, 1) || seg.Parts[0].Serial != g.first.Serial {
		return nil, false, false
	}
	return seg.Parts[g.sent:], true, true
}

// follow hands over the parts of a segment as they come and reports whether that
// were all of it. It returns early if the viewer or the stream goes away, if
// nothing comes for longer than any player waits, or if take fails.
func (s *server) follow(r *http.Request, g growth, take func([]*media.Part) error) (whole bool) {
	for p := g.st.Presentation(); ; {
		parts, whole, ok := g.news(p)
		if !ok || take(parts) != nil {
			return false
		}
		if whole {
			return true
		}
		g.sent += len(parts)
		limit := time.Duration(holdTargets*p.TargetDuration) * time.Second
		var err error
		p, err = s.hold(r.Context(), limit, g.st, g.id, func(p *media.Presentation) bool {
			parts, whole, ok := g.news(p)
			return !ok || whole || len(parts) > 0
		})
		if err != nil {
			return false
		}
	}
}

// opening finds the open segment of the rendition id that begins at start. A
// player that reckons where the next one begins may ask for it a moment before
// its first part is there.
func (s *server) opening(r *http.Request, st *store.Stream, id string, start media.Ticks) (g growth, ok bool) {
	p := st.Presentation()
	if p == nil {
		return g, false
	}
	if w, there := p.Window(id); there && comesNext(w, start) {
		st.Asked(id, s.cfg.Clock()) // it may rest, and nobody makes the next one
		limit := time.Duration(p.TargetDuration) * time.Second
		p, _ = s.hold(r.Context(), limit, st, id, func(p *media.Presentation) bool {
			w, there := p.Window(id)
			return !there || !comesNext(w, start)
		})
	}
	w, there := p.Window(id)
	if !there || len(w.Open) == 0 || w.Open[0].Start != start {
		return g, false
	}
	return growth{st: st, id: id, kind: w.Rendition.Kind, first: w.Open[0]}, true
}

// comesNext reports whether start is where the newest complete segment ends, and
// nothing of the one that follows is there yet.
func comesNext(w *media.Window, start media.Ticks) bool {
	n := len(w.Segments)
	if n == 0 || w.Ended || len(w.Open) > 0 {
		return false
	}
	newest := w.Segments[n-1]
	return newest.Start+newest.Duration == start
}
