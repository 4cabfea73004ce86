package httpserve

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"weir/pkg/media"
	"weir/pkg/package/hls"
	"weir/pkg/store"
)

// The delivery directives of a low-latency player (RFC 8216bis, 6.2.5), and
// Weir's own for players that are to get the plain form.
const (
	directiveMSN  = "_HLS_msn"
	directivePart = "_HLS_part"
	directiveSkip = "_HLS_skip"
	directiveLow  = "ll"
)

// aheadLimit is how many segments ahead of the last complete one a request may
// name (6.2.5.2).
const aheadLimit = 2

// reload is what a request for a media playlist asks for. Only this decides
// what is rendered: neither the order of a query nor what else stands in it
// makes another text.
type reload struct {
	form hls.Form
	// early is true for a player that says (ll=1) that it plays parts: it can
	// begin before others can.
	early bool
	// blocks is true if the answer waits until segment msn is listed or, where
	// part is not negative, that part of it.
	blocks bool
	msn    uint64
	part   int
}

var errDirective = errors.New("the request cannot be answered")

// reloadOf reads the directives of a query. An error is what to tell the viewer.
func reloadOf(q url.Values) (reload, error) {
	ask := reload{form: formOf(q), early: q.Get(directiveLow) == "1", part: -1}
	msn, err := directive(q, directiveMSN)
	if err != nil {
		return ask, err
	}
	part, err := directive(q, directivePart)
	if err != nil {
		return ask, err
	}
	switch skip := q[directiveSkip]; {
	case len(skip) == 0:
	case len(skip) > 1 || skip[0] != "YES" && skip[0] != "v2":
		return ask, fmt.Errorf("%w: %s is YES or v2", errDirective, directiveSkip)
	case ask.form == hls.Full:
		ask.form = hls.Delta
	}
	if msn < 0 {
		if part >= 0 {
			return ask, fmt.Errorf("%w: %s needs %s", errDirective, directivePart, directiveMSN)
		}
		return ask, nil
	}
	ask.blocks, ask.msn, ask.part = true, uint64(msn), int(part)
	return ask, nil
}

// directive reads the one decimal number that a query may have under a name; it
// is -1 if there is none.
func directive(q url.Values, name string) (int64, error) {
	values := q[name]
	if len(values) == 0 {
		return -1, nil
	}
	n, ok := number(values[0])
	if len(values) > 1 || !ok || n < 0 {
		return 0, fmt.Errorf("%w: %s is one decimal number", errDirective, name)
	}
	return n, nil
}

func formOf(q url.Values) hls.Form {
	if q.Get(directiveLow) == "0" {
		return hls.Plain
	}
	return hls.Full
}

// formName tells the renderings of a playlist apart.
func formName(form hls.Form) string { return strconv.Itoa(int(form)) }

// needed is what the rendition id needs before it is listed.
func (ask *reload) needed(id string) need {
	n := one(id, started, hasSegments)
	if ask.early {
		n = early(id, n)
	}
	return n
}

// isTooFar reports whether a request names what is too far ahead.
func (ask *reload) isTooFar(w *media.Window) bool {
	next, ok := w.NextMSN()
	return ask.blocks && ok && !w.Ended && ask.msn > next-1+aheadLimit
}

// wish is what the request waits for, where it blocks, and what form of the playlist it
// gets.
func (ask *reload) wish(st *store.Stream, id string, zipped bool) wish {
	return wish{stream: st, id: id, kind: kindPlaylist, form: ask.form, number: ask.msn, part: ask.part, zipped: zipped}
}

// reload answers a request that blocks.
func (s *server) reload(w http.ResponseWriter, r *http.Request, st *store.Stream, id string, ask reload) {
	window, ok := st.Presentation().Window(id)
	if !ok {
		unknownRendition(w, id)
		return
	}
	if ask.isTooFar(window) {
		next, _ := window.NextMSN()
		say(w, http.StatusBadRequest, cacheNever, fmt.Sprintf("Segment %d is too far ahead: the newest is %d.", ask.msn, next-1))
		return
	}
	wanted := ask.wish(st, id, acceptsGzip(r.Header))
	now, err := s.together(r.Context(), wanted)
	s.reloaded(w, r, &wanted, now, err)
}

// reloaded answers a request for a playlist that was waited for.
func (s *server) reloaded(w http.ResponseWriter, r *http.Request, wanted *wish, now *media.Presentation, err error) {
	switch {
	case err == nil:
		s.list(w, r, wanted, now, true)
	case errors.Is(err, store.ErrRemoved):
		unknownStream(w, wanted.stream.Name())
	default:
		w.Header().Set("Retry-After", "1")
		say(w, http.StatusServiceUnavailable, cacheNever, "What was asked for did not come in time. The publisher may have lost its connection. Ask again in a moment.")
	}
}

// has reports whether w lists segment msn or, where part is not negative, that
// part of it. A part behind a segment's last is the next segment's first
// (6.2.5.2). Once a stream has ended there is nothing to wait for.
func has(w *media.Window, msn uint64, part int) bool {
	next, ok := w.NextMSN()
	switch {
	case w.Ended || ok && msn < next && part < 0:
		return true
	case !ok || msn > next || part < 0:
		return false
	case msn == next:
		return part < len(w.Open)
	}
	if isNewest := msn == next-1; !isNewest {
		return true
	}
	newest := w.Segments[len(w.Segments)-1]
	// What is missing, or was listed before it was made, has no parts to name.
	isWhole := len(newest.Parts) == 0 || newest.Promised
	return part < len(newest.Parts) || isWhole || len(w.Open) > 0
}
