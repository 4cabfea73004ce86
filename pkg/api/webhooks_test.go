package api_test

import (
	"context"
	"time"

	"weir/pkg/api"
)

// webhooks has one that it can change, 0a1b2c3d, and one of the configuration,
// c0c0c0c0.
func webhooks() api.Webhooks {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	one := api.Webhook{
		ID: "0a1b2c3d", URL: "https://bot.example.com/", Events: []api.EventKind{api.RungShed}, CreatedAt: at,
		Health: api.WebhookHealth{Failures: 3, FailingSince: &at, LastError: "It answered 500.", Waiting: 2},
	}
	find := func(id string) error {
		return map[string]error{one.ID: nil, "c0c0c0c0": api.ErrWebhookConfigured, "ffffffff": api.ErrNoSuchWebhook}[id]
	}
	return api.Webhooks{
		List: func(context.Context) ([]api.Webhook, error) { return []api.Webhook{one}, nil },
		Create: func(_ context.Context, d api.WebhookDraft) (api.NewWebhook, error) {
			switch d.URL {
			case "http://10.0.0.1/":
				return api.NewWebhook{}, api.WebhookMistakeError("The address is private.")
			case "https://one.too.many/":
				return api.NewWebhook{}, api.ErrManyWebhooks
			}
			return api.NewWebhook{Webhook: one, Secret: "whsec_x"}, nil
		},
		Change: func(_ context.Context, id string, _ api.WebhookChange) (api.Webhook, error) { return one, find(id) },
		Delete: func(_ context.Context, id string) error { return find(id) },
		Try: func(_ context.Context, id string) (api.WebhookAttempt, error) {
			return api.WebhookAttempt{EventID: "evt_1", Status: 500, Error: "It answered 500.", Took: 0.1}, find(id)
		},
		Deliveries: func(_ context.Context, id string) ([]api.WebhookDelivery, error) {
			return []api.WebhookDelivery{{EventID: "evt_1", Type: "rung.shed", CreatedAt: at, State: "waiting", NextAt: &at, Attempts: 1}}, find(id)
		},
	}
}
