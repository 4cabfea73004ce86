package api_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/api"
)

func ask(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Whatever needs a token says so in the document, refuses those who have none
// or a lesser one, and is in no cache.
func TestNothingIsOpenByMistake(t *testing.T) {
	c := newContract(t, handler(t))
	open := []string{"list-streams", "get-stream"}
	for path, methods := range c.doc.Paths {
		for method, op := range methods {
			needsToken := len(op.Security) > 0
			if needsToken == slices.Contains(open, op.ID) {
				t.Errorf("%s: needs a token: %v", op.ID, needsToken)
			}
			if !needsToken {
				continue
			}
			for token, code := range map[string]int{"": 401, "nonsense": 401} {
				r := request(strings.ToUpper(method), strings.ReplaceAll(path, "{name}", "main"), token, "")
				r.RemoteAddr = op.ID // lest one address has too many wrong tokens
				w := c.ask(t, r)
				if w.Code != code || w.Header().Get("WWW-Authenticate") == "" || w.Header().Get("Cache-Control") != "no-store" {
					t.Errorf("%s with token %q: %d %v", op.ID, token, w.Code, w.Header())
				}
			}
		}
	}
}

func TestScopes(t *testing.T) {
	all := api.Scopes()
	for i, has := range all {
		for j, need := range all {
			if has.Includes(need) != (i >= j) {
				t.Errorf("%s includes %s: %v", has, need, has.Includes(need))
			}
		}
	}
	if api.Scope("").Includes("") || api.Scope("root").Includes(api.Viewer) {
		t.Error("an unknown scope is good for something")
	}
}

func TestAddressesAreForOperators(t *testing.T) {
	h := handler(t)
	for token, shown := range map[string]bool{"viewer": false, "operator": true, "admin": true} {
		for _, path := range []string{"/api/v1/sessions", "/api/v1/refusals"} {
			body := ask(h, request(http.MethodGet, path, token, "")).Body.String()
			if strings.Contains(body, "192.0.2.1") != shown {
				t.Errorf("%s sees %s", token, body)
			}
		}
	}
}

func TestGuessesAreSlowedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := handler(t)
		guess := func(from, token string) *httptest.ResponseRecorder {
			r := request(http.MethodGet, "/api/v1/node", token, "")
			r.RemoteAddr = from
			return ask(h, r)
		}
		for range 10 {
			if w := guess("192.0.2.1", "wrong"); w.Code != http.StatusUnauthorized {
				t.Fatalf("too early: %d", w.Code)
			}
		}
		w := guess("192.0.2.1", "admin")
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "7" {
			t.Errorf("the eleventh guess: %d %v", w.Code, w.Header())
		}
		if w := guess("192.0.2.2", "admin"); w.Code != http.StatusOK {
			t.Errorf("another address pays for it: %d", w.Code)
		}
		time.Sleep(7 * time.Second) //nolint:forbidigo // the clock of a synctest bubble.
		if w := guess("192.0.2.1", "admin"); w.Code != http.StatusOK {
			t.Errorf("after its wait: %d", w.Code)
		}
	})
}

func TestChangesAreWrittenDown(t *testing.T) {
	var log bytes.Buffer
	h := newHandler(t, &log)
	ask(h, request(http.MethodPost, "/api/v1/streams/main/kick", "operator", `{"hold_s":5}`))
	ask(h, request(http.MethodGet, "/api/v1/node", "operator", ""))
	ask(h, request(http.MethodPost, "/api/v1/streams/main/kick", "viewer", ""))
	for _, want := range []string{`who="the operator"`, "action=kick-publisher", "path=/api/v1/streams/main/kick", "status=200"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %s: %s", want, log.String())
		}
	}
	if strings.Count(log.String(), "\n") != 1 {
		t.Errorf("one thing was changed: %s", log.String())
	}
	body := ask(h, request(http.MethodGet, "/api/v1/audit", "admin", "")).Body.String()
	if strings.Count(body, "kick-publisher") != 1 || !strings.Contains(body, "the operator") {
		t.Errorf("the journal says %s", body)
	}
}

func TestOpenOnly(t *testing.T) {
	h, err := api.New(api.Config{OpenOnly: true, Streams: func() []api.StreamStatus { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	c := newContract(t, h)
	if len(c.doc.Paths) != 2 {
		t.Errorf("%d paths are open", len(c.doc.Paths))
	}
	for path, code := range map[string]int{"/api/v1/streams": 200, "/api/v1/node": 404, "/api/v1/streams/main/sessions": 404, "/api/docs": 200} {
		if w := ask(h, request(http.MethodGet, path, "admin", "")); w.Code != code {
			t.Errorf("%s: %d, want %d", path, w.Code, code)
		}
	}
}
