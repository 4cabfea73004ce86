package httpserve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"weir/pkg/media"
	"weir/pkg/package/hls"
	"weir/pkg/store"
)

const (
	// startSegments are there before a stream that has just started is
	// listed. With one alone, a player would reach its end before the next
	// reload of the playlist shows another.
	startSegments = 2
	// holdTargets is how long a request is held, in target durations.
	holdTargets = 3
	// orderHold is how long a request for a pending segment is held.
	orderHold = 3 * time.Second
	// anything is what to wait for where it is not one rendition.
	anything = ""
	// defaultTarget is the target duration before a stream has declared one.
	defaultTarget = 2 * time.Second
)

// need says when a presentation answers a request.
type need struct {
	// whole is what is waited for; some is what will do when time is up.
	whole, some func(*media.Presentation) bool
}

// wait holds a request until the presentation of st meets what it needs. If it
// does not in time, wait answers the request itself and reports false.
func (s *server) wait(w http.ResponseWriter, r *http.Request, st *store.Stream, n need) (*media.Presentation, bool) {
	p := st.Presentation()
	limit := holdTargets * defaultTarget
	if p != nil {
		if n.whole(p) {
			return p, true
		}
		limit = holdLimit(p)
	}
	p, err := s.hold(r.Context(), limit, st, anything, n.whole)
	switch {
	case err == nil, p != nil && n.some(p):
		return p, true
	case errors.Is(err, store.ErrRemoved):
		unknownStream(w, st.Name())
	default:
		s.notYet(w, r, st, err)
	}
	return nil, false
}

// errExpected: a player goes on with what it knew before a restart, and gives up
// where it is told that there is no such thing.
var errExpected = errors.New("nothing is declared yet, after a restart")

var (
	errLimit    = errors.New("what was asked for did not come in time")
	errDraining = errors.New("the gateway stops")
)

// hold waits until ready is true of the presentation of st, which is asked again
// when the rendition id has changed, or anything where id is empty. If it is not before
// limit, or the viewer or the gateway goes away, it returns an error with what there
// was last, which may be nil. Ready must be quick: every publish asks it once for
// each who waits.
func (s *server) hold(ctx context.Context, limit time.Duration, st *store.Stream, id string, ready func(*media.Presentation) bool) (*media.Presentation, error) {
	s.metrics.held.Inc()
	defer s.metrics.held.Dec()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		now := st.Now(id)
		if now.Presentation != nil && ready(now.Presentation) {
			return now.Presentation, nil
		}
		if now.Removed {
			return now.Presentation, store.ErrRemoved
		}
		select {
		case <-now.Changed:
		case <-timer.C:
			return now.Presentation, errLimit
		case <-s.cfg.Draining:
			return now.Presentation, errDraining
		case <-ctx.Done():
			return now.Presentation, context.Cause(ctx)
		}
	}
}

// ordered asks for the pending segment seg of the rendition id and waits until
// it has been made; ok is false if it cannot be. What is still pending in the
// end was too slow.
func (s *server) ordered(ctx context.Context, st *store.Stream, id string, seg *media.Segment) (now *media.Segment, ok bool) {
	st.AskedFor(id, seg.Start, s.cfg.Clock())
	now, ok = seg, true
	_, err := s.hold(ctx, orderHold, st, id, func(*media.Presentation) bool {
		now, ok = st.Segment(id, seg.Start)
		return !ok || !now.Pending
	})
	return now, ok && !errors.Is(err, store.ErrRemoved)
}

// holdLimit is how long a request is held for what comes next in p.
func holdLimit(p *media.Presentation) time.Duration {
	return time.Duration(holdTargets*p.TargetDuration) * time.Second
}

// notYet asks the viewer to come back: a cache must not keep this.
func (s *server) notYet(w http.ResponseWriter, r *http.Request, st *store.Stream, err error) {
	s.cfg.Log.Debug("request held in vain", slog.String("path", r.URL.Path), slog.Any("error", err))
	message := fmt.Sprintf("The stream %q is starting. Ask again in a moment.", st.Name())
	if st.Expected() {
		message = fmt.Sprintf("Weir was restarted and waits for the publisher of %q to come back. Ask again in a moment.", st.Name())
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(defaultTarget.Seconds())))
	say(w, http.StatusServiceUnavailable, cacheNever, message)
}

func unknownStream(w http.ResponseWriter, name string) {
	notFound(w, fmt.Sprintf("Nobody is publishing a stream called %q. If it is yours, start your encoder; "+
		"viewers may ask again every few seconds, or open the watch page, which waits.", name))
}

// described reports whether the real codecs of a rendition are known.
func described(w *media.Window) bool { return w.Rendition.Codecs != "" }

// started reports whether a player can begin with w and go on without a stop.
func started(w *media.Window) bool {
	return len(w.Segments) >= startSegments || (w.Ended && len(w.Segments) > 0)
}

func hasSegments(w *media.Window) bool { return described(w) && len(w.Segments) > 0 }

// every needs ok for all windows, or at least for the first that can be: one
// with video, where there is any.
func every(whole, some func(*media.Window) bool) need {
	return need{
		whole: func(p *media.Presentation) bool {
			for _, w := range p.Windows {
				if !whole(w) {
					return false
				}
			}
			return true
		},
		some: func(p *media.Presentation) bool {
			for _, w := range p.Windows {
				if w.Rendition.Kind == p.Windows[0].Rendition.Kind && some(w) {
					return true
				}
			}
			return false
		},
	}
}

// one needs ok for the window of the rendition id.
func one(id string, whole, some func(*media.Window) bool) need {
	of := func(ok func(*media.Window) bool) func(*media.Presentation) bool {
		return func(p *media.Presentation) bool {
			w, found := p.Window(id)
			// A rendition that does not exist is not worth waiting for.
			return !found || ok(w)
		}
	}
	return need{whole: of(whole), some: of(some)}
}

// soon is n, or one segment of every rendition where parts follow it.
func soon(n need) need {
	one := every(hasSegments, hasSegments)
	return need{some: n.some, whole: func(p *media.Presentation) bool {
		return n.whole(p) || hls.LowLatency(p) && one.whole(p)
	}}
}

// early is n, or one segment of the rendition id where parts will follow it: with
// them a player need not wait for a second.
func early(id string, n need) need {
	return need{some: n.some, whole: func(p *media.Presentation) bool {
		w, found := p.Window(id)
		return n.whole(p) || found && hls.LowLatency(p) && hasSegments(w)
	}}
}

// only is p without the windows that are not ok.
func only(p *media.Presentation, ok func(*media.Window) bool) *media.Presentation {
	reduced := *p
	reduced.Windows = nil
	for _, w := range p.Windows {
		if ok(w) {
			reduced.Windows = append(reduced.Windows, w)
		}
	}
	return &reduced
}
