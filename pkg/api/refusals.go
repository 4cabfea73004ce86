package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Refusal is one or more attempts to publish that failed alike, or sessions that
// ended for what their publisher did.
type Refusal struct {
	_       struct{}  `additionalProperties:"true"`
	Time    time.Time `json:"time" doc:"Of the last attempt."`
	FirstAt time.Time `json:"first_at"`
	Count   int       `json:"count" doc:"How many attempts of the same address were like this one."`
	Stream  string    `json:"stream,omitempty" doc:"What the key would have published; left out where no stream has the key."`
	// Protocol, Application and Encoder are left out where the publisher did not
	// come so far.
	Protocol    string `json:"protocol,omitempty"`
	Application string `json:"application,omitempty" doc:"The server URL's path; as … where it might hold a key."`
	Encoder     string `json:"encoder,omitempty" doc:"What the publisher's software calls itself."`
	// Remote is left out for those who are not operators.
	Remote  string `json:"remote,omitempty" doc:"The address; for operators."`
	Reason  string `json:"reason" doc:"A word of a closed set, such as wrong_key."`
	Message string `json:"message" doc:"What the encoder was told."`
}

type refusalList struct {
	_        struct{}  `additionalProperties:"true"`
	Refusals []Refusal `json:"refusals" nullable:"false"`
}

func (h handlers) refusalRoutes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "list-refusals", Method: http.MethodGet, Path: "/api/v1/refusals", Tags: []string{tagKeys},
		Summary: "List attempts to publish that failed lately",
		Description: "Up to 200, the newest first; those that are alike are one. At most 100 are of strangers, whose key opens nothing. " +
			"They are kept in memory: a restart forgets them. Stream keys are never among what is shown.",
		Security: needs(Viewer), Errors: authErrors(),
	}, h.refused)
}

func (h handlers) refused(ctx context.Context, _ *struct{}) (*private[refusalList], error) {
	list := refusalList{Refusals: []Refusal{}}
	for _, r := range h.cfg.Refusals() {
		if !caller(ctx).Scope.Includes(Operator) {
			r.Remote = ""
		}
		list.Refusals = append(list.Refusals, r)
	}
	return &private[refusalList]{Body: list}, nil
}
