package webhook

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

const (
	// troublePause is how long is waited where the database fails.
	troublePause = 5 * time.Second
	// lastWords is how long the last events may take to be written.
	lastWords = 2 * time.Second
)

// Run posts until ctx ends; then it writes down what was published before. What
// was not delivered by then is when it runs again.
func (h *Hooks) Run(ctx context.Context) error {
	r := run{hooks: h, senders: make(map[string]*sending)}
	defer r.dismiss()
	r.refresh(ctx)
	for {
		events := h.events
		if len(r.pending) >= intakeLength {
			events = nil // the channel fills up, then Publish drops
		}
		select {
		case m := <-events:
			r.pending = append(r.pending, m)
		case <-h.changed:
			r.refresh(ctx)
		case <-r.again:
			r.refresh(ctx)
		case <-ctx.Done():
			r.finish(ctx)
			return nil
		}
		r.drain()
		r.keep(ctx)
	}
}

// run is what belongs to the goroutine of Run.
type run struct {
	hooks *Hooks
	// enabled are the webhooks that are posted to, once they are known.
	enabled []Webhook
	known   bool
	// pending is not in the database yet.
	pending []message
	// again is when what failed is tried again, nil if nothing did.
	again   <-chan time.Time
	senders map[string]*sending
}

// drain takes whatever else has been published.
func (r *run) drain() {
	for len(r.pending) < intakeLength {
		select {
		case m := <-r.hooks.events:
			r.pending = append(r.pending, m)
		default:
			return
		}
	}
}

// keep writes what is pending into the database.
func (r *run) keep(ctx context.Context) {
	if len(r.pending) == 0 || !r.known {
		return
	}
	dropped, err := r.hooks.book.enqueue(ctx, r.pending, r.enabled, time.Now())
	if err != nil {
		r.trouble(ctx, err)
		return
	}
	r.pending = nil
	if dropped > 0 {
		r.hooks.counts.dropped.Add(uint64(dropped))
		r.hooks.log.Warn("a webhook's queue is full, its oldest events gave way", slog.Int64("events", dropped), slog.Int("most", mostWaiting))
	}
	for _, s := range r.senders {
		s.wake()
	}
}

// trouble is logged, unless it is that Run ends.
func (r *run) trouble(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	r.again = time.After(troublePause)
	r.hooks.log.Error("webhooks wait for the database", slog.Any("error", err), slog.Duration("retry_in", troublePause))
}

// finish writes the last events although ctx has ended.
func (r *run) finish(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	if !r.known {
		r.refresh(ctx)
	}
	r.drain()
	r.keep(ctx)
	if len(r.pending) > 0 {
		r.hooks.log.Error("the last events are lost to webhooks", slog.Int("events", len(r.pending)))
	}
}

// refresh brings the database in line with the configuration, and the senders
// with both.
func (r *run) refresh(ctx context.Context) {
	r.again = nil
	all, err := r.hooks.agree(ctx)
	if err != nil {
		r.trouble(ctx, err)
		return
	}
	r.enabled, r.known = r.enabled[:0], true
	for _, w := range all {
		if w.Health.Disabled.IsZero() {
			r.enabled = append(r.enabled, w)
		}
	}
	r.muster(ctx)
}

// agree adds the webhooks of the configuration to the database, takes those away
// that it has no more, and returns all, with their secrets.
func (h *Hooks) agree(ctx context.Context) ([]Webhook, error) {
	h.mu.Lock()
	wishes := slices.Clone(h.configured)
	h.mu.Unlock()
	secrets := make(map[string]string)
	for _, wish := range wishes {
		secrets[configuredID(wish.URL)] = wish.Secret
	}
	all, err := h.book.webhooks(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range all {
		if _, stays := secrets[w.ID]; w.Configured && !stays {
			if err = h.book.remove(ctx, w.ID); err != nil {
				return nil, err
			}
		}
	}
	for _, wish := range wishes {
		w := Webhook{ID: configuredID(wish.URL), URL: wish.URL, Events: wish.Events, Configured: true, Created: time.Now()}
		if err = h.book.add(ctx, w); err != nil {
			return nil, err
		}
	}
	all, err = h.book.webhooks(ctx)
	for i := range all {
		if all[i].Configured {
			all[i].secret = secrets[all[i].ID]
		}
	}
	return all, err
}

// muster has a sender for each enabled webhook, and no other.
func (r *run) muster(ctx context.Context) {
	wanted := make(map[string]receiver)
	for _, w := range r.enabled {
		to, err := w.receiver()
		if err != nil {
			r.hooks.log.Error("a webhook cannot be signed", slog.Any("error", err))
			continue
		}
		wanted[w.ID] = to
	}
	for id, s := range r.senders {
		if to, stays := wanted[id]; !stays || !s.to.same(to) || s.over() {
			s.cancel()
			<-s.done
			delete(r.senders, id)
		}
	}
	for id, to := range wanted {
		if r.senders[id] == nil {
			r.senders[id] = r.hooks.send(ctx, to)
		}
	}
}

// dismiss ends the senders, and waits for them.
func (r *run) dismiss() {
	for _, s := range r.senders {
		s.cancel()
	}
	for _, s := range r.senders {
		<-s.done
	}
}
