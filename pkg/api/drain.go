package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Drain is how far a drain is.
type Drain struct {
	_ struct{} `additionalProperties:"true"`
	// LeaveAt is when publishers are told to leave.
	LeaveAt    time.Time `json:"leave_at" doc:"When publishers are told to leave; sooner where all have left."`
	End        bool      `json:"end" doc:"The streams end for their viewers, too."`
	Publishers int       `json:"publishers" doc:"Publish sessions that are open now."`
}

type drainInput struct {
	Body *struct {
		End  bool `json:"end,omitempty" doc:"End the streams for their viewers, rather than let them wait for the restart."`
		Wait *int `json:"wait_s,omitempty" doc:"So many seconds go by before publishers are told to leave; drain.wait where left out." maximum:"86400" minimum:"0"`
	}
}

func (h handlers) drainRoutes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "drain-node", Method: http.MethodPost, Path: "/api/v1/node/drain", Tags: []string{tagNode},
		Summary: "Drain Weir before it is stopped",
		Description: "From now on /readyz fails and no publisher is let in. Those that are there may go on for a while, then they are told to leave. " +
			"Viewers are served until Weir is stopped. A drain is not taken back; asked for again, it may get shorter or longer.",
		DefaultStatus: http.StatusAccepted,
		Security:      needs(Admin), Errors: authErrors(bodyErrors()...),
	}, h.drain)
}

func (h handlers) drain(_ context.Context, in *drainInput) (*private[Drain], error) {
	end, wait := false, (*time.Duration)(nil)
	if in.Body != nil {
		end = in.Body.End
		if in.Body.Wait != nil {
			wait = new(time.Duration(*in.Body.Wait) * time.Second)
		}
	}
	return &private[Drain]{Body: h.cfg.Drain(end, wait)}, nil
}
