package gateway

import (
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weir/pkg/systemd"
)

func TestDrainClosesTheDoor(t *testing.T) {
	r := startGateway(t, "auth: {mode: open}\n")
	if code := r.call(http.MethodGet, "/readyz", "", nil); code != http.StatusOK {
		t.Fatalf("readyz: %d", code)
	}
	var drain struct{ Publishers int }
	if code := r.call(http.MethodPost, "/api/v1/node/drain", `{"wait_s":3600}`, &drain); code != http.StatusAccepted {
		t.Fatalf("answered %d", code)
	}
	if code := r.call(http.MethodGet, "/readyz", "", nil); code != http.StatusServiceUnavailable {
		t.Errorf("readyz: %d", code)
	}
	var node struct{ Draining bool }
	r.call(http.MethodGet, "/api/v1/node", "", &node)
	if !node.Draining || !strings.Contains(r.log.String(), "no publisher is let in") {
		t.Errorf("draining: %v, and the log says\n%s", node.Draining, r.log)
	}
}

// TestServiceManager is told when Weir is up, reloads and stops.
func TestServiceManager(t *testing.T) {
	address := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenPacket("unixgram", address)
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	notifier, err := systemd.New([]string{"NOTIFY_SOCKET=" + address})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("gateway", func(t *testing.T) {
		r := startGateway(t, "", func(o *Options) { o.Notify = notifier })
		r.call(http.MethodPost, "/api/v1/config/reload", "", nil)
	})
	var said []string
	for !slices.Contains(said, "STOPPING=1") {
		heard := make([]byte, 200)
		n, _, err := manager.ReadFrom(heard)
		if err != nil {
			t.Fatal(err)
		}
		if first, _, _ := strings.Cut(string(heard[:n]), "\n"); first != "WATCHDOG=1" {
			said = append(said, first)
		}
	}
	if want := []string{"READY=1", "RELOADING=1", "READY=1", "STOPPING=1"}; !slices.Equal(said, want) {
		t.Errorf("the service manager hears %v, want %v", said, want)
	}
}
