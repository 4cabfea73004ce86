package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

// Config is what New needs. The functions are called from many goroutines.
type Config struct {
	// Version is the program's own, for the document.
	Version string
	// Streams lists the state of every stream, by name.
	Streams func() []StreamStatus
	// Stream is the state of one stream; ok is false if there is none.
	Stream func(name string) (status StreamStatus, ok bool)
}

// handlers has a method for each operation.
type handlers struct{ cfg Config }

// New makes the handler of /api/. It sets no CORS header: other sites' pages
// cannot read it. The error is a mistake in this package: its own description
// could not be written.
func New(cfg Config) (http.Handler, error) {
	r := chi.NewRouter()
	r.Use(middleware.GetHead)
	r.NotFound(unknownPath)
	r.MethodNotAllowed(unknownMethod(r))
	api := humachi.New(r, describe(cfg.Version))
	h := handlers{cfg: cfg}
	h.streamRoutes(api)
	return r, serveDescription(r, api.OpenAPI())
}

// cacheShared is for what every viewer's watch page asks each few seconds: a
// cache may collapse it.
const cacheShared = "public, max-age=1"

// describe is the document without its operations.
func describe(version string) huma.Config {
	cfg := huma.DefaultConfig("Weir", version)
	cfg.Info.Description = "What Weir's own pages read and do. Fields may be added to any object; none are renamed or removed within v1."
	// Weir serves these itself: huma's page loads its script from elsewhere.
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.CreateHooks = nil // no $schema in answers
	cfg.Tags = []*huma.Tag{
		{Name: tagStreams, Description: "What is published, and what becomes of it."},
	}
	return cfg
}

const tagStreams = "Streams"
