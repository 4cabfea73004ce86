//go:build e2e

package e2e

import (
	"math"
	"net/url"
	"slices"
	"testing"
	"time"
)

// players are those that must play, with what they play.
func players() map[string]string {
	return map[string]string{"hls": "index.m3u8", "dash": "manifest.mpd", "shaka": "manifest.mpd"}
}

// openPlayers opens each player before there is anything to play.
func (w *weir) openPlayers(b *browser, options url.Values) {
	w.t.Helper()
	for player, path := range players() {
		b.play(player, w.url(path), options)
	}
}

// expectSmooth fails for every player that stalled or reported an error since
// it began to play.
func expectSmooth(t *testing.T, b *browser) {
	t.Helper()
	for player := range players() {
		r := b.report(player)
		t.Logf("%s: %.1f s played at %d lines, %d of %d frames dropped, stalls %.0f, got over %v", player, r.Time, r.Height, r.Dropped, r.Frames, r.Stalls, r.Notes)
		if r.PlayingAt == nil || r.Paused || len(r.Stalls) > 0 || len(r.Errors) > 0 {
			t.Errorf("%s: playing since %v, paused %v, stalls %.0f, errors %v", player, r.PlayingAt, r.Paused, r.Stalls, r.Errors)
		}
	}
}

// TestViewersWatch is the main path: ffmpeg publishes in real time, three
// players that waited play within 6 s, without a stall, and on every rung.
func TestViewersWatch(t *testing.T) {
	clip := cameraClip(t)
	b := openBrowser(t)
	w := start(t, t.TempDir())
	w.openPlayers(b, nil)
	connected := time.Now()
	w.publish(clip)
	for player := range players() {
		b.wait(player, "window.report().playingAt", 20*time.Second)
		after := time.UnixMilli(*b.report(player).PlayingAt).Sub(connected)
		t.Logf("%s plays %v after the publisher connected", player, after.Round(time.Millisecond))
		if after > 6*time.Second {
			t.Errorf("%s plays %v after the publisher connected, want 6 s at most", player, after)
		}
	}
	pass(30 * time.Second)
	expectSmooth(t, b)
	w.expectServed()
	for player := range players() {
		selectEach(t, b, player)
	}
	checkRenditions(t, w)
}

// selectEach switches a player through all of its rungs.
func selectEach(t *testing.T, b *browser, player string) {
	t.Helper()
	first := b.report(player)
	rungs := first.Rungs
	slices.Sort(rungs)
	if rungs = slices.Compact(rungs); !slices.Equal(rungs, []int{360, 480, 720}) {
		t.Errorf("%s offers %v, want 360, 480 and 720 lines; it got over %v", player, rungs, first.Notes)
	}
	for _, height := range rungs {
		script := "window.excuse(10000), window.select(" + itoa(height) + "), null"
		b.evaluate(player, script, nil)
		b.wait(player, "window.video.videoHeight === "+itoa(height), 15*time.Second)
	}
	if r := b.report(player); len(r.Errors) > 0 {
		t.Errorf("%s while switching: %v", player, r.Errors)
	}
}

// checkRenditions reads every rendition and holds it to the source's boundaries.
func checkRenditions(t *testing.T, w *weir) {
	t.Helper()
	ids := w.renditions()
	if !slices.Equal(ids, []string{"source", "480p", "360p"}) {
		t.Fatalf("renditions %v, want the source, 480p and 360p", ids)
	}
	starts := make(map[int]uint64)
	for _, id := range ids {
		rung := w.fetchWindow(id)
		checkWindow(t, rung, true)
		for _, s := range rung.segments {
			if at, known := starts[s.msn]; known && at != s.start {
				t.Errorf("%s segment %d starts at %d, on the source at %d", id, s.msn, s.start, at)
			}
			if id == "source" {
				starts[s.msn] = s.start
			}
		}
		expectDecodes(t, rung)
	}
	audio := w.fetchWindow("audio")
	checkWindow(t, audio, false)
	for _, s := range audio.segments {
		at, known := starts[s.msn]
		if !known {
			continue
		}
		if off := float64(s.start)/float64(audio.timescale) - float64(at)/90_000; math.Abs(off) > 0.011 {
			t.Errorf("audio segment %d starts %.1f ms off the video's", s.msn, 1000*off)
		}
	}
}

// expectDecodes has ffmpeg decode the window and compares the pictures' times
// with a steady frame rate.
func expectDecodes(t *testing.T, rung window) {
	t.Helper()
	file := rung.save(t)
	decoded(t, file, "-f", "null", "-")
	times := rung.shown()
	for i := 1; i < len(times); i++ {
		most := 0.001
		if i%60 == 0 {
			most = 0.0021 // where media time is slewed to the clock, in steps of 1 ms
		}
		if step := times[i] - times[i-1]; math.Abs(step-1.0/30) > most {
			t.Errorf("%s: picture %d comes %.1f ms after the one before", rung.id, i, 1000*step)
		}
	}
	if len(times) != 60*len(rung.segments) {
		t.Errorf("%s has %d pictures in %d segments, want 60 each", rung.id, len(times), len(rung.segments))
	}
}

// TestAudioStaysWithVideo compares when beeps and flashes come in the source
// and on every rendition.
func TestAudioStaysWithVideo(t *testing.T) {
	t.Parallel()
	clip := beepClip(t)
	source := offset(t, flashes(t, clip, presentationTimes(t, clip, "v:0")), beeps(t, clip))
	w := start(t, t.TempDir())
	w.publish(clip)
	pass(24 * time.Second)
	heard := beeps(t, w.fetchWindow("audio").save(t))
	for _, id := range w.renditions() {
		rung := w.fetchWindow(id)
		got := offset(t, flashes(t, rung.save(t), rung.shown()), heard)
		t.Logf("%s: audio comes %+.1f ms after video, in the source %+.1f ms", id, 1000*got, 1000*source)
		if math.Abs(got-source) > 0.020 {
			t.Errorf("%s: the audio/video offset moved by %.1f ms, want under 20 ms", id, 1000*(got-source))
		}
	}
}
