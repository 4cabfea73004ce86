package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"weir/pkg/api"
	"weir/pkg/config"
	"weir/pkg/webhook"
)

// openWebhooks has what happens posted to those whom cfg and the database name.
func (g *gateway) openWebhooks(cfg config.Config) error {
	if err := checkWebhooks(cfg.Webhooks); err != nil {
		return err
	}
	g.hooks = webhook.New(g.database, "weir/"+g.version, g.log)
	g.hooks.Configure(hookWishes(cfg.Webhooks), cfg.Webhooks.AllowPrivate)
	g.happened = newEventCounter()
	g.feed.Relay(g.relay)
	return nil
}

// checkWebhooks refuses what would never be delivered.
func checkWebhooks(cfg config.Webhooks) error {
	for i, wish := range hookWishes(cfg) {
		if err := wish.Check(cfg.AllowPrivate); err != nil {
			return fmt.Errorf("webhooks.endpoints[%d]: %w", i, err)
		}
	}
	return nil
}

func hookWishes(cfg config.Webhooks) []webhook.Wish {
	var all []webhook.Wish
	for _, w := range cfg.Endpoints {
		all = append(all, webhook.Wish{URL: w.URL, Events: w.Events, Secret: w.Secret.Reveal()})
	}
	return all
}

// eventData is what receivers are told beside the type and time.
type eventData struct {
	Stream   string    `json:"stream,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	To       api.Role  `json:"to,omitempty"`
	Message  string    `json:"message"`
	URLs     *api.URLs `json:"urls,omitempty"`
	Duration float64   `json:"duration_s,omitempty"`
}

// newEventCounter counts events by kind, which is a closed set.
func newEventCounter() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "weir_events_total", Help: "Events, by kind: stream.resumed counts publishers that came back.",
	}, []string{"kind"})
}

// relay counts an event, and posts it if it is of those that are posted.
func (g *gateway) relay(e api.Event) {
	g.happened.WithLabelValues(string(e.Kind)).Inc()
	if !slices.Contains(webhook.Types(), string(e.Kind)) {
		return
	}
	g.hooks.Publish(webhook.Event{
		Type: string(e.Kind), Time: e.Time,
		Data: eventData{Stream: e.Stream, Reason: e.Reason, To: e.To, Message: e.Message, URLs: e.URLs, Duration: e.Duration},
	})
}

// webhookStore is the webhooks in the API's words.
func (g *gateway) webhookStore() api.Webhooks {
	return api.Webhooks{
		List: func(ctx context.Context) ([]api.Webhook, error) {
			all, err := g.hooks.List(ctx)
			return mapped(all, apiWebhook), err
		},
		Create: func(ctx context.Context, d api.WebhookDraft) (api.NewWebhook, error) {
			made, secret, err := g.hooks.Create(ctx, webhook.Wish{URL: d.URL, Events: words[string](d.Events), Label: d.Label})
			return api.NewWebhook{Webhook: apiWebhook(made), Secret: secret}, webhookError(err)
		},
		Change: func(ctx context.Context, id string, c api.WebhookChange) (api.Webhook, error) {
			change := webhook.Change{URL: c.URL, Label: c.Label, Enabled: c.Enabled}
			if c.Events != nil {
				change.Events = new(words[string](*c.Events))
			}
			changed, err := g.hooks.Update(ctx, id, change)
			return apiWebhook(changed), webhookError(err)
		},
		Delete: func(ctx context.Context, id string) error { return webhookError(g.hooks.Delete(ctx, id)) },
		Try: func(ctx context.Context, id string) (api.WebhookAttempt, error) {
			a, err := g.hooks.Try(ctx, id)
			return api.WebhookAttempt{
				EventID: a.EventID, Delivered: a.Delivered, Status: a.Status, Error: a.Error, Took: rounded(a.Took.Seconds()),
			}, webhookError(err)
		},
		Deliveries: func(ctx context.Context, id string) ([]api.WebhookDelivery, error) {
			all, err := g.hooks.Deliveries(ctx, id)
			return mapped(all, apiDelivery), webhookError(err)
		},
	}
}

// webhookError is err in the API's words.
func webhookError(err error) error {
	if mistake, ok := errors.AsType[webhook.MistakeError](err); ok {
		return api.WebhookMistakeError(mistake)
	}
	for from, to := range map[error]error{
		webhook.ErrUnknown:    api.ErrNoSuchWebhook,
		webhook.ErrTooMany:    api.ErrManyWebhooks,
		webhook.ErrConfigured: api.ErrWebhookConfigured,
	} {
		if errors.Is(err, from) {
			return to
		}
	}
	return err
}

func apiWebhook(w webhook.Webhook) api.Webhook {
	return api.Webhook{
		ID: w.ID, URL: w.URL, Events: append([]api.EventKind{}, words[api.EventKind](w.Events)...), Label: w.Label,
		Configured: w.Configured, CreatedAt: w.Created, Enabled: w.Health.Disabled.IsZero(),
		Health: api.WebhookHealth{
			Failures: w.Health.Failures, FailingSince: moment(w.Health.FailingSince), LastSuccess: moment(w.Health.LastSuccess),
			LastError: w.Health.LastError, DisabledAt: moment(w.Health.Disabled), DisabledReason: w.Health.DisabledReason,
			Waiting: w.Health.Waiting,
		},
	}
}

func apiDelivery(d webhook.Delivery) api.WebhookDelivery {
	return api.WebhookDelivery{
		EventID: d.EventID, Type: d.Type, CreatedAt: d.Created, State: string(d.State), Attempts: d.Attempts,
		NextAt: moment(d.Next), DoneAt: moment(d.Done), Status: d.Status, Error: d.Error,
	}
}

// moment is nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func words[To, From ~string](all []From) []To {
	return mapped(all, func(word From) To { return To(word) })
}

func mapped[To, From any](all []From, one func(From) To) []To {
	var out []To
	for _, from := range all {
		out = append(out, one(from))
	}
	return out
}
