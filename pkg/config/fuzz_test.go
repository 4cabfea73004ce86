package config_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/pkg/config"
)

// Whatever a file says, either the whole of it is taken, and what check-config
// prints of it is a file that says the same, or every mistake is told.
func FuzzLoad(f *testing.F) {
	text, err := os.ReadFile(example)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(settingsOnly(text))
	f.Add([]byte(`{rtmp: {address: "[::1]:1"}, http: {address: ""}, https: {address: ":443"}, tls: {mode: acme, acme: {domains: [a.example.com], email: a@b}},
public_url: "https://a.example.com", trusted_proxies: [10.1.2.3/8, "::1"], data_dir: 7, channels: [{name: nature, files: [a.mp4, b.flv]}],
ingest: {idle_timeout: 90s, max_bitrate: 2.5M, audio_tracks: 0x3}, transcode: {ladder: [{height: 720, bitrate: 2500k, fps: 30}, 480p, 360p15:300k],
rungs: 1}, recording: {max_size: 1.5T}, webhooks: {allow_private: 10.0.0.0/8}, drain: {wait: 1h}, backup:
}`))
	f.Add([]byte("a: &a [1, 2]\nstreams: [{name: studio, key: 0123456789abcdef, backup_key: fedcba9876543210}, stage:0123456789abcdefg]\n" +
		"webhooks: {endpoints: [{url: https://example.com/, secret: *a, events: [live]}]}\nauth: {webhook: {url: http://localhost/?a=b}}\n"))
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		const most = 8 << 10
		if len(text) > most {
			t.Skip("no file is as long")
		}
		cfg, err := load(t, folder, text)
		if err != nil {
			checkMistakes(t, err)
			return
		}
		if err = cfg.Validate(); err != nil {
			t.Fatalf("it was taken: %v", err)
		}
		shown := cfg.String()
		if strings.Contains(shown, "[redacted]") {
			return // As it is shown, it cannot be a file.
		}
		again, err := load(t, folder, []byte(shown))
		if err != nil || again.String() != shown {
			t.Fatalf("it is shown as\n%s\nand that is read as %v\n%s", shown, err, again.String())
		}
	})
}

// settingsOnly is a file without its comments.
func settingsOnly(text []byte) []byte {
	var kept []byte
	for line := range bytes.Lines(text) {
		if content := bytes.TrimSpace(line); len(content) > 0 && content[0] != '#' {
			kept = append(kept, line...)
		}
	}
	return kept
}

func load(t *testing.T, folder string, text []byte) (config.Config, error) {
	t.Helper()
	path := filepath.Join(folder, "weir.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Load(config.Sources{Path: path})
	return cfg, err //nolint:wrapcheck // it is what is tested.
}

// checkMistakes holds what the report of a file promises.
func checkMistakes(t *testing.T, err error) {
	t.Helper()
	mistakes, ok := errors.AsType[config.Errors](err)
	if !ok && !strings.HasPrefix(err.Error(), "read the configuration ") {
		t.Fatalf("it is refused by %v", err)
	}
	for _, p := range mistakes {
		if p.What == "" || p.Remedy == "" {
			t.Fatalf("a mistake without words: %+v", p)
		}
	}
}
