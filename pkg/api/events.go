package api

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// heartbeat is how long nothing is said before a comment shows that the
// connection is alive; proxies give up after a minute.
const heartbeat = 15 * time.Second

type eventsInput struct {
	LastEventID uint64 `doc:"The number of the last event that was seen: those after it are repeated, of the last 256." header:"Last-Event-ID"`
}

const tagEvents = "Events"

type eventList struct {
	_      struct{} `additionalProperties:"true"`
	Events []Event  `json:"events" nullable:"false"`
}

func (h handlers) eventRoutes(api huma.API) {
	schemas := api.OpenAPI().Components.Schemas
	schemas.Schema(reflect.TypeFor[streamList](), true, "")
	event := schemas.Schema(reflect.TypeFor[Event](), true, "")
	huma.Register(api, huma.Operation{
		OperationID: "listen-events", Method: http.MethodGet, Path: "/api/v1/events", Tags: []string{tagEvents},
		Summary: "Listen to events",
		Description: "Server-sent events: first and then at most once a second one named streams, whose data is that of list-streams, if anything has changed; " +
			"and one for each thing that happens, named by its kind, with an Event as data. A comment comes each 15 s. " +
			"A client that reads too slowly is cut off, and may come back with Last-Event-ID.",
		Security: needs(Viewer), Errors: authErrors(http.StatusServiceUnavailable, http.StatusUnprocessableEntity),
		Responses: map[string]*huma.Response{"200": {
			Description: "A stream of events.",
			Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: event}},
		}},
	}, h.events)
	huma.Register(api, huma.Operation{
		OperationID: "list-recent-events", Method: http.MethodGet, Path: "/api/v1/events/recent", Tags: []string{tagEvents},
		Summary: "List what happened lately", Description: "The last 256 events, the newest first. They are kept in memory: a restart forgets them.",
		Security: needs(Viewer), Errors: authErrors(),
	}, func(context.Context, *struct{}) (*private[eventList], error) {
		return &private[eventList]{Body: eventList{Events: h.cfg.Feed.latest()}}, nil
	})
}

func (h handlers) events(_ context.Context, in *eventsInput) (*huma.StreamResponse, error) {
	q, missed, err := h.cfg.Feed.listen(in.LastEventID)
	if err != nil {
		return nil, huma.Error503ServiceUnavailable("Too many clients listen to events already.")
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) { //nolint:contextcheck // it brings the request's.
		defer h.cfg.Feed.leave(q)
		ctx.SetHeader("Content-Type", "text/event-stream")
		ctx.SetHeader("X-Accel-Buffering", "no") // nginx would hold them back
		ctx.SetStatus(http.StatusOK)
		if ctx.Method() == http.MethodHead {
			return
		}
		_, w := unwrap(ctx)
		h.tell(ctx.Context(), w, q, append([][]byte{states(h.cfg.Streams())}, missed...))
	}}, nil
}

// tell writes what the queue brings until the client leaves, is too slow, or
// the gateway stops.
func (h handlers) tell(ctx context.Context, w http.ResponseWriter, q *queue, first [][]byte) {
	control := http.NewResponseController(w)
	write := func(text []byte) bool {
		_ = control.SetWriteDeadline(time.Now().Add(heartbeat)) // not every test's writer can
		_, err := w.Write(text)
		return err == nil && control.Flush() == nil
	}
	for _, text := range first {
		if !write(text) {
			return
		}
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		text, open := []byte(": alive\n\n"), true
		select {
		case text, open = <-q.messages:
		case <-beat.C:
		case <-ctx.Done():
			return
		case <-h.cfg.Draining:
			return
		}
		if !open || !write(text) {
			return
		}
	}
}
