package httpserve

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-chi/chi/v5"

	"weir/pkg/httpserve/web"
)

func servePage(bundle fs.FS, path string) *httptest.ResponseRecorder {
	p := newPages(bundle, newCompressor())
	r := chi.NewRouter()
	r.Get("/", p.landing)
	r.Get("/watch/{name}", p.watch)
	r.Get("/dashboard", p.dashboard)
	r.Get("/assets/*", p.asset)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestPages(t *testing.T) {
	bundle := fstest.MapFS{
		"index.html":         {Data: []byte("<p>list</p>")},
		"watch.html":         {Data: []byte("<p>watch</p>")},
		"dashboard.html":     {Data: []byte("<p>dashboard</p>")},
		"assets/app-ABC.js":  {Data: []byte("let a")},
		"assets/app-ABC.css": {Data: []byte("a{}")},
		"assets/l-ABC.svg":   {Data: []byte("<svg/>")},
		"assets/l-ABC.txt":   {Data: []byte("licence")},
		"secret":             {Data: []byte("no asset")},
	}
	const immutable = "public, max-age=31536000, immutable"
	for _, c := range []struct {
		path, contentType, cache, body string
		code                           int
	}{
		{"/", typeHTML, "public, max-age=60", "<p>list</p>", 200},
		{"/watch/main", typeHTML, "public, max-age=60", "<p>watch</p>", 200},
		{"/dashboard", typeHTML, "public, max-age=60", "<p>dashboard</p>", 200},
		{"/assets/app-ABC.js", "text/javascript; charset=utf-8", immutable, "let a", 200},
		{"/assets/app-ABC.css", "text/css; charset=utf-8", immutable, "a{}", 200},
		{"/assets/l-ABC.svg", "image/svg+xml", immutable, "<svg/>", 200},
		{"/assets/l-ABC.txt", typePlain, immutable, "licence", 200},
		{"/assets/../secret", typePlain, cacheSecond, "", 404},
		{"/assets/", typePlain, cacheSecond, "", 404},
	} {
		w := servePage(bundle, c.path)
		h := w.Header()
		if w.Code != c.code || h.Get("Content-Type") != c.contentType || h.Get("Cache-Control") != c.cache {
			t.Errorf("%s: %d %v", c.path, w.Code, h)
		}
		if c.body != "" && w.Body.String() != c.body {
			t.Errorf("%s: %s", c.path, w.Body)
		}
		if html := c.contentType == typeHTML; html != strings.Contains(h.Get("Content-Security-Policy"), "script-src 'self'") {
			t.Errorf("%s: policy %q", c.path, h.Get("Content-Security-Policy"))
		}
		if closed := c.path == "/dashboard"; closed != strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: other sites may frame it: %v, %q", c.path, !closed, h.Get("Content-Security-Policy"))
		}
	}
}

func TestWithoutTheBundleThePagesSaySo(t *testing.T) {
	for _, path := range []string{"/", "/watch/main", "/dashboard"} {
		w := servePage(fstest.MapFS{".gitkeep": {}}, path)
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "make build") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestBundleIsWhole looks at the bundle that is really embedded.
func TestBundleIsWhole(t *testing.T) {
	if _, err := fs.Stat(web.Files(), "watch.html"); err != nil {
		t.Skip("THE PAGES ARE NOT BUILT: run `npm ci && npm run build` in pkg/httpserve/web to test them")
	}
	for _, path := range []string{"/", "/watch/main", "/dashboard"} {
		html := servePage(web.Files(), path).Body.String()
		for part := range strings.SplitSeq(html, `"`) {
			if !strings.HasPrefix(part, "/assets/") {
				continue
			}
			if w := servePage(web.Files(), part); w.Code != http.StatusOK {
				t.Errorf("%s names %s: %d", path, part, w.Code)
			}
		}
		if strings.Contains(html, "{{") || strings.Contains(html, "<style") || strings.Contains(html, "onclick") {
			t.Errorf("%s breaks its own policy or is not finished:\n%s", path, html)
		}
	}
}
