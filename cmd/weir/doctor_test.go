package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weir/pkg/api"
	"weir/pkg/config"
	"weir/pkg/gateway"
	"weir/pkg/publish"
)

// TestMain lets this very program be the worker that the gateway starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestDoctorLooksAndListens publishes what only a worker can see and hear, which
// decodes it, and reads what the creator is told. It lasts as long as the doctor's
// patience, and the machine has nearly nothing to do meanwhile.
func TestDoctorLooksAndListens(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skipf("SKIPPED, NOT TESTED: ffmpeg is not installed: %v", err)
	}
	const perceived = "video_frozen video_black audio_silent audio_clipping audio_surround"
	at := openGateway(t)
	for name, c := range map[string]struct{ video, audio, want string }{
		"frozen-and-silent": {"smptebars=s=320x180:r=30", "anullsrc=r=48000:cl=stereo", "audio_silent video_frozen"},
		"moving-surround":   {"testsrc2=s=320x180:r=30", "anoisesrc=a=0.1:r=48000,aformat=channel_layouts=5.1", "audio_surround"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "clip.flv")
			made, err := exec.CommandContext(t.Context(), "ffmpeg", slices.Concat(
				strings.Fields("-v error -f lavfi -i"), []string{c.video}, strings.Fields("-f lavfi -i"), []string{c.audio},
				strings.Fields("-t 8 -c:v libx264 -preset ultrafast -g 60 -pix_fmt yuv420p -c:a aac -b:a 192k"), []string{file},
			)...).CombinedOutput()
			require.NoError(t, err, "%s", made)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				ended <- publish.Run(ctx, publish.Options{File: file, Loop: true, URL: "rtmp://" + at.RTMP + "/live/" + name})
			}()
			defer func() {
				stop()
				require.NoError(t, <-ended)
			}()
			var status api.StreamStatus
			var told []string
			// The frozen picture takes longest, 20 s; the other stream is looked at for as
			// long, so that what it has not is known not to come.
			deadline, look := time.After(23*time.Second), time.NewTicker(time.Second)
			defer look.Stop()
			for waiting := true; waiting; {
				select {
				case <-deadline:
					waiting = false
				case <-look.C:
				}
				told, status = nil, statusOf(t, at.HTTP, name)
				for _, f := range status.Health {
					if slices.Contains(strings.Fields(perceived), f.Code) {
						told = append(told, f.Code)
					}
				}
				slices.Sort(told)
			}
			require.Equal(t, c.want, strings.Join(told, " "), "%+v", status.Health)
		})
	}
}

// openGateway serves with real workers and an open door, until the test ends.
func openGateway(t *testing.T) gateway.Addresses {
	t.Helper()
	cfg, _, err := config.Load(config.Sources{Environ: []string{
		"WEIR_DATA_DIR=" + t.TempDir(), "WEIR_AUTH_MODE=open", "WEIR_TRANSCODE_LADDER=120p",
		"WEIR_RTMP_ADDRESS=127.0.0.1:0", "WEIR_SRT_ADDRESS=127.0.0.1:0", "WEIR_HTTP_ADDRESS=127.0.0.1:0",
	}})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	started, ended := make(chan gateway.Addresses, 1), make(chan error, 1)
	go func() {
		ended <- gateway.Run(ctx, gateway.Options{
			Config: cfg, Log: slog.New(slog.DiscardHandler), Version: "test", Started: func(a gateway.Addresses) { started <- a },
		})
	}()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	select {
	case a := <-started:
		return a
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
		return gateway.Addresses{}
	}
}

// statusOf is what anyone is told of a stream; nothing while there is none.
func statusOf(t *testing.T, at, name string) (status api.StreamStatus) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+at+"/api/v1/streams/"+name, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		require.NoError(t, json.NewDecoder(res.Body).Decode(&status))
	}
	return status
}
