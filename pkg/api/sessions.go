package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// SessionRecord is one publish connection, open or over.
type SessionRecord struct {
	_        struct{} `additionalProperties:"true"`
	ID       uint64   `json:"id" doc:"Counts sessions since Weir started."`
	Stream   string   `json:"stream"`
	Role     Role     `json:"role" enum:"primary,backup" doc:"backup: its key says that it is one."`
	Protocol string   `json:"protocol"`
	Encoder  string   `json:"encoder,omitempty" doc:"What the publisher's software calls itself."`
	// Remote is left out for those who are not operators.
	Remote    string     `json:"remote,omitempty" doc:"The publisher's address; for operators."`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at" doc:"null while it goes on."`
	// Reason is a word of a closed set, Message one or two sentences.
	Reason      string `json:"reason,omitempty" doc:"Why it ended: ended, lost, or the reason that the encoder was told, such as taken_over."`
	Message     string `json:"message,omitempty"`
	AccessUnits uint64 `json:"access_units" doc:"What came in; 0 while it goes on."`
	Bytes       uint64 `json:"bytes" doc:"What its media came to; 0 while it goes on."`
}

// ErrNotPublishing is what Config.Kick returns where there is nobody to kick.
var ErrNotPublishing = errors.New("nobody publishes this stream")

type sessionList struct {
	_        struct{}        `additionalProperties:"true"`
	Sessions []SessionRecord `json:"sessions" nullable:"false"`
}

// private is an answer for its first reader alone; authorize forbids caches.
type private[T any] struct{ Body T }

// kickInput is the input of kick.
type kickInput struct {
	Name string `doc:"The stream's name." path:"name"`
	Body *struct {
		Hold int `json:"hold_s,omitempty" doc:"The key is refused for so many seconds. 0: the encoder may come back at once, and most do." maximum:"86400" minimum:"0"`
	}
}

// Kicked is the answer to a kick.
type Kicked struct {
	_         struct{}   `additionalProperties:"true"`
	Stream    string     `json:"stream"`
	HeldUntil *time.Time `json:"held_until" doc:"Until when the key is refused; null if it is not."`
}

func (h handlers) sessionRoutes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "list-sessions", Method: http.MethodGet, Path: "/api/v1/sessions", Tags: []string{tagStreams},
		Summary: "List publish sessions", Description: "The open ones and up to 500 that are over, of all streams, the newest first. They are kept in memory: a restart forgets them.",
		Security: needs(Viewer), Errors: authErrors(),
	}, h.sessions)
	huma.Register(api, huma.Operation{
		OperationID: "list-stream-sessions", Method: http.MethodGet, Path: "/api/v1/streams/{name}/sessions", Tags: []string{tagStreams},
		Summary: "List a stream's publish sessions", Description: "The newest first. Empty for a name that nobody has published.",
		Security: needs(Viewer), Errors: authErrors(),
	}, h.streamSessions)
	huma.Register(api, huma.Operation{
		OperationID: "kick-publisher", Method: http.MethodPost, Path: "/api/v1/streams/{name}/kick", Tags: []string{tagStreams},
		Summary: "Kick the publisher", Description: "Ends the session of whoever publishes the stream; the encoder shows that the operator did. For viewers it is a lost publisher: the stream ends if nobody comes back within ingest.resume_window.",
		Security: needs(Operator), Errors: authErrors(bodyErrors(http.StatusConflict)...),
	}, h.kick)
}

// authErrors are what any operation that needs a token may answer, and more.
func authErrors(more ...int) []int {
	return append([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests}, more...)
}

// bodyErrors are what any operation that takes a body may answer, and more.
func bodyErrors(more ...int) []int {
	return append([]int{
		http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity,
	}, more...)
}

func (h handlers) sessions(ctx context.Context, _ *struct{}) (*private[sessionList], error) {
	return h.listSessions(ctx, ""), nil
}

func (h handlers) streamSessions(ctx context.Context, in *ofStream) (*private[sessionList], error) {
	return h.listSessions(ctx, in.Name), nil
}

func (h handlers) listSessions(ctx context.Context, stream string) *private[sessionList] {
	list := sessionList{Sessions: []SessionRecord{}}
	for _, rec := range h.cfg.Sessions(stream) {
		if !caller(ctx).Scope.Includes(Operator) {
			rec.Remote = ""
		}
		list.Sessions = append(list.Sessions, rec)
	}
	return &private[sessionList]{Body: list}
}

func (h handlers) kick(ctx context.Context, in *kickInput) (*private[Kicked], error) {
	var hold time.Duration
	if in.Body != nil {
		hold = time.Duration(in.Body.Hold) * time.Second
	}
	err := h.cfg.Kick(ctx, in.Name, hold)
	if errors.Is(err, ErrNotPublishing) {
		return nil, problem(http.StatusConflict, "Nobody to kick", "Nobody publishes this stream now.")
	}
	if err != nil {
		return nil, huma.Error500InternalServerError("The publisher could not be kicked. Weir's log says more.", err)
	}
	done := Kicked{Stream: in.Name}
	if hold > 0 {
		done.HeldUntil = new(time.Now().Add(hold).UTC())
	}
	return &private[Kicked]{Body: done}, nil
}
