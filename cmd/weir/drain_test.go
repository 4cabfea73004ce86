package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"weir/pkg/api"
	"weir/pkg/token"
)

// TestDrain: the command stays until the last publisher has left, and leaves no
// token behind.
func TestDrain(t *testing.T) {
	data := t.TempDir()
	left := 2
	var order struct {
		End  bool
		Wait *int `json:"wait_s"`
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secret := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if found, ok, err := token.Open(data).Find(secret); !ok || err != nil || found.Scope != string(api.Admin) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"detail":"The token is wrong."}`))
			return
		}
		switch r.Method + r.URL.Path {
		case "POST/api/v1/node/drain":
			_ = json.NewDecoder(r.Body).Decode(&order)
			_ = json.NewEncoder(w).Encode(api.Drain{Publishers: left})
		case "GET/api/v1/node":
			left--
			_ = json.NewEncoder(w).Encode(api.NodeStatus{Publishers: left})
		}
	}))
	defer server.Close()
	environ := []string{"WEIR_DATA_DIR=" + data, "WEIR_HTTP_ADDRESS=" + strings.TrimPrefix(server.URL, "http://")}

	_, said, err := call(t, environ, "drain", "--end", "--wait", "1m")
	require.NoError(t, err)
	require.Contains(t, said, "can be stopped")
	require.Zero(t, left)
	require.True(t, order.End)
	require.Equal(t, 60, *order.Wait)
	kept, err := token.Open(data).List()
	require.NoError(t, err)
	require.Empty(t, kept)

	_, _, err = call(t, environ, "drain", "--token", "nonsense", server.URL)
	require.ErrorContains(t, err, "The token is wrong.")
	server.Close()
	_, _, err = call(t, environ, "drain")
	require.ErrorContains(t, err, "does not answer")
}
