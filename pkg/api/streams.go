package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// streamList is an object rather than a list, so that it can grow.
type streamList struct {
	_       struct{}       `additionalProperties:"true"`
	Streams []StreamStatus `json:"streams" nullable:"false"`
}

// shared is an answer that is the same for everyone.
type shared[T any] struct {
	CacheControl string `header:"Cache-Control"`
	Body         T
}

func toAll[T any](body T) *shared[T] { return &shared[T]{CacheControl: cacheShared, Body: body} }

// ofStream is the input of operations on one stream.
type ofStream struct {
	Name string `doc:"The stream's name, as in the URL of its watch page." example:"main" path:"name"`
}

func (h handlers) streamRoutes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "list-streams", Method: http.MethodGet, Path: "/api/v1/streams", Tags: []string{tagStreams},
		Summary: "List the streams", Description: "Every stream that was published since Weir started and is not forgotten, by name.",
	}, h.streams)
	huma.Register(api, huma.Operation{
		OperationID: "get-stream", Method: http.MethodGet, Path: "/api/v1/streams/{name}", Tags: []string{tagStreams},
		Summary: "Show a stream", Description: "Its state, source, renditions and health.",
		Errors: []int{http.StatusNotFound},
	}, h.stream)
}

func (h handlers) streams(context.Context, *struct{}) (*shared[streamList], error) {
	return toAll(listOf(h.cfg.Streams())), nil
}

func listOf(streams []StreamStatus) streamList {
	list := streamList{Streams: []StreamStatus{}}
	for _, s := range streams {
		list.Streams = append(list.Streams, s.filled())
	}
	return list
}

func (h handlers) stream(_ context.Context, in *ofStream) (*shared[StreamStatus], error) {
	status, ok := h.cfg.Stream(in.Name)
	if !ok {
		return nil, noSuchStream(in.Name)
	}
	return toAll(status.filled()), nil
}

func noSuchStream(name string) error {
	return sharedProblem(http.StatusNotFound, "No such stream",
		fmt.Sprintf("Nobody has published a stream called %q since Weir started.", name))
}

// filled is s with empty lists where it has none, since null is a surprise to
// whoever loops over it.
func (s StreamStatus) filled() StreamStatus {
	if s.Renditions == nil {
		s.Renditions = []Rendition{}
	}
	if s.Health == nil {
		s.Health = []Finding{}
	}
	for i := range s.Health {
		if s.Health[i].Evidence == nil {
			s.Health[i].Evidence = []Evidence{}
		}
	}
	if s.Repairs == nil {
		s.Repairs = map[string]uint64{}
	}
	return s
}
