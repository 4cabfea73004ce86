package live

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStateSurvivesARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	log := slog.New(slog.DiscardHandler)
	first, _, err := newSaver(dir, log)
	if err != nil {
		t.Fatal(err)
	}
	first.save("main", state{NextMSN: 1})
	want := state{NextMSN: 42, NextDiscontinuity: 3, Live: true}
	first.save("main", want)
	first.close()
	first.run()

	_, states, err := newSaver(dir, log)
	if err != nil {
		t.Fatal(err)
	}
	if states["main"] != want {
		t.Fatalf("after a restart: %+v, want %+v", states["main"], want)
	}
}

func TestDamagedStateIsToldAndIgnored(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.json"), []byte(`{"next_msn": 4`), 0o600); err != nil {
		t.Fatal(err)
	}
	var told bytes.Buffer
	_, states, err := newSaver(dir, slog.New(slog.NewTextHandler(&told, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if states["main"] != (state{}) || !strings.Contains(told.String(), "stream=main") {
		t.Fatalf("state %+v, log %q; want the zero state and a warning", states["main"], told.String())
	}
}
