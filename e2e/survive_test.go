//go:build e2e

package e2e

import (
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

// watchedAfter is how long players are watched after the kill; WEIR_E2E_LONG asks
// for the whole minute.
func watchedAfter() time.Duration {
	if os.Getenv("WEIR_E2E_LONG") != "" {
		return time.Minute
	}
	return 25 * time.Second
}

// TestWorkerKilled takes the worker away in mid-stream, with three players on
// an encoded rung and nobody noticing.
func TestWorkerKilled(t *testing.T) {
	clip := cameraClip(t)
	b := openBrowser(t)
	w := start(t, t.TempDir())
	w.openPlayers(b, url.Values{"height": {"360"}})
	w.publish(clip)
	for player := range players() {
		b.wait(player, "window.report().playingAt", 20*time.Second)
	}
	pass(10 * time.Second)
	pid := w.worker()
	killed := time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	newest := newestMSN(w.fetchWindow("source"))
	back := eventually(t, 10*time.Second, "the rung has the segment that was open at the kill", func() bool {
		return newestMSN(w.fetchWindow("360p")) > newest
	})
	t.Logf("360p completed the segment that was open at the kill %v after it", back.Round(time.Millisecond))
	if behind := newestMSN(w.fetchWindow("source")) - newestMSN(w.fetchWindow("360p")); behind > 1 {
		t.Errorf("360p is %d segments behind the source %v after the kill", behind, time.Since(killed))
	}
	pass(watchedAfter() - time.Since(killed))
	expectSmooth(t, b)
	checkRenditions(t, w)
}

func newestMSN(w window) int { return w.segments[len(w.segments)-1].msn }

// TestKeyframesTooFarApart publishes with a keyframe every 10 s: passthrough is
// left, nothing that the playlists promised breaks, and the creator is told.
//
// It runs alone: where the machine is busy, the top rung gives way and has gaps.
func TestKeyframesTooFarApart(t *testing.T) {
	clip := longClip(t)
	w := start(t, t.TempDir())
	w.publish(clip)
	pass(25 * time.Second)
	for _, id := range w.renditions() {
		rung := w.fetchWindow(id)
		checkWindow(t, rung, true)
		decoded(t, rung.save(t), "-f", "null", "-")
	}
	if body, _ := w.get("/api/v1/streams/main"); !strings.Contains(body, `"keyframe_interval"`) || !strings.Contains(body, "Keyframe Interval to 2 s") {
		t.Errorf("the creator is not told which setting to change: %s", body)
	}
}

// TestWrongKeyAndTakeOver shows what publishers are told.
func TestWrongKeyAndTakeOver(t *testing.T) {
	t.Parallel()
	clip := cameraClip(t)
	w := start(t, t.TempDir(), "--transcode.ladder", "source")
	wrong := w.publishTo(clip, "rtmp://"+w.rtmp+"/live/not-the-right-key-at-all")
	select {
	case <-wrong.exited:
	case <-time.After(10 * time.Second):
		t.Fatal("a wrong key was not rejected")
	}
	if w.process.ProcessState != nil {
		t.Fatal("the gateway is gone")
	}
	first := w.publish(clip)
	eventually(t, 10*time.Second, "the first publisher is live", func() bool { return w.state() == "live" })
	w.publish(clip)
	select {
	case <-first.exited:
	case <-time.After(5 * time.Second):
		t.Fatal("the first publisher was not told that it was taken over")
	}
	before := len(w.fetchWindow("source").segments)
	eventually(t, 10*time.Second, "the second publisher's segments follow", func() bool {
		return len(w.fetchWindow("source").segments) > before+1
	})
	text := w.fetchWindow("source").text
	if !strings.Contains(text, "#EXT-X-DISCONTINUITY\n") {
		t.Errorf("no discontinuity between the publishers:\n%s", text)
	}
	for _, secret := range []string{w.key, "not-the-right-key-at-all"} {
		if strings.Contains(w.log.String(), secret) {
			t.Error("a stream key is in the log")
		}
	}
	if log := w.log.String(); !strings.Contains(log, "wrong_key") || !strings.Contains(log, "taken_over") {
		t.Errorf("the log does not name the reasons:\n%s", log)
	}
}

// state is what the API says of the default stream.
func (w *weir) state() string {
	w.t.Helper()
	body, _ := w.get("/api/v1/streams/main")
	if m := regexp.MustCompile(`"state":"([a-z]+)"`).FindStringSubmatch(body); m != nil {
		return m[1]
	}
	return ""
}

// TestPublisherReturns loses the publisher and lets it come back: the players
// go on by themselves, without a slate that would keep them going
// (TestPublisherAway). Then it ends on purpose.
func TestPublisherReturns(t *testing.T) {
	t.Parallel()
	clip := cameraClip(t)
	b := openBrowser(t)
	w := start(t, t.TempDir(), "--transcode.ladder", "source", "--slate.mode", "off")
	w.openPlayers(b, nil)
	first := w.publish(clip)
	for player := range players() {
		b.wait(player, "window.report().playingAt", 20*time.Second)
	}
	pass(6 * time.Second)
	first.kill()
	pass(2 * time.Second)
	second := w.publish(clip)
	pass(16 * time.Second)
	before := make(map[string]float64)
	for player := range players() {
		before[player] = b.report(player).Time
	}
	pass(5 * time.Second)
	for player := range players() {
		r := b.report(player)
		t.Logf("%s: %.1f s in the last 5 s, stalls %.0f", player, r.Time-before[player], r.Stalls)
		if r.Time-before[player] < 4 || len(r.Errors) > 0 {
			t.Errorf("%s did not go on by itself: %.1f s in 5 s, errors %v", player, r.Time-before[player], r.Errors)
		}
	}
	text, _ := w.get("/live/main/source/index.m3u8")
	if strings.Count(text, "#EXT-X-DISCONTINUITY\n") != 1 || strings.Contains(text, "#EXT-X-ENDLIST") {
		t.Errorf("want one discontinuity and no end:\n%s", text)
	}
	second.end()
	eventually(t, 5*time.Second, "the playlist ends", func() bool {
		text, _ := w.get("/live/main/source/index.m3u8")
		return strings.Contains(text, "#EXT-X-ENDLIST")
	})
	if mpd, _ := w.get("/live/main/manifest.mpd"); !strings.Contains(mpd, `type="static"`) {
		t.Errorf("the MPD of an ended stream is not static:\n%s", mpd)
	}
}
