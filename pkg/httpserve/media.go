package httpserve

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"weir/pkg/media"
	"weir/pkg/plainhttp"
	"weir/pkg/store"
)

// initSegment serves init-HASH.mp4.
func (s *server) initSegment(w http.ResponseWriter, r *http.Request) {
	s.media(w, r, func(_ context.Context, st *store.Stream, id string) (file, bool) {
		hash := chi.URLParam(r, "hash")
		init, ok := st.Init(id, hash)
		if !ok {
			return file{}, false
		}
		return file{tag: "init-" + hash, bytes: [][]byte{init.Bytes}}, true
	})
}

// segment serves START.m4s: all parts of a complete segment. One that is
// pending is waited for, and one that is open grows.
func (s *server) segment(w http.ResponseWriter, r *http.Request) {
	if s.growing(w, r) {
		return
	}
	s.media(w, r, func(ctx context.Context, st *store.Stream, id string) (file, bool) {
		start, ok := number(chi.URLParam(r, "start"))
		if !ok {
			return file{}, false
		}
		seg, ok := st.Segment(id, media.Ticks(start))
		if ok && seg.Pending {
			seg, ok = s.ordered(ctx, st, id, seg)
		}
		if !ok {
			return file{}, false
		}
		return file{tag: segmentTag(seg.MSN, seg.Start), segment: seg, late: seg.Pending}, true
	})
}

// part serves part-SERIAL.m4s. The next part of the open segment, which the
// playlist hints at, is waited for.
func (s *server) part(w http.ResponseWriter, r *http.Request) {
	s.media(w, r, func(_ context.Context, st *store.Stream, id string) (file, bool) {
		serial, ok := number(chi.URLParam(r, "serial"))
		if !ok {
			return file{}, false
		}
		part, ok := st.Part(id, uint64(serial))
		if !ok {
			if part, ok = s.hinted(w, r, st, id, uint64(serial)); !ok {
				return file{}, false
			}
		}
		if part == nil {
			return file{late: true}, true
		}
		return file{tag: "part-" + segmentTag(part.Serial, part.Start), bytes: [][]byte{part.Bytes}}, true
	})
}

// file is what a media URL names. Its content never changes.
type file struct {
	tag string
	// bytes is what it is, or segment what it is all parts of.
	bytes   [][]byte
	segment *media.Segment
	// late is true if it is listed and not made yet.
	late bool
}

func bytesOf(parts []*media.Part) [][]byte {
	all := make([][]byte, len(parts))
	for i, part := range parts {
		all[i] = part.Bytes
	}
	return all
}

// media answers a request for a file of a rendition that find looks up.
func (s *server) media(w http.ResponseWriter, r *http.Request, find func(ctx context.Context, st *store.Stream, id string) (file, bool)) {
	st, ok := s.stream(w, r)
	if !ok {
		return
	}
	id := chi.URLParam(r, "rendition")
	rendition, ok := renditionOf(st, id)
	if !ok && st.Expected() {
		s.notYet(w, r, st, errExpected)
		return
	}
	if !ok {
		unknownRendition(w, id)
		return
	}
	f, ok := find(r.Context(), st, id)
	if isAnswered(w) {
		return
	}
	if !ok {
		notFound(w, "This piece of the stream is not here: it is older than what is kept, or not made yet. The playlist lists what is there.")
		return
	}
	st.Asked(id, s.cfg.Clock())
	if f.late {
		w.Header().Set("Retry-After", "1")
		say(w, http.StatusServiceUnavailable, cacheNever, "This piece of the stream takes longer to be made than it should. Ask again in a moment.")
		return
	}
	h := w.Header()
	h.Set("Content-Type", mediaType(rendition.Kind))
	h.Set("Cache-Control", cacheMedia)
	h.Set("ETag", `"`+f.tag+`"`)
	if f.segment != nil {
		if s.serveFile(w, r, f.segment) {
			return
		}
		f.bytes = bytesOf(f.segment.Parts)
	}
	serveContent(w, r, newPieces(f.bytes))
}

// serveFile answers with all of a segment from a file; it reports false, and has not
// answered, where there is no file, the connection takes none, or the request is for
// something else.
func (s *server) serveFile(w http.ResponseWriter, r *http.Request, seg *media.Segment) bool {
	out, ok := w.(*response)
	if !ok || !isForAll(r) {
		return false
	}
	direct, ok := out.ResponseWriter.(plainhttp.FileWriter)
	if !ok {
		return false
	}
	whole := s.memfiles.of(seg)
	if whole == nil {
		return false
	}
	size := int64(seg.Size)
	out.promise(size)
	sent, _ := direct.WriteFile(whole, size) // who is gone needs no answer
	out.bytes += sent
	return true
}

// promise sends the header of a body of a size.
func (w *response) promise(size int64) {
	h := w.Header()
	h["Accept-Ranges"] = []string{"bytes"}
	h["Content-Length"] = []string{strconv.FormatInt(size, 10)}
	w.WriteHeader(http.StatusOK)
}

// serveContent is http.ServeContent, which knows of ranges and of conditions, for
// requests that have any, and the short way for all others.
func serveContent(w http.ResponseWriter, r *http.Request, content *pieces) {
	out, ok := w.(*response)
	if !ok || !isForAll(r) {
		http.ServeContent(w, r, "", time.Time{}, content)
		return
	}
	out.promise(content.size)
	_, _ = out.send(content, content.size) // who is gone needs no answer
}

// isForAll reports whether a request is for all of something, whatever its sender
// has of it.
func isForAll(r *http.Request) bool {
	for _, name := range [...]string{"Range", "If-None-Match", "If-Match", "If-Range", "If-Modified-Since", "If-Unmodified-Since"} {
		if len(r.Header[name]) > 0 {
			return false
		}
	}
	return r.Method == http.MethodGet
}

func renditionOf(st *store.Stream, id string) (*media.Rendition, bool) {
	p := st.Presentation()
	if p == nil {
		return nil, false
	}
	w, ok := p.Window(id)
	if !ok {
		return nil, false
	}
	return w.Rendition, true
}

// number reads a decimal number in its one canonical form, so that no two
// URLs name the same content.
func number(text string) (n int64, ok bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == text
}
