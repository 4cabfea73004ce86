package httpserve

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"weir/pkg/media"
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
		return segmentFile(seg), true
	})
}

// part serves part-SERIAL.m4s. The next part of the open segment, which the
// playlist hints at, is waited for.
func (s *server) part(w http.ResponseWriter, r *http.Request) {
	s.media(w, r, func(ctx context.Context, st *store.Stream, id string) (file, bool) {
		serial, ok := number(chi.URLParam(r, "serial"))
		if !ok {
			return file{}, false
		}
		if part, there := st.Part(id, uint64(serial)); there {
			return partFile(part), true
		}
		wanted := wish{stream: st, id: id, kind: kindPart, number: uint64(serial)}
		window, ok := st.Presentation().Window(id)
		if !ok || window.Ended || window.NextSerial == 0 || window.NextSerial != wanted.number {
			return newPart(&wanted, nil, nil) // it may have come since it was looked for
		}
		now, err := s.together(ctx, wanted)
		return newPart(&wanted, now, err)
	})
}

// hinted answers a request for a part that was waited for.
func hinted(w http.ResponseWriter, r *http.Request, wanted *wish, now *media.Presentation, err error) {
	f, ok := newPart(wanted, now, err)
	window, there := now.Window(wanted.id)
	if !ok || !there {
		noFile(w)
		return
	}
	f.serve(w, r, window.Rendition.Kind)
}

// newPart is a part that was waited for. It is late if it may still come; ok is false
// if it will not.
func newPart(wanted *wish, now *media.Presentation, err error) (f file, ok bool) {
	if part, ok := wanted.stream.Part(wanted.id, wanted.number); ok {
		return partFile(part), true
	}
	return file{late: true}, err != nil && !errors.Is(err, store.ErrRemoved) && !now.Ended
}

// file is what a media URL names. Its content never changes.
type file struct {
	tag   string
	bytes [][]byte
	// late is true if it is listed and not made yet.
	late bool
}

func segmentFile(seg *media.Segment) file {
	return file{tag: segmentTag(seg.MSN, seg.Start), bytes: bytesOf(seg.Parts), late: seg.Pending}
}

func partFile(part *media.Part) file {
	return file{tag: "part-" + segmentTag(part.Serial, part.Start), bytes: [][]byte{part.Bytes}}
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
	if !ok {
		noFile(w)
		return
	}
	st.Asked(id, s.cfg.Clock())
	f.serve(w, r, rendition.Kind)
}

func noFile(w http.ResponseWriter) {
	notFound(w, "This piece of the stream is not here: it is older than what is kept, or not made yet. The playlist lists what is there.")
}

// serve answers with a file of a rendition of a kind.
func (f *file) serve(w http.ResponseWriter, r *http.Request, kind media.Kind) {
	h := w.Header()
	if f.late {
		h.Set("Retry-After", "1")
		say(w, http.StatusServiceUnavailable, cacheNever, "This piece of the stream takes longer to be made than it should. Ask again in a moment.")
		return
	}
	h.Set("Content-Type", mediaType(kind))
	h.Set("Cache-Control", cacheMedia)
	h.Set("ETag", `"`+f.tag+`"`)
	serveContent(w, r, newPieces(f.bytes))
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
	if !ok || r.Method != http.MethodGet || !isForAll(r.Header) {
		http.ServeContent(w, r, "", time.Time{}, content)
		return
	}
	out.promise(content.size)
	_, _ = out.send(content, content.size) // who is gone needs no answer
}

// isForAll reports whether a request with a header is for all of something, whatever
// its sender has of it.
func isForAll(h http.Header) bool {
	for _, name := range [...]string{"Range", "If-None-Match", "If-Match", "If-Range", "If-Modified-Since", "If-Unmodified-Since"} {
		if len(h[name]) > 0 {
			return false
		}
	}
	return true
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
