//go:build e2e

package e2e

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
)

// publishForEver sends a clip again and again with `weir publish`.
func (w *weir) publishForEver(clip string) {
	w.t.Helper()
	publisher := exec.Command("../bin/weir", "publish", "--loop", clip, w.publishURL())
	if err := publisher.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = publisher.Process.Kill()
		_ = publisher.Wait()
	})
}

// children are the process ids of the gateway's workers.
func (w *weir) children() []int {
	w.t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		w.t.Fatal(err)
	}
	var pids []int
	for _, file := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if fields := procStat(pid); fields != nil && fields[1] == itoa(w.process.Process.Pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// procStat is what /proc says of a process behind its name, nil if it is gone.
func procStat(pid int) []string {
	raw, err := os.ReadFile("/proc/" + itoa(pid) + "/stat")
	if err != nil {
		return nil
	}
	return strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
}

// cpu is what the gateway and its children, the finished ones included, have
// used of a core.
func (w *weir) cpu() time.Duration {
	w.t.Helper()
	const tick = 10 * time.Millisecond // USER_HZ is 100 wherever Linux runs
	ticks := 0
	for _, pid := range append(w.children(), w.process.Process.Pid) {
		if fields := procStat(pid); fields != nil {
			for _, field := range fields[11:15] { // utime, stime, cutime, cstime
				n, _ := strconv.Atoi(field)
				ticks += n
			}
		}
	}
	return time.Duration(ticks) * tick
}

// listing is what a media playlist says of its segments: URIs by number.
func (w *weir) listing(id string) (uris map[int]string, newest int) {
	w.t.Helper()
	text, code := fetch(w.t, w.url(id+"/index.m3u8"))
	if code != 200 {
		w.t.Fatalf("%s playlist: %d %s", id, code, text)
	}
	first, err := strconv.Atoi(regexp.MustCompile(`#EXT-X-MEDIA-SEQUENCE:(\d+)`).FindStringSubmatch(text)[1])
	if err != nil {
		w.t.Fatal(err)
	}
	uris = map[int]string{}
	for i, listed := range regexp.MustCompile(`#EXTINF:([\d.]+),\n([^#\n]+)`).FindAllStringSubmatch(text, -1) {
		newest = first + i
		uris[newest] = listed[1] + " " + listed[2]
	}
	return uris, newest
}

// viewer fetches the new segments of a rendition until it is told to stop, and
// returns those that it got.
func (w *weir) viewer(stop <-chan struct{}, id string, from int) <-chan []segment {
	got := make(chan []segment, 1)
	text, _ := fetch(w.t, w.url(id+"/index.m3u8"))
	init := w.piece(id, regexp.MustCompile(`#EXT-X-MAP:URI="([^"]+)"`).FindStringSubmatch(text)[1])
	head, err := mp4.DecodeFile(bytes.NewReader(init))
	if err != nil {
		w.t.Fatal(err)
	}
	go func() {
		var all []segment
		defer func() { got <- all }()
		for {
			uris, newest := w.listing(id)
			for ; from <= newest; from++ {
				extinf, uri, _ := strings.Cut(uris[from], " ")
				body, code := fetch(w.t, w.url(id+"/"+uri))
				if code == 503 {
					break // told to come back, as on a machine that is busy
				}
				if code != 200 {
					w.t.Errorf("%s segment %d: %d %s", id, from, code, body)
					continue
				}
				seg := segment{msn: from, bytes: []byte(body)}
				seg.extinf, _ = strconv.ParseFloat(extinf, 64)
				seg.parse(w.t, head.Init.Moov.Mvex.Trex, 90_000)
				all = append(all, seg)
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
			}
		}
	}()
	return got
}

// start1080 is a gateway with rungs on demand and the 1080p clip coming in, of
// which nothing is encoded any more.
func start1080(t *testing.T, flags ...string) *weir {
	t.Helper()
	clip := filepath.Join(media, "camera_1080p30_6M_cbr.flv")
	if _, err := os.Stat(clip); err != nil {
		missing(t, clip)
	}
	w := start(t, t.TempDir(), append([]string{"--transcode.rungs", "on_demand", "--transcode.idle-after", "5s"}, flags...)...)
	w.publishForEver(clip)
	eventually(t, 20*time.Second, "the stream is live", func() bool { return w.state() == "live" })
	if got := w.renditions(); !slices.Equal(got, []string{"source", "720p", "480p", "360p"}) {
		t.Fatalf("renditions %v", got)
	}
	rested := eventually(t, 30*time.Second, "no worker is left", func() bool { return len(w.children()) == 0 })
	t.Logf("no worker is left %v after the stream became live", rested.Round(100*time.Millisecond))
	pass(4 * time.Second)
	return w
}

// promises is the multivariant playlist but for the source's bandwidth, which
// measuring raises.
func (w *weir) promises() string {
	text, _ := fetch(w.t, w.url("index.m3u8"))
	return regexp.MustCompile(`BANDWIDTH=\d+`).ReplaceAllString(text, "")
}

// TestRungsOnDemand lets nobody watch, then somebody one rung, then two, then
// nobody again. It runs alone: whoever encodes beside it has rungs of 1080p shed.
func TestRungsOnDemand(t *testing.T) {
	w := start1080(t)
	promised := w.promises()
	before, began := w.cpu(), time.Now()
	pass(10 * time.Second)
	share := 100 * float64(w.cpu()-before) / float64(time.Since(began))
	t.Logf("unwatched, the gateway with its children uses %.1f %% of a core", share)
	if share > 4 || len(w.children()) > 0 {
		t.Errorf("unwatched: %.1f %% of a core and %d workers, want at most 4 %% and none", share, len(w.children()))
	}
	mpd, _ := fetch(t, w.url("manifest.mpd"))
	if timelines := regexp.MustCompile(`(?s)<SegmentTimeline>.*?</SegmentTimeline>`).FindAllString(mpd, -1); len(timelines) < 4 ||
		timelines[0] != timelines[1] || timelines[0] != timelines[3] {
		t.Errorf("the timelines of the video representations differ:\n%s", mpd)
	}
	if n := len(w.children()); n > 0 {
		t.Errorf("%d workers after somebody asked for the MPD, want none", n)
	}

	stop := make(chan struct{})
	first := w.ask(stop, "360p")
	pass(3 * time.Second)
	second := w.ask(stop, "720p")
	joined := eventually(t, time.Minute, "one worker makes both rungs", func() bool { return len(w.children()) == 1 })
	t.Logf("one worker makes both rungs %v after the second had its first segment", joined.Round(100*time.Millisecond))
	pass(12 * time.Second)
	close(stop)
	for _, got := range [][]segment{<-first, <-second} {
		expectWhole(t, got)
	}
	if now := w.promises(); now != promised {
		t.Errorf("the multivariant playlist has changed:\n%s\n%s", promised, now)
	}
	rested := eventually(t, 15*time.Second, "no worker is left", func() bool { return len(w.children()) == 0 })
	t.Logf("no worker is left %v after the last viewer", rested.Round(100*time.Millisecond))
	expectAligned(t, w)
}

// expectWhole fails unless the segments follow each other to the tick, begin with
// an IDR and last what the playlist said.
func expectWhole(t *testing.T, all []segment) {
	t.Helper()
	if len(all) < 6 {
		t.Errorf("the viewer got %d segments", len(all))
	}
	for i, s := range all {
		if !s.first.IsSync() || !isIDR(s.first.Data) || s.first.CompositionTimeOffset != 0 {
			t.Errorf("segment %d does not start with an IDR that is shown at its tfdt", s.msn)
		}
		if i > 0 && (s.msn != all[i-1].msn+1 || s.start != all[i-1].start+all[i-1].duration) {
			t.Errorf("segment %d starts at %d, segment %d before it ends at %d", s.msn, s.start, all[i-1].msn, all[i-1].start+all[i-1].duration)
		}
		if seconds := float64(s.duration) / 90_000; math.Abs(seconds-s.extinf) > 0.001 {
			t.Errorf("segment %d lasts %.4f s, EXTINF %.4f", s.msn, seconds, s.extinf)
		}
	}
}

// ask is a viewer who begins with a rung that rests, three segments behind its
// newest.
func (w *weir) ask(stop <-chan struct{}, id string) <-chan []segment {
	w.t.Helper()
	began := time.Now()
	uris, newest := w.listing(id)
	_, uri, _ := strings.Cut(uris[newest-2], " ")
	body, code := fetch(w.t, w.url(id+"/"+uri))
	took := time.Since(began)
	w.t.Logf("%s: the segment two before the newest came %v after the playlist was asked for, with code %d", id, took.Round(time.Millisecond), code)
	if code != 200 || took > 3*time.Second {
		w.t.Errorf("%s: %d after %v, want a segment within 3 s: %.200s", id, code, took, body)
	}
	return w.viewer(stop, id, newest-2)
}

// expectAligned fails where a rung lists other segments than the source.
func expectAligned(t *testing.T, w *weir) {
	t.Helper()
	source, newest := w.listing("source")
	for _, id := range w.renditions()[1:] {
		rung, last := w.listing(id)
		if last < newest-1 || len(rung) < len(source)-2 {
			t.Errorf("%s lists %d segments up to %d, the source %d up to %d", id, len(rung), last, len(source), newest)
		}
		for msn, uri := range rung {
			if other, ok := source[msn]; ok && other != uri {
				t.Errorf("%s lists segment %d as %q, the source as %q", id, msn, uri, other)
			}
		}
	}
}

// TestPlayersSwitchToARungThatRests has players on the source while nothing is
// encoded, then on a rung that has to be started for them.
func TestPlayersSwitchToARungThatRests(t *testing.T) {
	t.Parallel()
	clip := cameraClip(t)
	b := openBrowser(t)
	w := start(t, t.TempDir(), "--transcode.rungs", "on_demand", "--transcode.idle-after", "6s")
	w.publishForEver(clip)
	for player, path := range players() {
		b.play(player, w.url(path), nil)
		b.wait(player, "window.report().playingAt", 20*time.Second)
		b.evaluate(player, "window.select(720), null", nil)
		b.wait(player, "window.video.videoHeight === 720", 20*time.Second)
	}
	eventually(t, 30*time.Second, "no worker is left while all watch the source", func() bool { return len(w.children()) == 0 })
	pass(4 * time.Second)
	for player := range players() {
		if r := b.report(player); r.Height != 720 {
			t.Fatalf("%s plays %d lines, want the source's 720", player, r.Height)
		}
		before, began := b.report(player), time.Now()
		if player != "hls" { // the other pages throw away what is buffered
			b.evaluate(player, "window.excuse(5000), null", nil)
		}
		b.evaluate(player, "window.select(360), null", nil)
		b.wait(player, "window.video.videoHeight === 360", 20*time.Second)
		took := time.Since(began)
		pass(8 * time.Second)
		after := b.report(player)
		t.Logf("%s shows 360 lines %v after it was told to; %.1f s played in %v, new stalls %.0f, got over %v", player,
			took.Round(10*time.Millisecond), after.Time-before.Time, time.Since(began).Round(100*time.Millisecond), after.Stalls[len(before.Stalls):], after.Notes)
		if len(after.Errors) > 0 || after.Height != 360 || len(after.Stalls) > len(before.Stalls) {
			t.Errorf("%s: errors %v, %d lines, stalls %.0f", player, after.Errors, after.Height, after.Stalls)
		}
		b.evaluate(player, "window.select(720), null", nil)
		eventually(t, 40*time.Second, "no worker is left again", func() bool { return len(w.children()) == 0 })
	}
}

// TestRungsOnDemandWithoutPassthrough has keyframes so far apart that the top
// rendition is encoded, whoever watches; a rung that is asked for is made from
// the keyframe before it.
func TestRungsOnDemandWithoutPassthrough(t *testing.T) {
	t.Parallel()
	w := start(t, t.TempDir(), "--transcode.rungs", "on_demand", "--transcode.idle-after", "5s")
	w.publishForEver(longClip(t))
	pass(18 * time.Second)
	body, _ := w.get("/api/v1/streams/main")
	if got := strings.Count(body, `"resting":true`); got != 2 || len(w.children()) != 1 {
		t.Errorf("%d renditions rest and %d workers run, want two and one: %s", got, len(w.children()), body)
	}
	stop := make(chan struct{})
	got := w.ask(stop, "360p")
	pass(12 * time.Second)
	expectAligned(t, w)
	close(stop)
	expectWhole(t, <-got)
}
