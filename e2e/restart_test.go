//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestRestart reloads the gateway in mid-stream, then stops it and starts it
// again, under players and a crowd: nobody notices the reload, and after the
// restart everybody goes on.
func TestRestart(t *testing.T) {
	t.Parallel()
	clip := cameraClip(t)
	b := openBrowser(t)
	data := t.TempDir()
	settings := filepath.Join(data, "weir.yaml")
	if err := os.WriteFile(settings, []byte("transcode: {ladder: source}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := start(t, data, "--config", settings)
	w.openPlayers(b, nil)
	w.publishAgain(clip)
	for player := range players() {
		b.wait(player, "window.report().playingAt", 20*time.Second)
	}
	crowd := openAudience(t, 50, w.url("source/index.m3u8"))
	pass(4 * time.Second)

	if err := os.WriteFile(settings, []byte("transcode: {ladder: source}\ningest: {resume_window: 90s, max_bitrate: 20M}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.process.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	pass(4 * time.Second)
	w.logged("configuration reloaded")
	expectSmooth(t, b)
	if text := w.fetchWindow("source").text; strings.Contains(text, "#EXT-X-DISCONTINUITY\n") {
		t.Errorf("the reload made a discontinuity:\n%s", text)
	}
	if failed := crowd.failed.Load(); failed > 0 {
		t.Errorf("%d requests of the crowd failed by the reload", failed)
	}

	before := newestMSN(w.fetchWindow("source"))
	took := w.stop()
	if took > 5*time.Second {
		t.Errorf("stopping took %v, want under 5 s", took)
	}
	down := time.Now()
	again := start(t, data, "--config", settings, "--rtmp.address", w.rtmp, "--http.address", strings.TrimPrefix(w.base, "http://"))
	t.Logf("stopping took %v, starting %v", took.Round(time.Millisecond), time.Since(down).Round(time.Millisecond))
	if body, code := fetch(t, again.url("index.m3u8")); code != http.StatusOK {
		t.Errorf("a viewer who asked after the restart got %d (%s), want to be held and served", code, body)
	}
	t.Logf("viewers are served again %v after the stop", time.Since(down).Round(time.Millisecond))
	pass(8 * time.Second)
	if first := again.fetchWindow("source").segments[0].msn; first <= before {
		t.Errorf("after the restart segment %d follows %d", first, before)
	}
	expectGoingOn(t, b)
	answered, failed := crowd.stop()
	t.Logf("the crowd had %d answers and %d failures while Weir was down", answered, failed)
}

// publishAgain publishes with Weir's own client, which comes back by itself as
// OBS does.
func (w *weir) publishAgain(clip string) {
	w.t.Helper()
	client := exec.Command(w.process.Path, "publish", "--loop", "--retry", clip, w.publishURL())
	client.Stderr = io.Discard
	if err := client.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = client.Process.Kill()
		_ = client.Wait()
	})
}

// expectGoingOn watches the players for 5 s.
func expectGoingOn(t *testing.T, b *browser) {
	t.Helper()
	before := make(map[string]float64)
	for player := range players() {
		before[player] = b.report(player).Time
	}
	pass(5 * time.Second)
	for player := range players() {
		r := b.report(player)
		t.Logf("%s: %.1f s in the last 5 s, stalls %.1f ms, got over %v", player, r.Time-before[player], r.Stalls, r.Notes)
		if r.Time-before[player] < 4 || len(r.Errors) > 0 {
			t.Errorf("%s did not go on by itself: %.1f s in 5 s, errors %v", player, r.Time-before[player], r.Errors)
		}
	}
}

// audience is many viewers that ask for one playlist each second.
type audience struct {
	answered, failed atomic.Int64
	leave            context.CancelFunc
	viewers          sync.WaitGroup
}

func openAudience(t *testing.T, size int, url string) *audience {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	c := &audience{leave: leave}
	for range size {
		c.viewers.Go(func() {
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for {
				if err := ask(ctx, url); err == nil {
					c.answered.Add(1)
				} else if ctx.Err() == nil {
					c.failed.Add(1)
				}
				select {
				case <-tick.C:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	t.Cleanup(func() { c.stop() })
	return c
}

func (c *audience) stop() (answered, failed int64) {
	c.leave()
	c.viewers.Wait()
	return c.answered.Load(), c.failed.Load()
}

func ask(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %w", res.Status, err)
	}
	return nil
}
