package api_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/pkg/api"
)

// reloading is an API whose configuration answers with err.
func reloading(t *testing.T, err error) http.Handler {
	t.Helper()
	h, made := api.New(api.Config{
		Reload:   func() ([]api.SettingChange, error) { return nil, err },
		Identify: identify, Feed: api.NewFeed(),
		Client: func(r *http.Request) string { return r.RemoteAddr },
		Log:    slog.New(slog.DiscardHandler),
	})
	if made != nil {
		t.Fatal(made)
	}
	return h
}

func TestReloadSaysEveryMistake(t *testing.T) {
	for name, err := range map[string]error{
		"mistakes": &api.ConfigError{Mistakes: []string{"log.level: write one of", "http.address: is not"}},
		"no file":  errors.New("log.level and http.address: open weir.yaml: no such file"),
	} {
		t.Run(name, func(t *testing.T) {
			w := newContract(t, reloading(t, err)).ask(t, request(http.MethodPost, "/api/v1/config/reload", "admin", ""))
			if w.Code != http.StatusUnprocessableEntity {
				t.Errorf("answered %d", w.Code)
			}
			for _, want := range []string{"log.level", "http.address"} {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("%s is not in %s", want, w.Body)
				}
			}
		})
	}
}

func TestReloadNeedsAnAdmin(t *testing.T) {
	w := httptest.NewRecorder()
	reloading(t, nil).ServeHTTP(w, request(http.MethodPost, "/api/v1/config/reload", "operator", ""))
	if w.Code != http.StatusForbidden {
		t.Errorf("an operator reloads: %d", w.Code)
	}
}
