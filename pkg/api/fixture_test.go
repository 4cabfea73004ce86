package api_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"weir/pkg/api"
)

func handler(t *testing.T) http.Handler {
	t.Helper()
	return newHandler(t, io.Discard)
}

// newHandler knows the tokens viewer, operator and admin, which have the scopes
// of those names, and writes its log to log.
func newHandler(t *testing.T, log io.Writer) http.Handler {
	t.Helper()
	all := []api.StreamStatus{live(), {Name: "second", State: api.Waiting, OnAir: "nothing", URLs: api.StreamURLs("", "second")}}
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	h, err := api.New(api.Config{
		Version: "v0.0.0-test",
		Streams: func() []api.StreamStatus { return all },
		Stream: func(name string) (api.StreamStatus, bool) {
			for _, s := range all {
				if s.Name == name {
					return s, true
				}
			}
			return api.StreamStatus{}, false
		},
		Sessions: func(string) []api.SessionRecord {
			return []api.SessionRecord{
				{ID: 2, Stream: "main", Role: api.RolePrimary, Protocol: "rtmp", Remote: "192.0.2.1:4242", StartedAt: at},
				{ID: 1, Stream: "main", Role: api.RoleBackup, Protocol: "rtmp", StartedAt: at, EndedAt: &at, Reason: "lost", Message: "The connection broke."},
			}
		},
		Kick: func(_ context.Context, stream string, _ time.Duration) error {
			if stream != "main" {
				return api.ErrNotPublishing
			}
			return nil
		},
		Node: func() api.NodeStatus {
			return api.NodeStatus{
				Version: "v0.0.0-test", StartedAt: at, Listeners: []api.Endpoint{{Protocol: "rtmp", Address: "[::]:1935"}},
				Certificates: []api.Certificate{{Mode: "acme", Name: "live.example.com"}},
			}
		},
		Settings: func() map[string]any { return map[string]any{"rtmp.address": ":1935"} },
		Drain:    func(end bool, _ *time.Duration) api.Drain { return api.Drain{End: end, LeaveAt: at, Publishers: 1} },
		Reload: func() ([]api.SettingChange, error) {
			return []api.SettingChange{
				{Key: "log.level", From: "info", To: "debug"},
				{Key: "rtmp.address", From: ":1935", To: ":1936", NeedsRestart: true},
			}, nil
		},
		Identify: identify,
		Refusals: func() []api.Refusal {
			return []api.Refusal{{Time: at, FirstAt: at, Count: 3, Remote: "192.0.2.1", Reason: "wrong_key", Message: "No stream has this key."}}
		},
		Recordings: func() ([]api.Recording, error) {
			return []api.Recording{
				{Stream: "main", Path: "main/2026-11-23T11-00-00Z", StartedAt: at.Add(-time.Hour), EndedAt: &at, Duration: 3600, Bytes: 1, Missing: 1, Interrupted: true},
				{Stream: "main", Path: "main/2026-11-23T12-00-00Z", StartedAt: at},
			}, nil
		},
		Tokens:   tokens(),
		Keys:     streamKeys(),
		Webhooks: webhooks(),
		Feed:     api.NewFeed(),
		Recorder: recorder(all),
		Client:   func(r *http.Request) string { return r.RemoteAddr },
		Log:      slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// recorder has looked once.
func recorder(all []api.StreamStatus) *api.Recorder {
	r := api.NewRecorder()
	r.Look(time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), all)
	return r
}

// request is one with a token and a JSON body, where they are not empty.
func request(method, path, token, body string) *http.Request {
	var r *http.Request
	if body == "" {
		r = httptest.NewRequest(method, path, nil)
	} else {
		r = httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// identify takes a scope's name for a token.
func identify(_ context.Context, token string) (api.Identity, bool) {
	id := api.Identity{Name: "the " + token, Scope: api.Scope(token)}
	return id, id.Scope.Includes(api.Viewer)
}

// tokens has one, and makes those that are not called bad.
func tokens() api.Tokens {
	one := api.Token{ID: "0a1b2c3d", Name: "one", Scope: api.Viewer}
	return api.Tokens{
		List: func() ([]api.Token, error) { return []api.Token{one}, nil },
		Create: func(name string, scope api.Scope) (api.NewToken, error) {
			if name == "bad" {
				return api.NewToken{}, api.ErrTokenName
			}
			return api.NewToken{Token: api.Token{ID: "1", Name: name, Scope: scope}, Secret: "weir_secret"}, nil
		},
		Revoke: func(id string) error {
			if id != one.ID {
				return api.ErrNoSuchToken
			}
			return nil
		},
	}
}

// streamKeys has one, 0a1b2c3d, and one that was revoked, 4e5f6a7b. A stream
// called bad cannot have any.
func streamKeys() api.Keys {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	one := api.StreamKey{
		ID: "0a1b2c3d", Stream: "main", State: "active", CreatedAt: at, Secrets: []api.KeySecret{{CreatedAt: at, ValidUntil: &at}},
	}
	one.Rules.MaxBitrate = 8_000_000
	find := func(id string) (api.StreamKey, error) {
		switch id {
		case one.ID:
			return one, nil
		case "4e5f6a7b":
			return one, api.ErrKeyRevoked
		}
		return api.StreamKey{}, api.ErrNoSuchKey
	}
	return api.Keys{
		List: func(context.Context) ([]api.StreamKey, error) { return []api.StreamKey{one}, nil },
		Find: func(_ context.Context, id string) (api.StreamKey, error) { return find(id) },
		Create: func(_ context.Context, d api.KeyDraft) (api.NewStreamKey, error) {
			if d.Stream == "bad" {
				return api.NewStreamKey{}, &api.KeyError{Mistakes: []string{"it is bad"}}
			}
			return api.NewStreamKey{Key: one, Secret: "main_secret"}, nil
		},
		Change: func(_ context.Context, id string, _ api.KeyChange) (api.StreamKey, error) { return find(id) },
		Rotate: func(_ context.Context, id string, _ time.Duration) (api.NewStreamKey, error) {
			found, err := find(id)
			return api.NewStreamKey{Key: found, Secret: "main_other"}, err
		},
		Revoke: func(_ context.Context, id string) error {
			_, err := find(id)
			return err
		},
		Configured: func() []api.ConfiguredKey { return []api.ConfiguredKey{{Stream: "main", Source: "file"}} },
	}
}
