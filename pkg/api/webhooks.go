package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Webhook is where events are posted to.
type Webhook struct {
	_      struct{}    `additionalProperties:"true"`
	ID     string      `json:"id"`
	URL    string      `json:"url" example:"https://bot.example.com/weir"`
	Events []EventKind `json:"events" nullable:"false" doc:"The kinds of events that are posted; empty for all."`
	Label  string      `json:"label,omitempty" doc:"For people."`
	// Configured webhooks cannot be changed here.
	Configured bool          `json:"configured" doc:"It is in the configuration, and cannot be changed here: only enabled again."`
	CreatedAt  time.Time     `json:"created_at"`
	Enabled    bool          `json:"enabled"`
	Health     WebhookHealth `json:"health"`
}

// WebhookHealth is how a webhook's receiver fares.
type WebhookHealth struct {
	_              struct{}   `additionalProperties:"true"`
	Failures       int        `json:"failures" doc:"Attempts that failed in a row; 0 where all is well."`
	FailingSince   *time.Time `json:"failing_since"`
	LastSuccess    *time.Time `json:"last_success_at"`
	LastError      string     `json:"last_error,omitempty" doc:"Of the last attempt that failed, however long ago."`
	DisabledAt     *time.Time `json:"disabled_at" doc:"Since when nothing is posted."`
	DisabledReason string     `json:"disabled_reason,omitempty"`
	Waiting        int        `json:"waiting" doc:"Events that are not delivered yet."`
}

// WebhookDraft is a webhook as somebody asks for it.
type WebhookDraft struct {
	URL    string      `json:"url" doc:"http or https. Private addresses are refused unless webhooks.allow_private lists them." maxLength:"2000"`
	Events []EventKind `json:"events,omitempty" doc:"The kinds of events to post; all where left out." maxItems:"20"`
	Label  string      `json:"label,omitempty" doc:"For people." maxLength:"64"`
}

// NewWebhook is a webhook with its secret, which is shown this once.
type NewWebhook struct {
	_       struct{} `additionalProperties:"true"`
	Webhook Webhook  `json:"webhook"`
	Secret  string   `json:"secret" doc:"By which the receiver checks signatures (standardwebhooks.com). It is shown this once." example:"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`
}

// WebhookChange is what to make of a webhook; nil leaves things as they are.
type WebhookChange struct {
	URL     *string      `json:"url,omitempty" maxLength:"2000"`
	Events  *[]EventKind `json:"events,omitempty" maxItems:"20"`
	Label   *string      `json:"label,omitempty" maxLength:"64"`
	Enabled *bool        `json:"enabled,omitempty" doc:"true begins anew with one that was disabled."`
}

// WebhookDelivery is an event on its way to a webhook.
type WebhookDelivery struct {
	_         struct{}   `additionalProperties:"true"`
	EventID   string     `json:"event_id" doc:"What the receiver gets as webhook-id: the same at each attempt."`
	Type      string     `json:"type" doc:"The event's kind, or webhook.test."`
	CreatedAt time.Time  `json:"created_at"`
	State     string     `json:"state" enum:"waiting,delivered,failed,dropped" doc:"failed: given up after a day. dropped: too many waited, and it was the oldest."`
	Attempts  int        `json:"attempts"`
	NextAt    *time.Time `json:"next_attempt_at"`
	DoneAt    *time.Time `json:"done_at"`
	Status    int        `json:"status,omitempty" doc:"The status code of the last answer; left out where there was none."`
	Error     string     `json:"error,omitempty" doc:"What was wrong with the last attempt."`
}

// WebhookAttempt is what came of a test.
type WebhookAttempt struct {
	_         struct{} `additionalProperties:"true"`
	EventID   string   `json:"event_id"`
	Delivered bool     `json:"delivered"`
	Status    int      `json:"status,omitempty" doc:"The status code of the answer; left out where there was none."`
	Error     string   `json:"error,omitempty"`
	Took      float64  `json:"took_s" doc:"In seconds."`
}

// Webhooks is where webhooks are kept. The errors are ErrNoSuchWebhook,
// ErrManyWebhooks, ErrWebhookConfigured, a WebhookMistakeError, or Weir's fault.
type Webhooks struct {
	List       func(context.Context) ([]Webhook, error)
	Create     func(context.Context, WebhookDraft) (NewWebhook, error)
	Change     func(ctx context.Context, id string, change WebhookChange) (Webhook, error)
	Delete     func(ctx context.Context, id string) error
	Try        func(ctx context.Context, id string) (WebhookAttempt, error)
	Deliveries func(ctx context.Context, id string) ([]WebhookDelivery, error)
}

// The errors of Webhooks that a caller can mend.
var (
	ErrNoSuchWebhook     = errors.New("there is no such webhook")
	ErrManyWebhooks      = errors.New("there are too many webhooks")
	ErrWebhookConfigured = errors.New("the webhook is of the configuration")
)

// WebhookMistakeError is what is wrong with a webhook, as a sentence.
type WebhookMistakeError string

// Error is the sentence.
func (e WebhookMistakeError) Error() string { return string(e) }

type webhookList struct {
	_        struct{}  `additionalProperties:"true"`
	Webhooks []Webhook `json:"webhooks" nullable:"false"`
}

type deliveryList struct {
	_          struct{}          `additionalProperties:"true"`
	Deliveries []WebhookDelivery `json:"deliveries" nullable:"false"`
}

type ofWebhook struct {
	ID string `doc:"The webhook's id." path:"id"`
}

type changeWebhookInput struct {
	ID   string `doc:"The webhook's id." path:"id"`
	Body WebhookChange
}

const tagWebhooks = "Webhooks"

func (h handlers) webhookRoutes(api huma.API) {
	operation := func(id, method, path, summary, description string, errors ...int) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: method, Path: "/api/v1/webhooks" + path, Tags: []string{tagWebhooks},
			Summary: summary, Description: description, Security: needs(Admin),
			Errors: authErrors(append(errors, http.StatusInternalServerError)...),
		}
	}
	const one, missing = "/{id}", http.StatusNotFound
	huma.Register(api, operation("list-webhooks", http.MethodGet, "", "List the webhooks",
		"Those of the configuration and those made here, without their secrets."), h.webhooks)
	create := operation("create-webhook", http.MethodPost, "", "Make a webhook",
		"Events are posted to it from then on. The answer holds the secret, this once.", bodyErrors(http.StatusConflict)...)
	create.DefaultStatus = http.StatusCreated
	huma.Register(api, create, h.createWebhook)
	huma.Register(api, operation("change-webhook", http.MethodPatch, one, "Change a webhook",
		"What is left out stays. Its secret stays, too.", bodyErrors(missing, http.StatusConflict)...), h.changeWebhook)
	huma.Register(api, operation("delete-webhook", http.MethodDelete, one, "Delete a webhook",
		"What waits for it is forgotten.", missing, http.StatusConflict), h.deleteWebhook)
	huma.Register(api, operation("test-webhook", http.MethodPost, one+"/test", "Post a test event",
		"One of type webhook.test is posted at once, and the answer says what came of it within 10 s.", missing), h.testWebhook)
	huma.Register(api, operation("list-webhook-deliveries", http.MethodGet, one+"/deliveries", "List a webhook's deliveries",
		"The last 100, the newest first.", missing), h.webhookDeliveries)
}

// webhookProblem is err in the words of HTTP.
func (h handlers) webhookProblem(doing string, err error) error {
	if mistake, ok := errors.AsType[WebhookMistakeError](err); ok {
		return problem(http.StatusUnprocessableEntity, "The webhook has a mistake", mistake.Error())
	}
	switch {
	case errors.Is(err, ErrNoSuchWebhook):
		return problem(http.StatusNotFound, "No such webhook", "GET /api/v1/webhooks lists the ids of those that there are.")
	case errors.Is(err, ErrManyWebhooks):
		return problem(http.StatusConflict, "Too many webhooks", "Delete one before you make another.")
	case errors.Is(err, ErrWebhookConfigured):
		return problem(http.StatusConflict, "It is in the configuration", "Change webhooks.endpoints there, and reload.")
	}
	return h.broken(doing, err)
}

func (h handlers) webhooks(ctx context.Context, _ *struct{}) (*private[webhookList], error) {
	all, err := h.cfg.Webhooks.List(ctx)
	if err != nil {
		return nil, h.broken("list the webhooks", err)
	}
	return &private[webhookList]{Body: webhookList{Webhooks: append([]Webhook{}, all...)}}, nil
}

func (h handlers) createWebhook(ctx context.Context, in *struct{ Body WebhookDraft }) (*private[NewWebhook], error) {
	made, err := h.cfg.Webhooks.Create(ctx, in.Body)
	if err != nil {
		return nil, h.webhookProblem("make a webhook", err)
	}
	return &private[NewWebhook]{Body: made}, nil
}

func (h handlers) changeWebhook(ctx context.Context, in *changeWebhookInput) (*private[Webhook], error) {
	changed, err := h.cfg.Webhooks.Change(ctx, in.ID, in.Body)
	if err != nil {
		return nil, h.webhookProblem("change the webhook", err)
	}
	return &private[Webhook]{Body: changed}, nil
}

func (h handlers) deleteWebhook(ctx context.Context, in *ofWebhook) (*struct{}, error) {
	if err := h.cfg.Webhooks.Delete(ctx, in.ID); err != nil {
		return nil, h.webhookProblem("delete the webhook", err)
	}
	return nil, nil //nolint:nilnil // huma answers 204 without a body.
}

func (h handlers) testWebhook(ctx context.Context, in *ofWebhook) (*private[WebhookAttempt], error) {
	attempt, err := h.cfg.Webhooks.Try(ctx, in.ID)
	if err != nil {
		return nil, h.webhookProblem("test the webhook", err)
	}
	return &private[WebhookAttempt]{Body: attempt}, nil
}

func (h handlers) webhookDeliveries(ctx context.Context, in *ofWebhook) (*private[deliveryList], error) {
	all, err := h.cfg.Webhooks.Deliveries(ctx, in.ID)
	if err != nil {
		return nil, h.webhookProblem("list the webhook's deliveries", err)
	}
	return &private[deliveryList]{Body: deliveryList{Deliveries: append([]WebhookDelivery{}, all...)}}, nil
}
