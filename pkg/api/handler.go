package api

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

// Config is what New needs. The functions are called from many goroutines.
type Config struct {
	// Streams lists the state of every stream, by name.
	Streams func() []StreamStatus
	// Stream is the state of one stream; ok is false if there is none.
	Stream func(name string) (status StreamStatus, ok bool)
}

// New makes the handler of /api/v1/. It sets no CORS header: other sites'
// pages cannot read it.
func New(cfg Config) http.Handler {
	h := handlers{cfg: cfg}
	r := chi.NewRouter()
	r.Use(middleware.GetHead)
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		fail(w, problem{
			Title: "No such resource", Status: http.StatusNotFound,
			Detail: "The API has GET /api/v1/streams and GET /api/v1/streams/NAME.",
		})
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", "GET, HEAD")
		fail(w, problem{
			Title: "Method not allowed", Status: http.StatusMethodNotAllowed,
			Detail: "This resource can only be read: use GET.",
		})
	})
	r.Get("/api/v1/streams", h.streams)
	r.Get("/api/v1/streams/{name}", h.stream)
	return r
}

type handlers struct{ cfg Config }

// streamList is the answer to GET /api/v1/streams; an object, so that it can
// grow.
type streamList struct {
	Streams []StreamStatus `json:"streams"`
}

func (h handlers) streams(w http.ResponseWriter, _ *http.Request) {
	list := streamList{Streams: []StreamStatus{}}
	for _, s := range h.cfg.Streams() {
		list.Streams = append(list.Streams, s.filled())
	}
	answer(w, http.StatusOK, "application/json", list)
}

func (h handlers) stream(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "name")
	status, ok := h.cfg.Stream(name)
	if !ok {
		fail(w, problem{
			Title: "No such stream", Status: http.StatusNotFound,
			Detail: fmt.Sprintf("Nobody has published a stream called %q since Weir started.", name),
		})
		return
	}
	answer(w, http.StatusOK, "application/json", status.filled())
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
	if s.Repairs == nil {
		s.Repairs = map[string]uint64{}
	}
	return s
}

// problem is an error for programs and people alike (RFC 9457). Its type is
// about:blank: the status code says what kind of error it is.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

func fail(w http.ResponseWriter, p problem) {
	answer(w, p.Status, "application/problem+json", p)
}

func answer(w http.ResponseWriter, code int, contentType string, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "the answer could not be written as JSON", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	// Every viewer's watch page asks each few seconds: a cache may collapse it.
	h.Set("Cache-Control", "public, max-age=1")
	w.WriteHeader(code)
	_, _ = w.Write(append(text, '\n'))
}
