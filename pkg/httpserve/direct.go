package httpserve

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"weir/pkg/media"
	"weir/pkg/plainhttp"
	"weir/pkg/store"
)

// Direct answers the requests that each viewer repeats every few seconds, for
// playlists, segments and parts, at once where they can be, or together with those who
// wait for the same. It is a short cut: the answers are those of ServeHTTP, to which it
// leaves everything else.
func (h *Handler) Direct(r *plainhttp.Request) (answer *plainhttp.Answer) {
	s := h.server
	defer func() {
		if reason := recover(); reason != nil {
			s.panicked(r.Path, reason, debug.Stack())
			answer = nil
		}
	}()
	if s.cfg.Log.Enabled(context.Background(), slog.LevelDebug) || !isForAll(r.Header) || len(r.Query) > maxPath {
		return nil
	}
	a, ok := s.askOf(r)
	if !ok {
		return nil
	}
	asked := kindSegment
	switch serial, isPart := strings.CutPrefix(a.file, "part-"); {
	case a.file == "index.m3u8":
		asked, answer = kindPlaylist, s.directPlaylist(&a)
	case isPart:
		asked, answer = kindPart, s.directPart(&a, serial)
	default:
		answer = s.directSegment(&a)
	}
	switch {
	case answer != nil:
		s.metrics.answeredMany(asked, answer.Code(), answer.Size(), 1)
	case !a.held:
		return nil
	}
	a.stream.Asked(a.window.Rendition.ID, s.cfg.Clock())
	what, _ := asksFor(asked)
	s.observe(a.stream, a.window.Rendition.ID, what, s.clientOf(r.Client.Addr(), r.Header), r.Header, r.Query)
	return answer
}

// ask is a request for a file of a rendition that is there.
type ask struct {
	*plainhttp.Request

	stream *store.Stream
	now    *media.Presentation
	window *media.Window
	file   string
	// held is whether it waits.
	held bool
}

// askOf reads a path such as /live/main/720p/index.m3u8.
func (s *server) askOf(r *plainhttp.Request) (a ask, ok bool) {
	path, ok := strings.CutPrefix(r.Path, "/live/")
	if !ok || strings.Contains(path, "%") {
		return a, false
	}
	name, path, _ := strings.Cut(path, "/")
	id, file, _ := strings.Cut(path, "/")
	a = ask{Request: r, file: file}
	if a.stream, ok = s.cfg.Store.Stream(name); !ok {
		return a, false
	}
	if a.now = a.stream.Presentation(); a.now == nil {
		return a, false
	}
	a.window, ok = a.now.Window(id)
	return a, ok
}

// queue has the request wait with others.
func (s *server) queue(a *ask, wanted wish) {
	var c *crowd
	c = s.join(wanted, a.Hold(func(h *plainhttp.Held) { c.leave(h) }))
	a.held = true
}

func (s *server) directPlaylist(a *ask) *plainhttp.Answer {
	reload, err := reloadOf((&url.URL{RawQuery: a.Query}).Query())
	id := a.window.Rendition.ID
	if err != nil || !reload.needed(id).whole(a.now) || reload.isTooFar(a.window) {
		return nil
	}
	wanted := reload.wish(a.stream, id, acceptsGzip(a.Header))
	if reload.blocks && !wanted.isThere(a.now) {
		s.queue(a, wanted)
		return nil
	}
	doc, cache, err := s.listing(&wanted, a.now, a.window, reload.blocks)
	if err != nil {
		return nil
	}
	return doc.answer(wanted.zipped, cache, func() *plainhttp.Answer {
		request := &http.Request{Method: http.MethodGet, Header: a.Header}
		return s.compose(func(w http.ResponseWriter) { doc.serve(w, request, typeHLS, cache) })
	})
}

func (s *server) directPart(a *ask, file string) *plainhttp.Answer {
	text, isMedia := strings.CutSuffix(file, ".m4s")
	serial, ok := number(text)
	if !isMedia || !ok {
		return nil
	}
	if part, ok := a.stream.Part(a.window.Rendition.ID, uint64(serial)); ok {
		return answerOf(s.answers, part, func() *plainhttp.Answer { return s.composed(a, partFile(part)) })
	}
	wanted := wish{stream: a.stream, id: a.window.Rendition.ID, kind: kindPart, number: uint64(serial)}
	if a.window.NextSerial == wanted.number && wanted.number != 0 && !a.window.Ended {
		s.queue(a, wanted)
	}
	return nil
}

func (s *server) directSegment(a *ask) *plainhttp.Answer {
	text, isMedia := strings.CutSuffix(a.file, ".m4s")
	start, ok := number(text)
	if !isMedia || !ok {
		return nil
	}
	seg, ok := a.stream.Segment(a.window.Rendition.ID, media.Ticks(start))
	if !ok || seg.Pending {
		return nil
	}
	return answerOf(s.answers, seg, func() *plainhttp.Answer { return s.composed(a, segmentFile(seg)) })
}

// composed is the answer for a file.
func (s *server) composed(a *ask, f file) *plainhttp.Answer {
	kind, request := a.window.Rendition.Kind, &http.Request{Method: http.MethodGet}
	return s.compose(func(w http.ResponseWriter) { f.serve(w, request, kind) })
}
