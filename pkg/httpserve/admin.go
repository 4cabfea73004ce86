package httpserve

import (
	"net/http"
	"net/http/pprof"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

// NewAdmin makes the handler of the admin listener: API, metrics, probes and
// the profiles of net/http/pprof, which are nowhere else. It counts no
// requests.
func NewAdmin(cfg Config) http.Handler {
	s := &server{cfg: cfg, metrics: newMetrics(nil)}
	r := chi.NewRouter()
	r.Use(s.respond, s.recovered, s.limited, middleware.GetHead)
	r.NotFound(s.as(kindOther, func(w http.ResponseWriter, _ *http.Request) {
		notFound(w, "There is no such page here. The API is described at /api/docs; there are /metrics, /debug/pprof/, /healthz and /readyz, too.")
	}))
	r.MethodNotAllowed(s.as(kindOther, methodNotAllowed))
	s.probeRoutes(r)
	r.HandleFunc("/debug/pprof/", pprof.Index)
	r.HandleFunc("/debug/pprof/{profile}", pprof.Index)
	r.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	r.HandleFunc("/debug/pprof/profile", pprof.Profile)
	r.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	r.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return r
}
