package gateway

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/pkg/config"
)

// TestRecordingFolderThatCannotBe: whoever starts Weir is told which setting it is, and
// what else it could be.
func TestRecordingFolderThatCannotBe(t *testing.T) {
	cfg := config.Default()
	cfg.DataDir = t.TempDir()
	file := filepath.Join(cfg.DataDir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Recording.Folder = filepath.Join(file, "recordings")
	options := Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Level: new(slog.LevelVar)}
	err := Run(t.Context(), options)
	if err == nil || !strings.Contains(err.Error(), "recording.directory: ") || !strings.Contains(err.Error(), "set recording.mode to off") {
		t.Errorf("it is told %v", err)
	}
	options.Config.Recording.Mode = config.RecordingOff
	g, err := newGateway(t.Context(), options)
	if err != nil || g.recordings != nil {
		t.Fatalf("with recording off: %v", err)
	}
	if err := g.database.Close(); err != nil {
		t.Error(err)
	}
}
