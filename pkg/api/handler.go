package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

// Config is what New needs. The functions are called from many goroutines.
type Config struct {
	// Version is the program's own, for the document.
	Version string
	// OpenOnly leaves out whatever needs a token: it is on another listener.
	OpenOnly bool
	// Streams lists the state of every stream, by name.
	Streams func() []StreamStatus
	// Stream is the state of one stream; ok is false if there is none.
	Stream func(name string) (status StreamStatus, ok bool)
	// Sessions lists publish sessions of a stream, or of all where stream is
	// empty, the newest first.
	Sessions func(stream string) []SessionRecord
	// Refusals lists publishers that were refused lately, the newest first.
	Refusals func() []Refusal
	// Recordings lists them, by stream, the oldest first.
	Recordings func() ([]Recording, error)
	// Kick ends a publisher's session and refuses its key for hold. Its error
	// is ErrNotPublishing where there is nobody to kick.
	Kick func(ctx context.Context, stream string, hold time.Duration) error
	// Node is the gateway's own state, Settings its configuration without the
	// secrets.
	Node     func() NodeStatus
	Settings func() map[string]any
	// Reload reads the configuration anew, and says what is different from what
	// held. Its error is an *ConfigError where the configuration has mistakes.
	Reload func() ([]SettingChange, error)
	// Drain lets no publisher in, and has those that are there leave after wait;
	// nil is what the configuration says. With end, their streams end.
	Drain func(end bool, wait *time.Duration) Drain
	// Feed is what clients listen to.
	Feed *Feed
	// Recorder has the figures of the last minutes.
	Recorder *Recorder
	// Draining is closed when the gateway begins to stop.
	Draining <-chan struct{}

	// Tokens is where tokens are kept, Keys where stream keys are, Webhooks where
	// webhooks are.
	Tokens   Tokens
	Keys     Keys
	Webhooks Webhooks
	// Identify tells whose token it is; ok is false if it is nobody's.
	Identify func(ctx context.Context, token string) (id Identity, ok bool)
	// Client is the address that a request came from.
	Client func(*http.Request) string
	// Log takes a line for every change.
	Log *slog.Logger
}

// handlers has a method for each operation.
type handlers struct {
	cfg      Config
	failures *failures
	journal  *journal
}

// New makes the handler of /api/. It sets no CORS header: other sites' pages
// cannot read it. The error is a mistake in this package: its own description
// could not be written.
func New(cfg Config) (http.Handler, error) {
	r := chi.NewRouter()
	r.Use(middleware.GetHead)
	r.NotFound(unknownPath)
	r.MethodNotAllowed(unknownMethod(r))
	api := humachi.New(r, describe(cfg.Version))
	h := handlers{cfg: cfg, failures: newFailures(), journal: &journal{}}
	api.UseMiddleware(h.authorize(api))
	h.streamRoutes(api)
	if !cfg.OpenOnly {
		h.sessionRoutes(api)
		h.eventRoutes(api)
		h.figureRoutes(api)
		h.nodeRoutes(api)
		h.reloadRoutes(api)
		h.drainRoutes(api)
		h.keyRoutes(api)
		h.refusalRoutes(api)
		h.recordingRoutes(api)
		h.tokenRoutes(api)
		h.webhookRoutes(api)
	}
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
		{Name: tagEvents, Description: "What happens, as it happens."},
		{Name: tagKeys, Description: "Who may publish what."},
		{Name: tagNode, Description: "The gateway itself."},
		{Name: tagTokens, Description: "Who may use this API."},
		{Name: tagWebhooks, Description: "What is told to other servers, as it happens."},
	}
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		bearer: {Type: "http", Scheme: bearer, Description: "A token of weir tokens create, of scope viewer, operator or admin; each includes those before it."},
	}
	return cfg
}

const tagStreams = "Streams"
