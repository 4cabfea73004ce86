package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
)

// problem is an error for programs and people alike (RFC 9457). Its type is
// about:blank: the status code says what kind of error it is.
func problem(status int, title, detail string) error {
	return &huma.ErrorModel{Status: status, Title: title, Detail: detail}
}

// sharedProblem is one that a cache may keep for a second: every viewer of a
// stream that is not there asks for it.
func sharedProblem(status int, title, detail string) error {
	return huma.ErrorWithHeaders(problem(status, title, detail), http.Header{"Cache-Control": {cacheShared}})
}

const cacheNever = "no-store"

// fail answers with a problem where no operation was found that could.
func fail(w http.ResponseWriter, status int, title, detail string) {
	text, err := json.Marshal(&huma.ErrorModel{Status: status, Title: title, Detail: detail})
	if err != nil {
		http.Error(w, detail, status)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", cacheShared)
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

func unknownPath(w http.ResponseWriter, _ *http.Request) {
	fail(w, http.StatusNotFound, "No such resource", "The API's resources are listed at /api/docs, and at /api/openapi.json for programs.")
}

func unknownMethod(routes chi.Routes) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			if routes.Match(chi.NewRouteContext(), method, r.URL.Path) {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) > 0 && allowed[0] == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
		all := strings.Join(allowed, ", ")
		w.Header().Set("Allow", all)
		fail(w, http.StatusMethodNotAllowed, "Method not allowed", fmt.Sprintf("This resource takes %s.", all))
	}
}
