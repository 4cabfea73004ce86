package config_test

import (
	"fmt"
	"strings"
	"testing"

	"weir/pkg/config"
)

func TestSettingsHoldNoSecret(t *testing.T) {
	cfg := config.Default()
	cfg.Streams = []config.Stream{{Name: "studio", Key: "hunter2hunter2hunter2"}}
	settings := cfg.Settings()
	if text := fmt.Sprint(settings); strings.Contains(text, "hunter2") || !strings.Contains(text, "studio") {
		t.Errorf("the settings are %s", text)
	}
	if settings["rtmp.address"] != ":1935" || settings["ingest.max_connections"] != 1000 || settings["ingest.idle_timeout"] != "10s" {
		t.Errorf("the settings are %v", settings)
	}
}
