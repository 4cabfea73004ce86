package httpserve

import (
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"weir/pkg/audience"
	"weir/pkg/httpserve/web"
	"weir/pkg/plainhttp"
	"weir/pkg/store"
)

// Config is what New needs. Store and Log must be given.
type Config struct {
	Store *store.Store
	Log   *slog.Logger
	// Audience counts viewers; nil for nobody who does.
	Audience *audience.Audience
	// API serves /api/ and Metrics /metrics; nil for none.
	API, Metrics http.Handler
	// OpenOnly has the list of streams at / in place of the dashboard, which is on
	// the admin listener then.
	OpenOnly bool
	// Registerer takes the metrics of this package; nil for none.
	Registerer prometheus.Registerer
	// Clock is time.Now where nil.
	Clock func() time.Time
	// Draining is closed when the gateway stops: /readyz fails, and held
	// requests are let go. Nil means never.
	Draining <-chan struct{}
	// NotReady says why /readyz fails before that, "" if it does not. Nil means
	// never.
	NotReady func() string
	// TrustedProxies are those whose X-Forwarded-For is believed in the log;
	// asked at each request, nil for none.
	TrustedProxies func() []netip.Prefix
}

// server answers requests. It is safe for concurrent use.
type server struct {
	cfg     Config
	metrics *metrics
	texts   *texts
	pages   *pages
	answers *answers
	crowds  *crowds
}

// Handler serves every path.
type Handler struct {
	http.Handler

	server *server
}

// New makes the handler of every path that Weir serves.
func New(cfg Config) *Handler {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	counted := newMetrics(cfg.Registerer)
	compressor := newCompressor()
	s := &server{
		cfg: cfg, metrics: counted,
		texts: newTexts(cfg.Store, compressor, counted),
		pages: newPages(web.Files(), compressor), answers: &answers{log: cfg.Log}, crowds: newCrowds(),
	}
	r := chi.NewRouter()
	r.Use(s.respond, s.recovered, s.limited, middleware.GetHead)
	r.NotFound(s.as(kindOther, noPage))
	r.MethodNotAllowed(s.as(kindOther, methodNotAllowed))
	s.liveRoutes(r)
	s.pageRoutes(r)
	s.probeRoutes(r)
	return &Handler{Handler: r, server: s}
}

func noPage(w http.ResponseWriter, _ *http.Request) {
	notFound(w, "There is no such page here. Streams are watched at /watch/NAME and listed at /.")
}

// liveRoutes are those of streams. They stand in the one tree: a router below a
// router would look up each request twice.
func (s *server) liveRoutes(r chi.Router) {
	for path, handler := range map[string]http.HandlerFunc{
		"/index.m3u8":                    s.as(kindMultivariant, s.multivariant),
		"/manifest.mpd":                  s.as(kindManifest, s.manifest),
		"/manifest-ll.mpd":               s.as(kindManifest, s.lowManifest),
		"/{rendition}/index.m3u8":        s.as(kindPlaylist, s.mediaPlaylist),
		"/{rendition}/iframes.m3u8":      s.as(kindPlaylist, s.iframes),
		"/{rendition}/init-{hash}.mp4":   s.as(kindInit, s.initSegment),
		"/{rendition}/part-{serial}.m4s": s.as(kindPart, s.part),
		"/{rendition}/{start}.m4s":       s.as(kindSegment, s.segment),
		"":                               s.as(kindOther, noPage),
		"/*":                             s.as(kindOther, noPage),
	} {
		open := s.openToAll(s.watched(handler))
		r.Method(http.MethodGet, "/live/{name}"+path, open)
		r.Method(http.MethodOptions, "/live/{name}"+path, open)
	}
}

func (s *server) pageRoutes(r chi.Router) {
	if s.cfg.OpenOnly {
		r.Get("/", s.as(kindPage, s.pages.landing))
	} else {
		r.Get("/", s.as(kindPage, s.pages.dashboard))
	}
	r.Get("/watch/{name}", s.as(kindPage, s.pages.watch))
	r.Get("/assets/*", s.as(kindAsset, s.pages.asset))
}

func (s *server) probeRoutes(r chi.Router) {
	r.Get("/healthz", s.as(kindProbe, alive))
	r.Get("/livez", s.as(kindProbe, alive))
	r.Get("/readyz", s.as(kindProbe, s.ready))
	clock := s.openToAll(s.as(kindTime, s.time))
	r.Method(http.MethodGet, "/time", clock)
	r.Method(http.MethodOptions, "/time", clock)
	if s.cfg.Metrics != nil {
		r.Method(http.MethodGet, "/metrics", s.as(kindMetrics, uncached(s.cfg.Metrics)))
	}
	if s.cfg.API != nil {
		r.Handle("/api/*", s.as(kindAPI, s.cfg.API.ServeHTTP))
	}
}

const (
	// headerTimeout ends connections that send their request too slowly.
	headerTimeout = 5 * time.Second
	// idleTimeout must be longer than the time between two playlist reloads.
	idleTimeout = 75 * time.Second
	// maxHeader bounds a request's header, in bytes; browsers send about 1 KB.
	maxHeader = 16 << 10
)

// NewServer makes a server with the limits that an open port needs. Direct, which may
// be nil, is asked before handler. New's handler moves the write deadline as long as a
// viewer reads, where it is net/http that writes; there is no ReadTimeout, which would
// end held requests.
func NewServer(handler http.Handler, direct plainhttp.Direct, log *slog.Logger) *plainhttp.Server {
	return plainhttp.New(&http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}, direct, plainhttp.Limits{Header: headerTimeout, Idle: idleTimeout, Patience: patience, Stretch: stretch})
}
