package webhook

import (
	"context"
	"net/netip"
	"time"

	"weir/pkg/webhook/sign"
)

// Change is what to make of a webhook; nil leaves things as they are.
type Change struct {
	URL, Label *string
	Events     *[]string
	// Enabled begins anew with one that was disabled, or disables it.
	Enabled *bool
}

// Attempt is what came of one.
type Attempt struct {
	EventID string
	// Delivered is whether the receiver took it.
	Delivered bool
	// Status is 0 where no answer came; Error is "" where all went well.
	Status int
	Error  string
	Took   time.Duration
}

// List is every webhook, the oldest first.
func (h *Hooks) List(ctx context.Context) ([]Webhook, error) { return h.book.webhooks(ctx) }

// Create makes a webhook and its secret, which cannot be read back. The error
// may be a MistakeError or ErrTooMany.
func (h *Hooks) Create(ctx context.Context, wish Wish) (made Webhook, secret string, err error) {
	if err := wish.Check(h.private()); err != nil {
		return Webhook{}, "", err
	}
	w := Webhook{
		ID: random(4), URL: wish.URL, Events: wish.Events, Label: wish.Label,
		Created: time.Now().UTC().Truncate(time.Millisecond), secret: sign.NewSecret(),
	}
	if err := h.book.add(ctx, w); err != nil {
		return Webhook{}, "", err
	}
	h.change()
	return w, w.secret, nil
}

// Update changes a webhook. Of one of the configuration, only Enabled can be
// changed. The error may be a MistakeError, ErrUnknown or ErrConfigured.
func (h *Hooks) Update(ctx context.Context, id string, c Change) (Webhook, error) {
	w, err := h.book.webhook(ctx, id)
	if err != nil {
		return Webhook{}, err
	}
	if c.URL != nil || c.Label != nil || c.Events != nil {
		if w.Configured {
			return Webhook{}, ErrConfigured
		}
		if w, err = c.of(w, h.private()); err != nil {
			return Webhook{}, err
		}
		if err := h.book.add(ctx, w); err != nil {
			return Webhook{}, err
		}
	}
	if c.Enabled != nil {
		if err := h.book.enable(ctx, id, *c.Enabled, time.Now()); err != nil {
			return Webhook{}, err
		}
	}
	h.change()
	return h.book.webhook(ctx, id)
}

// of is w with the changes, checked.
func (c Change) of(w Webhook, private []netip.Prefix) (Webhook, error) {
	if c.URL != nil {
		w.URL = *c.URL
	}
	if c.Label != nil {
		w.Label = *c.Label
	}
	if c.Events != nil {
		w.Events = *c.Events
	}
	return w, Wish{URL: w.URL, Events: w.Events, Label: w.Label}.Check(private)
}

// Delete removes a webhook and what waits for it. The error may be ErrUnknown or
// ErrConfigured.
func (h *Hooks) Delete(ctx context.Context, id string) error {
	w, err := h.book.webhook(ctx, id)
	if err != nil {
		return err
	}
	if w.Configured {
		return ErrConfigured
	}
	defer h.change()
	return h.book.remove(ctx, id)
}

// Deliveries are the newest of a webhook, at most 100 of them. The error may be
// ErrUnknown.
func (h *Hooks) Deliveries(ctx context.Context, id string) ([]Delivery, error) {
	if _, err := h.book.webhook(ctx, id); err != nil {
		return nil, err
	}
	return h.book.deliveries(ctx, id, doneKept)
}

// Try posts an event of type Test at once, also to a webhook that is disabled,
// and notes what came of it among the deliveries. The error may be ErrUnknown.
func (h *Hooks) Try(ctx context.Context, id string) (Attempt, error) {
	w, err := h.secretly(ctx, id)
	if err != nil {
		return Attempt{}, err
	}
	to, err := w.receiver()
	if err != nil {
		return Attempt{}, err
	}
	m, err := Event{Type: Test, Time: time.Now(), Data: map[string]string{
		"message": "Somebody asked Weir for this test. Nothing has happened.",
	}}.message()
	if err != nil {
		return Attempt{}, err
	}
	o := h.poster.post(ctx, to, m.id, m.body)
	a := Attempt{EventID: m.id, Delivered: o.trouble == "", Status: o.status, Error: o.trouble, Took: o.took}
	return a, h.book.note(ctx, id, m, o, time.Now())
}

// secretly is a webhook with its secret.
func (h *Hooks) secretly(ctx context.Context, id string) (Webhook, error) {
	w, err := h.book.webhook(ctx, id)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, wish := range h.configured {
		if w.Configured && configuredID(wish.URL) == id {
			w.secret = wish.Secret
		}
	}
	return w, err
}

func (h *Hooks) private() []netip.Prefix { return *h.poster.private.Load() }
