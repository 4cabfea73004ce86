//go:build e2e

package e2e

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// edge is a real Varnish with the configuration that ships, before a gateway.
type edge struct {
	base string

	mu    sync.Mutex
	asked map[string]int // requests at the origin, by path and query
}

// openEdge starts Varnish before w, with a proxy between them that counts.
func openEdge(t *testing.T, w *weir) *edge {
	t.Helper()
	e := &edge{asked: make(map[string]int)}
	target, err := url.Parse(w.base)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.FlushInterval = -1
	origin := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		e.asked[r.URL.RequestURI()]++
		e.mu.Unlock()
		forward.ServeHTTP(out, r)
	}))
	t.Cleanup(origin.Close)
	e.base = startVarnish(t, strings.TrimPrefix(origin.URL, "http://"))
	return e
}

func (e *edge) url(path string) string { return e.base + "/live/main/" + path }

// requests is how often the origin was asked for path.
func (e *edge) requests(path string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.asked["/live/main/"+path]
}

// startVarnish runs varnishd with the configuration that ships, but another
// origin, and returns its base URL.
func startVarnish(t *testing.T, origin string) string {
	t.Helper()
	binary := "/usr/sbin/varnishd" // not in every user's PATH
	if _, err := os.Stat(binary); err != nil {
		binary = program(t, "varnishd")
	}
	shipped, err := os.ReadFile("../deploy/varnish/default.vcl")
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(origin)
	if err != nil {
		t.Fatal(err)
	}
	const there = ".host = \"weir\";\n    .port = \"8080\";"
	vcl := strings.Replace(string(shipped), there, ".host = \""+host+"\";\n    .port = \""+port+"\";", 1)
	if vcl == string(shipped) {
		t.Fatalf("default.vcl does not name its origin as %q", there)
	}
	// Its sockets want a short path, and its C compiler an executable one.
	dir, err := os.MkdirTemp("", "weir-varnish-") //nolint:usetesting // t.TempDir is too long.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "test.vcl")
	if err = os.WriteFile(file, []byte(vcl), 0o600); err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(dir, "n")
	cmd := exec.Command(binary, "-F", "-j", "none", "-n", work, "-a", "127.0.0.1:0", "-f", file, "-s", "malloc,128m")
	log := &tail{}
	cmd.Stderr, cmd.Stdout = lines{log}, lines{log}
	if err = cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Varnish's log:\n%s", log)
		}
	})
	var base string
	eventually(t, 30*time.Second, "varnishd answers", func() bool {
		base = listens(work)
		return base != ""
	})
	return base
}

// listens asks the varnishd that works in dir for its address.
func listens(dir string) string {
	out, err := exec.Command("varnishadm", "-n", dir, "debug.listen_address").Output()
	fields := strings.Fields(string(out))
	if err != nil || len(fields) < 3 {
		return ""
	}
	base := "http://" + net.JoinHostPort(fields[1], fields[2])
	res, err := http.Get(base + "/healthz")
	if err != nil {
		return ""
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return ""
	}
	return base
}

// lines keeps what a process writes.
type lines struct{ into *tail }

func (l lines) Write(p []byte) (int, error) {
	l.into.add(strings.TrimSpace(string(p)))
	return len(p), nil
}
