package httpserve

import (
	"fmt"
	"io"
	"maps"
	"net/http"

	"github.com/go-chi/cors"

	"weir/pkg/media"
)

// Cache-Control of each kind of response (decision 13). What every viewer asks
// for at once is never max-age=0 or no-store: a cache could not collapse it.
const (
	cacheForever = "public, max-age=31536000, immutable"
	cacheMedia   = "public, max-age=3600, immutable"
	cacheMinute  = "public, max-age=60"
	cacheSecond  = "public, max-age=1"
	cacheNever   = "no-store"
	// cacheShared is for what players look at more than once a second: a player's
	// own cache asks whether it has changed, and caches that it shares with others
	// keep it for as short as a header can say.
	cacheShared = "public, max-age=0, s-maxage=1"
)

// cacheReload is for a playlist that a player asked for by what is in it: it has
// that for ever, and is of use to those who are a little behind, for six target
// durations (RFC 8216bis, B.1).
func cacheReload(p *media.Presentation) string {
	const targets = 6
	return fmt.Sprintf("public, max-age=%d", targets*p.TargetDuration)
}

// Types of what is served. Media has the type of its file format: TVs and
// set-top boxes do not all know video/iso.segment.
const (
	typeHLS   = "application/vnd.apple.mpegurl"
	typeDASH  = "application/dash+xml"
	typeVideo = "video/mp4"
	typeAudio = "audio/mp4"
	typePlain = "text/plain; charset=utf-8"
)

const preflightSeconds = 24 * 60 * 60

// exposed are the headers that players in other sites' pages may read: Date
// for the clock, the others for bandwidth estimates and conditional requests.
const exposed = "Age, Content-Length, Content-Range, Date, ETag, Retry-After"

// openToAll lets pages of any site play streams, and answers their preflight
// requests. The headers do not depend on
// the request's Origin and there is no Vary: Origin: one cached response
// serves everyone (which go-chi/cors, right for credentials, does not allow).
func (s *server) openToAll(next http.Handler) http.Handler {
	options := s.as(kindPreflight, preflight())
	all := open()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			options(w, r)
			return
		}
		maps.Copy(w.Header(), all) // the values are everyone's, and nobody changes them
		next.ServeHTTP(w, r)
	})
}

func open() http.Header {
	return http.Header{
		"Access-Control-Allow-Origin":   {"*"},
		"Access-Control-Expose-Headers": {exposed},
		"Cross-Origin-Resource-Policy":  {"cross-origin"},
		"Timing-Allow-Origin":           {"*"},
	}
}

// preflight answers OPTIONS requests.
func preflight() http.HandlerFunc {
	shared := cors.New(cors.Options{
		AllowedOrigins: []string{"*"},
		AllowedMethods: []string{http.MethodGet, http.MethodHead},
		AllowedHeaders: []string{"*"},
		MaxAge:         preflightSeconds,
	})
	answer := shared.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		w.WriteHeader(http.StatusNoContent)
	}))
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", preflightSeconds))
		answer.ServeHTTP(w, r)
	}
}

// say answers with a line of plain words.
func say(w http.ResponseWriter, code int, cache, message string) {
	h := w.Header()
	h.Set("Content-Type", typePlain)
	h.Set("Cache-Control", cache)
	w.WriteHeader(code)
	_, _ = io.WriteString(w, message+"\n") //nolint:gosec // It is plain text, and says so with nosniff.
}

func notFound(w http.ResponseWriter, message string) {
	say(w, http.StatusNotFound, cacheSecond, message)
}

func methodNotAllowed(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Allow", "GET, HEAD, OPTIONS")
	say(w, http.StatusMethodNotAllowed, cacheNever, "This address can only be read: use GET or HEAD.")
}

// uncached marks a response as one that only its first reader may use.
func uncached(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", cacheNever)
		next.ServeHTTP(w, r)
	}
}
