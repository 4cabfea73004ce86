package httpserve

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

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

// reload holds a request until the rendition id has what it names. If that is
// too far ahead or does not come in time, reload answers the request itself and
// reports false.
func (s *server) reload(w http.ResponseWriter, r *http.Request, st *store.Stream, id string, ask reload) (*media.Presentation, bool) {
	p := st.Presentation()
	window, ok := p.Window(id)
	if !ok {
		unknownRendition(w, id)
		return nil, false
	}
	if next, ok := window.NextMSN(); ok && !window.Ended && ask.msn > next-1+aheadLimit {
		say(w, http.StatusBadRequest, cacheNever, fmt.Sprintf("Segment %d is too far ahead: the newest is %d.", ask.msn, next-1))
		return nil, false
	}
	wanted := wish{
		stream: st, id: id, kind: kindPlaylist, form: ask.form, number: ask.msn, part: ask.part, zipped: acceptsGzip(r.Header),
	}
	limit := time.Duration(holdTargets*p.TargetDuration) * time.Second
	return s.awaited(w, r, wanted, limit, func(p *media.Presentation) bool {
		window, ok := p.Window(id)
		return !ok || has(window, ask.msn, ask.part)
	})
}

// awaited holds a request until ready is true of the rendition that is wanted. If it
// is not in time, or the answer came with that of others, it reports false: the
// request is answered.
func (s *server) awaited(w http.ResponseWriter, r *http.Request, wanted wish, limit time.Duration, ready func(*media.Presentation) bool) (*media.Presentation, bool) {
	if p := wanted.stream.Presentation(); ready(p) {
		return p, true
	}
	p, err := s.together(w, r, limit, wanted, ready)
	switch {
	case isAnswered(w):
	case err == nil:
		return p, true
	case errors.Is(err, store.ErrRemoved):
		unknownStream(w, wanted.stream.Name())
	default:
		w.Header().Set("Retry-After", "1")
		say(w, http.StatusServiceUnavailable, cacheNever, "What was asked for did not come in time. The publisher may have lost its connection. Ask again in a moment.")
	}
	return nil, false
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
