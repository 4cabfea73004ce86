package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"weir/pkg/api"
	"weir/pkg/config"
	"weir/pkg/token"
)

// running is a whole gateway with a configuration file.
type running struct {
	t         *testing.T
	file      string
	addresses Addresses
	signals   chan os.Signal
	log       *lines
	secret    string
	// secure has the publishers of a test come over RTMPS.
	secure bool
}

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// startGateway runs until the test ends.
func startGateway(t *testing.T, settings string, changes ...func(*Options)) *running {
	t.Helper()
	data := t.TempDir()
	r := &running{t: t, file: filepath.Join(data, "weir.yaml"), signals: make(chan os.Signal), log: &lines{}}
	base := fmt.Sprintf("rtmp: {address: '127.0.0.1:0'}\nsrt: {address: '127.0.0.1:0'}\nhttp: {address: '127.0.0.1:0'}\ndata_dir: %s\n", data)
	r.configure(base + settings)
	load := func() (config.Config, []config.Problem, error) { return config.Load(config.Sources{Path: r.file}) }
	cfg, _, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if _, r.secret, err = token.Open(data).Create("test", string(api.Admin)); err != nil {
		t.Fatal(err)
	}
	level := &slog.LevelVar{}
	level.Set(cfg.Log.Level())
	ctx, cancel := context.WithCancel(t.Context())
	started, stopped := make(chan struct{}), make(chan error, 1)
	options := Options{
		Config: cfg, Load: load, Reload: r.signals, Level: level, Version: "test",
		Log:     slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: level})),
		Started: func(a Addresses) { r.addresses = a; close(started) },
	}
	for _, change := range changes {
		change(&options)
	}
	go func() {
		stopped <- Run(ctx, options)
	}()
	select {
	case <-started:
	case err := <-stopped:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	return r
}

// configure replaces the whole file.
func (r *running) configure(text string) {
	r.t.Helper()
	if err := os.WriteFile(r.file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// add writes more settings to the file.
func (r *running) add(text string) {
	r.t.Helper()
	old, err := os.ReadFile(r.file)
	if err != nil {
		r.t.Fatal(err)
	}
	r.configure(string(old) + text)
}

// call asks the API, and reads the answer into out.
func (r *running) call(method, path, body string, out any) int {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, "http://"+r.addresses.HTTP+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+r.secret)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			r.t.Fatalf("%v in %s", err, text)
		}
	}
	return response.StatusCode
}

func (r *running) setting(key string) any {
	r.t.Helper()
	var body struct{ Settings map[string]any }
	r.call(http.MethodGet, "/api/v1/config", "", &body)
	return body.Settings[key]
}

func TestReload(t *testing.T) {
	r := startGateway(t, "")
	r.add("log: {level: debug}\nauth: {mode: open}\nhttps: {address: ''}\nadmin: {address: '127.0.0.1:0'}\ntrusted_proxies: ['127.0.0.1']\n")
	var answer struct {
		Changes []struct {
			Key          string
			From, To     any
			NeedsRestart bool `json:"needs_restart"`
		}
	}
	if code := r.call(http.MethodPost, "/api/v1/config/reload", "", &answer); code != http.StatusOK {
		t.Fatalf("answered %d", code)
	}
	waits := make(map[string]bool)
	for _, c := range answer.Changes {
		waits[c.Key] = c.NeedsRestart
	}
	if len(waits) != 4 || !waits["admin.address"] || waits["log.level"] || waits["auth.mode"] || waits["trusted_proxies"] {
		t.Errorf("changes %+v", answer.Changes)
	}
	if r.setting("log.level") != "debug" || r.setting("admin.address") != "" {
		t.Errorf("log.level is %v, admin.address %v", r.setting("log.level"), r.setting("admin.address"))
	}
	if log := r.log.String(); !strings.Contains(log, "level=DEBUG") || !strings.Contains(log, "needs a restart") {
		t.Errorf("the log says\n%s", log)
	}
}

func TestReloadOfAMistakeChangesNothing(t *testing.T) {
	r := startGateway(t, "")
	r.add("log: {level: debug}\ningest: {resume_windw: 5m}\n")
	var answer struct{ Errors []struct{ Message string } }
	if code := r.call(http.MethodPost, "/api/v1/config/reload", "", &answer); code != http.StatusUnprocessableEntity {
		t.Fatalf("answered %d", code)
	}
	if len(answer.Errors) != 1 || !strings.Contains(answer.Errors[0].Message, "ingest.resume_window") {
		t.Errorf("mistakes %+v", answer.Errors)
	}
	if got := r.setting("log.level"); got != "info" {
		t.Errorf("log.level is %v", got)
	}
	// The same by a signal. The next is only taken when the first is done.
	for range 2 {
		r.signals <- os.Interrupt
	}
	if !strings.Contains(r.log.String(), "was not reloaded") || r.setting("log.level") != "info" {
		t.Errorf("the log says\n%s", r.log)
	}
}
