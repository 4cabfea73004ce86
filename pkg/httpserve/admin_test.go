package httpserve_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"weir/pkg/httpserve"
	"weir/pkg/store"
)

func TestListenersShowWhatIsTheirs(t *testing.T) {
	answer := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
	}
	cfg := httpserve.Config{
		Store: store.New(store.Options{}), Log: slog.New(slog.DiscardHandler),
		API: answer("api"), Metrics: answer("metrics"),
	}
	admin := httpserve.NewAdmin(cfg)
	cfg.Metrics = nil
	public := httpserve.New(cfg)
	for path, want := range map[string]struct{ admin, public int }{
		"/api/v1/streams":                {200, 200},
		"/metrics":                       {200, 404},
		"/debug/pprof/":                  {200, 404},
		"/debug/pprof/goroutine?debug=1": {200, 404},
		"/debug/pprof/cmdline":           {200, 404},
		"/healthz":                       {200, 200},
		"/readyz":                        {200, 200},
		"/live/main/index.m3u8":          {404, 404},
		"/watch/main":                    {404, 0},
	} {
		for name, c := range map[string]struct {
			handler http.Handler
			code    int
		}{"admin": {admin, want.admin}, "public": {public, want.public}} {
			if c.code == 0 {
				continue // whether the pages are built does not matter here
			}
			w := httptest.NewRecorder()
			c.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			if w.Code != c.code {
				t.Errorf("%s on the %s listener answers %d, want %d: %s", path, name, w.Code, c.code, w.Body)
			}
		}
	}
}
