package httpserve

import (
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"weir/pkg/httpserve/web"
)

// NewAdmin makes the handler of the admin listener: dashboard, API, metrics,
// probes and the profiles of net/http/pprof, which are nowhere else. Streams are
// there for the dashboard's preview. It counts no requests.
func NewAdmin(cfg Config) http.Handler {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	compressor, uncounted := newCompressor(), newMetrics(nil)
	s := &server{
		cfg: cfg, metrics: uncounted,
		texts: newTexts(cfg.Store, compressor, uncounted), pages: newPages(web.Files(), compressor), answers: &answers{log: cfg.Log},
		crowds: newCrowds(),
	}
	r := chi.NewRouter()
	r.Use(s.respond, s.recovered, s.limited, middleware.GetHead)
	r.NotFound(s.as(kindOther, func(w http.ResponseWriter, _ *http.Request) {
		notFound(w, "There is no such page here. The dashboard is at /, the API is described at /api/docs; there are /metrics, /debug/pprof/, /healthz and /readyz, too.")
	}))
	r.MethodNotAllowed(s.as(kindOther, methodNotAllowed))
	r.Get("/", s.as(kindPage, s.pages.dashboard))
	r.Get("/assets/*", s.as(kindAsset, s.pages.asset))
	s.liveRoutes(r)
	s.probeRoutes(r)
	r.HandleFunc("/debug/pprof/", pprof.Index)
	r.HandleFunc("/debug/pprof/{profile}", pprof.Index)
	r.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	r.HandleFunc("/debug/pprof/profile", pprof.Profile)
	r.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	r.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return r
}
