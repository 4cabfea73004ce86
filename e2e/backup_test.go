//go:build e2e

package e2e

import (
	"net/url"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestBackupTakesOver has two encoders publish one stream, takes the first one away as
// a crash does, and lets it come back. Players play on through both changes, weir verify
// finds nothing wrong, and no picture stands still for longer than the other encoder
// takes to its next keyframe.
func TestBackupTakesOver(t *testing.T) {
	t.Parallel()
	clip, b, dir := cameraClip(t), openBrowser(t), t.TempDir()
	w := start(t, dir)
	key, err := exec.Command(w.process.Path, "keys", "create", "--backup", "main", "--data-dir", dir).Output()
	if err != nil {
		t.Fatalf("make the backup's key: %v", err)
	}
	w.openPlayers(b, url.Values{"height": {"360"}})
	primary := w.publish(clip)
	for player := range players() {
		b.wait(player, "window.report().playingAt", 20*time.Second)
	}
	pass(700 * time.Millisecond) // no whole keyframe interval
	backup := w.publishTo(clip, "rtmp://"+w.rtmp+"/live/"+strings.TrimSpace(string(key)))
	told := func(want string) func() bool {
		return func() bool {
			body, _ := w.get("/api/v1/streams/main")
			return strings.Contains(body, want)
		}
	}
	eventually(t, 20*time.Second, "the backup stands by", told(`"standby":{"role":"backup"`))
	pass(3 * time.Second)
	primary.kill()
	took := eventually(t, 4*time.Second, "the backup is on air", told(`"to":"backup","reason":"lost"`))
	t.Logf("the backup is on air %v after the primary was lost", took.Round(10*time.Millisecond))
	verified(t, w)
	w.publish(clip)
	took = eventually(t, 25*time.Second, "the primary is on air again", told(`"to":"primary","reason":"back"`))
	t.Logf("the primary is on air again %v after it came back", took.Round(10*time.Millisecond))
	if took < 9*time.Second {
		t.Error("that is before it was steady")
	}
	pass(3 * time.Second)
	verified(t, w)
	expectHeldUp(t, b, time.Second)
	for _, lasted := range w.freezes("25", "0.3") {
		t.Logf("a picture stood still for %v s", lasted)
		if lasted > 2.6 {
			t.Error("that is longer than a keyframe interval")
		}
	}
	select {
	case <-backup.exited:
		t.Errorf("the backup was disturbed:\n%s", backup.log.String())
	default:
	}
}

// expectHeldUp allows each player stalls of so much in all.
func expectHeldUp(t *testing.T, b *browser, most time.Duration) {
	t.Helper()
	for player := range players() {
		r := b.report(player)
		var held float64
		for _, s := range r.Stalls {
			held += s.Ms
		}
		t.Logf("%s: %.1f s played, held up by %.0f ms in all, stalls %.0f, got over %v", player, r.Time, held, r.Stalls, r.Notes)
		if r.Paused || len(r.Errors) > 0 || held > float64(most.Milliseconds()) {
			t.Errorf("%s: paused %v, held up by %.0f ms, errors %v", player, r.Paused, held, r.Errors)
		}
	}
}

// freezes decodes so many seconds of a rung that is served. It returns how long pictures
// stood still in it, at least so long.
func (w *weir) freezes(seconds, least string) (lasted []float64) {
	w.t.Helper()
	cmd := exec.Command("ffmpeg", "-hide_banner", "-nostdin", "-live_start_index", "0", "-t", seconds,
		"-i", w.base+"/live/main/360p/index.m3u8?ll=0", "-vf", "freezedetect=n=0.01:d="+least, "-f", "null", "-")
	said, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("ffmpeg: %v\n%s", err, said)
	}
	for _, m := range regexp.MustCompile(`freeze_duration: ([0-9.]+)`).FindAllStringSubmatch(string(said), -1) {
		d, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			w.t.Fatal(err)
		}
		lasted = append(lasted, d)
	}
	return lasted
}
