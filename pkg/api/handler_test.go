package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/pkg/api"
)

var update = flag.Bool("update", false, "write the golden files anew")

func live() api.StreamStatus {
	since := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return api.StreamStatus{
		Name: "main", State: api.Live, OnAir: "source", Since: since,
		Session:  &api.Session{Role: api.RoleBackup, Protocol: "rtmp", Encoder: "obs-output module (libobs version 31.0.0)", ConnectedAt: since},
		Standby:  &api.Session{Role: api.RolePrimary, Protocol: "srt", ConnectedAt: since},
		Backup:   &api.Backup{Protocol: "rtmp", Encoder: "obs-output module (libobs version 31.0.0)", ConnectedAt: since, OnAir: true},
		Switched: &api.Switch{At: since, To: api.RoleBackup, Reason: "black"},
		Source: &api.Source{
			Codec: "h264", Profile: "high", Width: 1920, Height: 1080, FrameRate: 29.97, Bitrate: 6_012_345, KeyframeInterval: 2,
			Audio: &api.SourceAudio{Codec: "aac", SampleRate: 48_000, Channels: 2},
			AudioTracks: []api.AudioTrack{
				{Rendition: "audio", Served: "passthrough", Number: new(0), Codec: "aac", SampleRate: 48_000, Channels: 2},
				{Rendition: "audio_2", Served: "silence"},
			},
		},
		Renditions: []api.Rendition{
			{ID: "source", Name: "1080p (source)", Kind: "video", Codecs: "avc1.640028", Width: 1920, Height: 1080, Bandwidth: 7_500_000, FrameRate: 29.97, Bitrate: 6_100_000, Latency: new(0.4), Passthrough: true, Segments: 15, State: api.Live},
			{ID: "audio", Name: "Deutsch", Kind: "audio", Language: "de", Role: "main", Bandwidth: 160_000, Passthrough: true, State: api.Waiting},
		},
		Audience: api.Audience{Viewers: 12, Reporting: 3, Latency: new(2.4)},
		Arrival:  &api.Arrival{Bitrate: 6_180_000, FrameRate: 29.97, Delay: 0.031, Jitter: 0.042, Bytes: 77_000_000},
		Worker:   &api.Worker{State: "running", Restarts: 1, RealtimeRatio: 1.7},
		Repairs:  map[string]uint64{"wraps": 1},
		Health: []api.Finding{{
			Code: "keyframe_interval", Severity: "warning", Hop: "encoder", Title: "Keyframes too far apart",
			Message: "Keyframes come every 8.3 s.", Evidence: []api.Evidence{{Name: "keyframe_interval", Value: 8.333, Unit: "s"}},
			Remedy: "Set Keyframe Interval to 2 s.", Since: since,
		}},
		URLs: api.StreamURLs("https://live.example.com", "main"),
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name, method, path string
		code               int
		contentType        string
	}{
		{"streams", http.MethodGet, "/api/v1/streams", 200, "application/json"},
		{"stream", http.MethodGet, "/api/v1/streams/main", 200, "application/json"},
		{"empty", http.MethodGet, "/api/v1/streams/second", 200, "application/json"},
		{"unknown", http.MethodGet, "/api/v1/streams/nobody", 404, "application/problem+json"},
		{"nowhere", http.MethodGet, "/api/v1/cameras", 404, "application/problem+json"},
		{"method", http.MethodDelete, "/api/v1/streams/main", 405, "application/problem+json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			handler(t).ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
			if w.Code != c.code || w.Header().Get("Content-Type") != c.contentType || w.Header().Get("Cache-Control") != "public, max-age=1" {
				t.Errorf("%d %v", w.Code, w.Header())
			}
			for name := range w.Header() {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("other sites may read the API: %s", name)
				}
			}
			golden(t, c.name, w.Body.Bytes())
		})
	}
}

func TestHead(t *testing.T) {
	srv := httptest.NewServer(handler(t))
	defer srv.Close()
	res, err := http.Head(srv.URL + "/api/v1/streams")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, got, "", "  "); err != nil {
		t.Fatalf("not JSON: %v in %s", err, got)
	}
	file := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(file, pretty.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("read the golden file (go test -update writes it): %v", err)
	}
	if !bytes.Equal(pretty.Bytes(), want) {
		t.Errorf("got\n%s\nwant\n%s", pretty.Bytes(), want)
	}
}
