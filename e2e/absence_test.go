//go:build e2e

package e2e

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// expectOneFreeze decodes a rung that is served: the last picture stands still for
// slate.repeat, and neither the publisher's pictures nor the clip's do. Encoding makes it
// a little sharper for a second, which is no motion. weir verify finds nothing wrong.
func expectOneFreeze(t *testing.T, w *weir) {
	t.Helper()
	lasted := w.freezes("18", "1")
	if len(lasted) != 1 {
		t.Fatalf("freezes of %v s, want that of the last picture", lasted)
	}
	if d := lasted[0]; d < 1 || d > 2.3 {
		t.Errorf("the last picture was shown for %v s", d)
	}
	if table, err := exec.Command(w.process.Path, "verify", "--duration", "3s", w.base+"/live/main/").CombinedOutput(); err != nil {
		t.Errorf("weir verify: %v\n%s", err, table)
	}
}

// TestPublisherAway takes the publisher away for a while: players resume by
// themselves. With a slate they never stop, for longer than they need to notice.
func TestPublisherAway(t *testing.T) {
	long := os.Getenv("WEIR_E2E_LONG") != ""
	for _, c := range []struct {
		name string
		away time.Duration
		long bool
		args []string
		// clip has the slate be one.
		clip bool
		// held is how long all stalls of a player may last in sum; on an idle machine
		// there is none with a slate.
		held time.Duration
		// settled is how long after the return all is to be well.
		settled time.Duration
		// dash.js jumps a gap of a live stream only after waiting once more for as
		// long as it lasts (its GapController).
		dashWaits time.Duration
	}{
		{name: "clip 5 s", away: 5 * time.Second, clip: true, held: 3 * time.Second, settled: 6 * time.Second},
		{name: "slate 20 s", away: 20 * time.Second, long: true, held: 3 * time.Second, settled: 6 * time.Second},
		{name: "slate 60 s", away: 58 * time.Second, long: true, held: 3 * time.Second, settled: 6 * time.Second},
		{name: "slate from the source alone", away: 20 * time.Second, long: true, args: []string{"--transcode.ladder", "source"}, held: 3 * time.Second, settled: 6 * time.Second},
		{name: "gap 5 s", away: 5 * time.Second, long: true, args: []string{"--transcode.ladder", "source", "--slate.mode", "gap"}, held: 15 * time.Second, settled: 16 * time.Second, dashWaits: 5 * time.Second},
		{name: "gap 20 s", away: 20 * time.Second, long: true, args: []string{"--transcode.ladder", "source", "--slate.mode", "gap"}, held: 30 * time.Second, settled: 16 * time.Second, dashWaits: 20 * time.Second},
		{name: "gap 60 s", away: 58 * time.Second, long: true, args: []string{"--transcode.ladder", "source", "--slate.mode", "gap"}, held: 70 * time.Second, settled: 16 * time.Second, dashWaits: 58 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.long && !long {
				t.Skip("SKIPPED: set WEIR_E2E_LONG for it")
			}
			clip := cameraClip(t)
			b := openBrowser(t)
			pinned := url.Values{"height": {"360"}}
			if c.args != nil {
				pinned = nil
			}
			args := c.args
			if c.clip {
				file, err := filepath.Abs(filepath.Join(media, "src_butterfly_720p30.mp4"))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := os.Stat(file); err != nil {
					missing(t, file)
				}
				args = append(args, "--slate.file", file)
			}
			w := start(t, t.TempDir(), args...)
			w.openPlayers(b, pinned)
			first := w.publish(clip)
			for player := range players() {
				b.wait(player, "window.report().playingAt", 20*time.Second)
			}
			pass(6 * time.Second)
			first.kill()
			left := time.Now()
			if c.away > 15*time.Second {
				pass(4 * time.Second)
				table, err := exec.Command(w.process.Path, "verify", "--duration", "10s", w.base+"/live/main/").CombinedOutput()
				t.Logf("%s", table)
				if err != nil {
					t.Errorf("weir verify while nobody publishes: %v", err)
				}
				for player := range players() {
					b.screenshot(player, strings.ReplaceAll(c.name, " ", "-")+"-"+player)
				}
			}
			pass(c.away - time.Since(left))
			w.publish(clip)
			back := time.Now()
			eventually(t, 10*time.Second, "the publisher is on air again", func() bool { return w.state() == "live" })
			t.Logf("on air again %v after the publisher connected", time.Since(back).Round(time.Millisecond))
			pass(c.settled + c.dashWaits)
			before := make(map[string]report)
			for player := range players() {
				before[player] = b.report(player)
			}
			pass(5 * time.Second)
			for player := range players() {
				r := b.report(player)
				var held float64
				for _, s := range r.Stalls {
					held += s.Ms
				}
				t.Logf("%s: %.1f s in the last 5 s, held up by %.1f s in all, stalls %.0f, got over %v",
					player, r.Time-before[player].Time, held/1000, r.Stalls, r.Notes)
				if r.Time-before[player].Time < 4 || len(r.Errors) > 0 || r.Paused {
					t.Errorf("%s did not go on by itself: %.1f s in 5 s, errors %v", player, r.Time-before[player].Time, r.Errors)
				}
				allowed := c.held
				if player == "dash" {
					allowed += c.dashWaits
				}
				if held > float64(allowed.Milliseconds()) {
					t.Errorf("%s was held up by %.1f s, want %v at most", player, held/1000, allowed)
				}
			}
			if c.clip {
				expectOneFreeze(t, w)
			}
			text, _ := w.get("/live/main/source/index.m3u8")
			if strings.Contains(text, "#EXT-X-ENDLIST") {
				t.Errorf("the stream has ended:\n%s", text)
			}
		})
	}
}
