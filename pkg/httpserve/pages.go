package httpserve

import (
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/go-chi/chi/v5"
)

// pages serves the embedded bundle of web/.
type pages struct {
	files map[string]*document
}

const (
	landingPage   = "index.html"
	watchPage     = "watch.html"
	dashboardPage = "dashboard.html"
	typeHTML      = "text/html; charset=utf-8"
)

// policy lets the pages run their own scripts and play their own streams, and
// nothing else. Players make blob: URLs for Media Source. Other sites may
// frame the watch page: that is how streams are embedded.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"

// closedPolicy is that of the dashboard: who could frame it could have its
// buttons clicked.
const closedPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// newPages reads the bundle once.
func newPages(bundle fs.FS, c *compressor) *pages {
	p := &pages{files: make(map[string]*document)}
	// Only a broken build can make an embedded file unreadable; it is then
	// missing, which the pages say.
	_ = fs.WalkDir(bundle, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := fs.ReadFile(bundle, name)
		if err == nil {
			p.files[name] = newDocument(body, c)
		}
		return err
	})
	return p
}

func (p *pages) landing(w http.ResponseWriter, r *http.Request) { p.page(w, r, landingPage, policy) }

func (p *pages) dashboard(w http.ResponseWriter, r *http.Request) {
	p.page(w, r, dashboardPage, closedPolicy)
}

// watch serves the same page for every stream: it reads the name from its own
// address and waits for streams that are not there yet.
func (p *pages) watch(w http.ResponseWriter, r *http.Request) { p.page(w, r, watchPage, policy) }

func (p *pages) page(w http.ResponseWriter, r *http.Request, name, policy string) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	doc, ok := p.files[name]
	if !ok {
		say(w, http.StatusServiceUnavailable, cacheNever,
			"Weir is running, but this program was built without its pages.\n"+
				"Build it with `make build`, which needs Node.js and npm. Until then, players can open\n"+
				"/live/NAME/index.m3u8 (HLS) and /live/NAME/manifest.mpd (DASH).")
		return
	}
	doc.serve(w, r, typeHTML, cacheMinute)
}

// asset serves scripts and styles, whose names contain a hash of their bytes.
func (p *pages) asset(w http.ResponseWriter, r *http.Request) {
	name := "assets/" + chi.URLParam(r, "*")
	doc, ok := p.files[name]
	if !ok {
		notFound(w, "There is no such file here. After an update of Weir, reload the page.")
		return
	}
	doc.serve(w, r, assetType(name), cacheForever)
}

func assetType(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".txt":
		return typePlain
	}
	return "application/octet-stream"
}
