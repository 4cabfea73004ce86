package webhook

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// settleTimeout is how long the outcome of an attempt may take to be written,
// also where Run ends.
const settleTimeout = 2 * time.Second

// sending is a goroutine that posts to one webhook.
type sending struct {
	to receiver
	// woken tells that there may be something to post.
	woken  chan struct{}
	cancel context.CancelFunc
	done   chan struct{}
}

// over reports whether it has nothing more to do.
func (s *sending) over() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

func (s *sending) wake() {
	select {
	case s.woken <- struct{}{}:
	default: // it will look anyway
	}
}

// send starts one; the caller cancels it and waits until it is done.
func (h *Hooks) send(ctx context.Context, to receiver) *sending {
	ctx, cancel := context.WithCancel(ctx)
	s := &sending{to: to, woken: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for h.next(ctx, s) {
		}
	}()
	return s
}

// next posts what is due, or waits for it. It reports whether there is more to do.
func (h *Hooks) next(ctx context.Context, s *sending) bool {
	d, wait, err := h.book.due(ctx, s.to.id, time.Now())
	if err != nil {
		return h.pause(ctx, err)
	}
	var due <-chan time.Time // nil: nothing waits
	if d != nil && wait <= 0 {
		goOn, err := h.attempt(ctx, s.to, d)
		if err != nil {
			return h.pause(ctx, err)
		}
		return goOn
	}
	if d != nil {
		due = time.After(wait)
	}
	select {
	case <-due:
	case <-s.woken:
	case <-ctx.Done():
		return false
	}
	return true
}

// pause lets the database recover. The receiver is not asked meanwhile: what
// came of it could not be written down.
func (h *Hooks) pause(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	h.log.Error("a webhook waits for the database", slog.Any("error", err), slog.Duration("retry_in", troublePause))
	select {
	case <-time.After(troublePause):
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt posts a delivery once. It reports whether more may be posted.
func (h *Hooks) attempt(ctx context.Context, to receiver, d *Delivery) (goOn bool, err error) {
	o := h.poster.post(ctx, to, d.EventID, d.body)
	if ctx.Err() != nil && o.trouble != "" {
		return false, nil // Weir stops: that is not the receiver's fault
	}
	keeping, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	disabled, err := h.book.settle(keeping, to.id, d, o, time.Now())
	if errors.Is(err, ErrUnknown) {
		return false, nil // it was removed meanwhile
	}
	if err != nil {
		return false, err
	}
	h.tell(to, d, o, disabled)
	if disabled != "" {
		h.change()
		return false, nil
	}
	return true, nil
}

// tell logs and counts what came of an attempt. URLs are not logged: they may
// hold secrets.
func (h *Hooks) tell(to receiver, d *Delivery, o outcome, disabled string) {
	log := h.log.With(slog.String("webhook", to.id), slog.String("event", d.EventID), slog.String("type", d.Type), slog.Int("attempt", d.Attempts))
	switch {
	case o.trouble == "":
		h.counts.delivered.Add(1)
		log.Debug("webhook delivered", slog.Int("status", o.status), slog.Duration("took", o.took))
		return
	case d.State == Failed:
		h.counts.givenUp.Add(1)
		log.Error("webhook given up: the event is too old", slog.String("trouble", o.trouble))
	case d.Attempts == 1:
		log.Warn("webhook failed, it is tried again", slog.String("trouble", o.trouble))
	default:
		log.Debug("webhook failed again", slog.String("trouble", o.trouble))
	}
	h.counts.failed.Add(1)
	if disabled != "" {
		log.Error("webhook disabled, until somebody enables it", slog.String("reason", disabled))
	}
}
