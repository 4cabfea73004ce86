package httpserve

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"weir/pkg/media"
	"weir/pkg/package/hls"
	"weir/pkg/plainhttp"
	"weir/pkg/store"
)

// wish is all that the answer to a held request depends on.
type wish struct {
	stream *store.Stream
	// id is that of the rendition.
	id   string
	kind kind
	// number is that of a part, or of the segment that a playlist is to list, with
	// part and form.
	number uint64
	part   int
	form   hls.Form
	zipped bool
}

// crowds are those who wait for the same. Everybody in a crowd is woken when all are
// answered, and by nothing else.
type crowds struct {
	// mu guards all, and each crowd until it is released.
	mu  sync.Mutex
	all map[wish]*crowd
}

func newCrowds() *crowds { return &crowds{all: make(map[wish]*crowd)} }

// crowd waits for one wish. When that is there, one of those whose connections take
// answers that others send makes the answer and sends it to all of them, before
// anybody else is woken.
type crowd struct {
	of      *crowds
	wish    wish
	waiting int
	// sharing are those who can be sent the answer of another.
	sharing  map[*response]struct{}
	released bool
	// now and err are what there was at the release.
	now *media.Presentation
	err error
	// lead is sent to once, for one of sharing; done is closed when they have their
	// answers or have to make their own; deserted when nobody waits any more.
	lead, done, deserted chan struct{}
}

// together waits until ready is true of the presentation, which is asked again when
// the rendition has changed. If it is not before limit, or the viewer or the gateway
// goes away, it returns an error with what there was last. Afterwards the request may
// be answered already.
func (s *server) together(w http.ResponseWriter, r *http.Request, limit time.Duration, wanted wish, ready func(*media.Presentation) bool) (*media.Presentation, error) {
	s.metrics.held.Inc()
	defer s.metrics.held.Dec()
	member := sharing(w, r)
	c := s.crowds.join(wanted, member, ready)
	lead := c.lead
	if member == nil {
		lead = nil
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	var gone error
	select {
	case <-lead:
		member.leads = c
		return c.now, c.err
	case <-c.done:
		return c.now, c.err
	case <-timer.C:
		gone = errLimit
	case <-s.cfg.Draining:
		gone = errDraining
	case <-r.Context().Done():
		gone = context.Cause(r.Context())
	}
	if c.leave(member) {
		return wanted.stream.Presentation(), gone
	}
	select { // it is being answered: that takes a moment
	case <-lead:
		member.leads = c
	case <-c.done:
	}
	return c.now, c.err
}

// sharing is the response to r if it can be that of others, nil if not.
func sharing(w http.ResponseWriter, r *http.Request) *response {
	out, ok := w.(*response)
	if !ok || !isForAll(r) {
		return nil
	}
	if _, ok = out.ResponseWriter.(plainhttp.Sharer); !ok {
		return nil
	}
	return out
}

// isAnswered reports whether there is a response already.
func isAnswered(w http.ResponseWriter) bool {
	out, ok := w.(*response)
	return ok && out.code != 0
}

// join takes a request into the crowd that waits for the same.
func (all *crowds) join(wanted wish, member *response, ready func(*media.Presentation) bool) *crowd {
	all.mu.Lock()
	defer all.mu.Unlock()
	c, there := all.all[wanted]
	if !there {
		c = &crowd{
			of: all, wish: wanted, sharing: make(map[*response]struct{}),
			lead: make(chan struct{}, 1), done: make(chan struct{}), deserted: make(chan struct{}),
		}
		all.all[wanted] = c
		go c.look(ready)
	}
	c.waiting++
	if member != nil {
		c.sharing[member] = struct{}{}
	}
	return c
}

// leave reports false for a member of a crowd that was released.
func (c *crowd) leave(member *response) bool {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.released {
		return false
	}
	c.waiting--
	delete(c.sharing, member)
	if c.waiting == 0 {
		delete(c.of.all, c.wish)
		close(c.deserted)
	}
	return true
}

// look waits for what the crowd waits for, or until nobody does.
func (c *crowd) look(ready func(*media.Presentation) bool) {
	for {
		now := c.wish.stream.Now(c.wish.id)
		if now.Presentation != nil && ready(now.Presentation) {
			c.release(now.Presentation, nil)
			return
		}
		if now.Removed {
			c.release(now.Presentation, store.ErrRemoved)
			return
		}
		select {
		case <-now.Changed:
		case <-c.deserted:
			return
		}
	}
}

// release begins to let the crowd go.
func (c *crowd) release(now *media.Presentation, err error) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.waiting == 0 {
		return // they have left
	}
	delete(c.of.all, c.wish)
	c.now, c.err, c.released = now, err, true
	if err == nil && len(c.sharing) > 0 {
		c.lead <- struct{}{}
		return
	}
	close(c.done)
}

// perSender is how many answers one goroutine sends: so many take some milliseconds.
const perSender = 256

// answer sends the response whose header by has written, and whose body is bufs, to
// all who share it. Nobody is waited for: who does not take it at once is sent the
// rest by its own goroutine.
func (c *crowd) answer(by *response, bufs [][]byte) {
	answer := by.ResponseWriter.(plainhttp.Sharer).Compose(bufs) //nolint:forcetypeassert // see sharing.
	var sending sync.WaitGroup
	for some := range slices.Chunk(slices.Collect(maps.Keys(c.sharing)), perSender) {
		sending.Go(func() {
			for _, one := range some {
				one.ResponseWriter.(plainhttp.Sharer).Offer(answer) //nolint:forcetypeassert // see sharing.
				one.code, one.bytes = http.StatusOK, answer.Size()
			}
		})
	}
	sending.Wait()
	close(c.done)
}
