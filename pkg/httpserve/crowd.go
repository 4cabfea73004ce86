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

// wish is something that requests wait for, and all that the answer to them depends
// on.
type wish struct {
	stream *store.Stream
	// id is that of the rendition.
	id string
	// kind is kindPart or kindPlaylist.
	kind kind
	// number is that of a part, or of the segment that a playlist is to list, with
	// part and form.
	number uint64
	part   int
	form   hls.Form
	zipped bool
}

// isThere reports whether p has what is wanted, or never will.
func (w *wish) isThere(p *media.Presentation) bool {
	window, ok := p.Window(w.id)
	if !ok {
		return true
	}
	if w.kind == kindPart {
		return window.Ended || window.NextSerial > w.number
	}
	return has(window, w.number, w.part)
}

// crowds are those who wait for the same. A crowd is answered by one answer, and
// nobody in it is woken by anything else.
type crowds struct {
	// mu guards all, and each crowd until it is released.
	mu  sync.Mutex
	all map[wish]*crowd
}

func newCrowds() *crowds { return &crowds{all: make(map[wish]*crowd)} }

func (all *crowds) find(wanted wish) *crowd {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.all[wanted]
}

// crowd waits for one wish.
type crowd struct {
	server *server
	wish   wish
	// held are sent an answer; the others, as many as waiting, wait for done and make
	// one of now and err.
	held     map[*plainhttp.Held]struct{}
	waiting  int
	released bool
	now      *media.Presentation
	err      error
	// deserted is closed when nobody waits any more.
	done, deserted chan struct{}
}

// together waits until there is what is wanted. If it does not come in time, or the
// viewer or the gateway goes away, it returns an error with what there was last.
func (s *server) together(ctx context.Context, wanted wish) (*media.Presentation, error) {
	if p := wanted.stream.Presentation(); wanted.isThere(p) {
		return p, nil
	}
	s.metrics.held.Inc()
	defer s.metrics.held.Dec()
	c := s.join(wanted, nil)
	select {
	case <-c.done:
		return c.now, c.err
	case <-ctx.Done():
		c.leave(nil)
		return wanted.stream.Presentation(), context.Cause(ctx)
	}
}

// join takes a request into the crowd that waits for the same: h, or the caller's if
// that is nil.
func (s *server) join(wanted wish, h *plainhttp.Held) *crowd {
	s.crowds.mu.Lock()
	defer s.crowds.mu.Unlock()
	c, there := s.crowds.all[wanted]
	if !there {
		c = &crowd{
			server: s, wish: wanted, held: make(map[*plainhttp.Held]struct{}), done: make(chan struct{}), deserted: make(chan struct{}),
		}
		s.crowds.all[wanted] = c
		go c.look()
	}
	if h != nil {
		s.metrics.held.Inc()
		c.held[h] = struct{}{}
	} else {
		c.waiting++
	}
	return c
}

// leave takes out of the crowd who has left, unless it was released.
func (c *crowd) leave(h *plainhttp.Held) {
	crowds := c.server.crowds
	crowds.mu.Lock()
	defer crowds.mu.Unlock()
	if c.released {
		return
	}
	if h != nil {
		c.server.metrics.held.Dec()
		delete(c.held, h)
	} else {
		c.waiting--
	}
	if c.waiting == 0 && len(c.held) == 0 {
		delete(crowds.all, c.wish)
		close(c.deserted)
	}
}

// look waits for what the crowd waits for, or until nobody does.
func (c *crowd) look() {
	limit := time.NewTimer(holdLimit(c.wish.stream.Presentation()))
	defer limit.Stop()
	for {
		now := c.wish.stream.Now(c.wish.id)
		switch {
		case now.Presentation != nil && c.wish.isThere(now.Presentation):
			c.release(now.Presentation, nil)
			return
		case now.Removed:
			c.release(now.Presentation, store.ErrRemoved)
			return
		}
		select {
		case <-now.Changed:
		case <-limit.C:
			c.release(now.Presentation, errLimit)
			return
		case <-c.server.cfg.Draining:
			c.release(now.Presentation, errDraining)
			return
		case <-c.deserted:
			return
		}
	}
}

// release lets the crowd go and answers all who are held. Those who wait for a part go
// before those who wait for the playlist that lists it: their pictures are late if
// they are, and what the others do next takes time from everybody.
func (c *crowd) release(now *media.Presentation, err error) {
	if window, ok := now.Window(c.wish.id); ok && c.wish.kind == kindPlaylist && window.NextSerial > 0 {
		if parts := c.server.crowds.find(wish{stream: c.wish.stream, id: c.wish.id, kind: kindPart, number: window.NextSerial - 1}); parts != nil {
			parts.release(now, err)
		}
	}
	if !c.free(now, err) {
		return
	}
	c.server.metrics.held.Sub(float64(len(c.held)))
	answer := c.server.fulfilled(&c.wish, now, err, len(c.held))
	c.server.metrics.answeredMany(c.wish.kind, answer.Code(), answer.Size(), len(c.held))
	plainhttp.Send(slices.Collect(maps.Keys(c.held)), answer)
}

// free reports whether anybody is held by the crowd, which nobody can join or leave
// from then on. It does so once.
func (c *crowd) free(now *media.Presentation, err error) bool {
	crowds := c.server.crowds
	crowds.mu.Lock()
	defer crowds.mu.Unlock()
	if c.released || c.waiting == 0 && len(c.held) == 0 { // they have left
		return false
	}
	delete(crowds.all, c.wish)
	c.now, c.err, c.released = now, err, true
	close(c.done)
	return len(c.held) > 0
}

// fulfilled is the answer to all who are held for a wish.
func (s *server) fulfilled(wanted *wish, now *media.Presentation, err error, viewers int) *plainhttp.Answer {
	r := &http.Request{Method: http.MethodGet, Header: make(http.Header)}
	if wanted.zipped {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	answer := s.compose(func(w http.ResponseWriter) { s.fulfil(w, r, wanted, now, err) })
	if viewers >= worthCopying {
		answer = s.answers.filed(answer)
	}
	return answer
}

// fulfil answers a request for what was waited for.
func (s *server) fulfil(w http.ResponseWriter, r *http.Request, wanted *wish, now *media.Presentation, err error) {
	if wanted.kind == kindPart {
		hinted(w, r, wanted, now, err)
	} else {
		s.reloaded(w, r, wanted, now, err)
	}
}
