//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// recording is what recording.json says.
type recording struct {
	Stream      string
	Path        string
	EndedAt     *time.Time `json:"ended_at"`
	Duration    float64    `json:"duration_s"`
	Missing     int        `json:"missing_segments"`
	Interrupted bool
}

// makeKey makes a stream key with the command line.
func (w *weir) makeKey(dir string, arguments ...string) (secret string) {
	w.t.Helper()
	cmd := exec.Command(w.process.Path, append([]string{"keys", "create", "--data-dir", dir}, arguments...)...)
	cmd.Dir = w.process.Dir
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("make a key: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// recordings are those below a folder.
func recordings(t *testing.T, folder string) (all []recording) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "*", "*", "recording.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var r recording
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		r.Path = filepath.Dir(name)
		all = append(all, r)
	}
	return all
}

// finished waits for the only recording to end.
func finished(t *testing.T, folder string) recording {
	t.Helper()
	var all []recording
	eventually(t, 20*time.Second, "the recording has ended", func() bool {
		all = recordings(t, folder)
		return len(all) == 1 && all[0].EndedAt != nil
	})
	return all[0]
}

// played is what ffprobe and ffmpeg make of a recording.
type played struct {
	pictures        int
	video, audio    float64 // seconds of packets
	discontinuities int
}

// play decodes a recording to its end.
func play(t *testing.T, r recording) (p played) {
	t.Helper()
	list := filepath.Join(r.Path, "index.m3u8")
	// With times as they are: pictures do not keep their beat over a seam.
	decode := exec.Command(program(t, "ffmpeg"), "-nostdin", "-v", "error", "-xerror", "-i", list, "-map", "0:v:0", "-map", "0:a:0",
		"-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "null", "-")
	if out, err := decode.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("ffmpeg does not decode it: %v\n%s", err, out)
	}
	p = probe(t, list)
	text, err := os.ReadFile(filepath.Join(r.Path, "source", "index.m3u8"))
	if err != nil {
		t.Fatal(err)
	}
	p.discontinuities = strings.Count(string(text), "#EXT-X-DISCONTINUITY\n")
	if !strings.HasSuffix(string(text), "#EXT-X-ENDLIST\n") {
		t.Errorf("the playlist has no end:\n%s", text)
	}
	return p
}

// probe counts what there is.
func probe(t *testing.T, file string) played {
	t.Helper()
	video := packets(t, file, "v:0")
	return played{pictures: len(video), video: sum(video), audio: sum(packets(t, file, "a:0"))}
}

// packets are the durations of a track's packets.
func packets(t *testing.T, list, track string) (all []float64) {
	t.Helper()
	out, err := exec.Command(program(t, "ffprobe"), "-v", "error", "-select_streams", track, "-show_entries", "packet=duration_time", "-of", "csv=p=0", list).Output()
	if err != nil {
		t.Fatalf("ffprobe: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		seconds, err := strconv.ParseFloat(strings.Trim(line, ",\n"), 64)
		if err != nil {
			t.Fatalf("ffprobe says %q", line)
		}
		all = append(all, seconds)
	}
	return all
}

func sum(all []float64) (total float64) {
	for _, one := range all {
		total += one
	}
	return total
}

// TestRecording: what a key that records has sent is there, to the picture; what
// another has sent is not.
func TestRecording(t *testing.T) {
	t.Parallel()
	clip := cameraClip(t)
	dir := t.TempDir()
	w := start(t, dir, "--transcode.ladder", "source")
	recorded, private := w.makeKey(dir, "--record", "studio"), w.makeKey(dir, "private")
	pass(2500 * time.Millisecond) // a running gateway follows within 2 s
	const seconds = "13"
	sent := filepath.Join(dir, "sent.flv")
	if out, err := exec.Command(program(t, "ffmpeg"), "-nostdin", "-v", "error", "-i", clip, "-c", "copy", "-t", seconds, sent).CombinedOutput(); err != nil {
		t.Fatalf("cut what is sent: %v\n%s", err, out)
	}
	want := probe(t, sent)
	var publishers []*publisher
	for _, key := range []string{recorded, private} {
		publishers = append(publishers, w.publishTo(clip, "rtmp://"+w.rtmp+"/live/"+key, "-t", seconds))
	}
	eventually(t, 15*time.Second, "the API says what is being recorded", func() bool {
		studio, _ := w.get("/api/v1/streams/studio")
		other, _ := w.get("/api/v1/streams/private")
		return strings.Contains(studio, `"recording":{"started_at":"2`) && strings.Contains(other, `"recording":null`)
	})
	for _, p := range publishers {
		<-p.exited
	}
	r := finished(t, filepath.Join(dir, "recordings"))
	if r.Stream != "studio" || r.Missing != 0 || r.Interrupted {
		t.Errorf("%+v", r)
	}
	p := play(t, r)
	if p.pictures != want.pictures || math.Abs(p.audio-p.video) > 0.06 || math.Abs(r.Duration-float64(want.pictures)/30) > 0.01 || p.discontinuities != 0 {
		t.Errorf("of %+v there are %+v, %v s", want, p, r.Duration)
	}
	t.Logf("of %+v there are %+v, %v s", want, p, r.Duration)

	// One file of it, as docs/recording.md says.
	film := filepath.Join(dir, "film.mp4")
	if out, err := exec.Command(program(t, "ffmpeg"), "-nostdin", "-v", "error", "-i", filepath.Join(r.Path, "index.m3u8"), "-c", "copy", film).CombinedOutput(); err != nil {
		t.Errorf("make a film of it: %v\n%s", err, out)
	}
	out, err := exec.Command(program(t, "ffprobe"), "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", film).Output()
	length, _ := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil || math.Abs(length-r.Duration) > 0.15 {
		t.Errorf("the film has %v s, want %v: %v", length, r.Duration, err)
	}
}

// TestRecordingGoesOn: a publisher that is lost and comes back, and Weir killed in
// mid-stream.
func TestRecordingGoesOn(t *testing.T) {
	t.Parallel()
	clip := cameraClip(t)
	dir := t.TempDir()
	w := start(t, dir, "--transcode.ladder", "source")
	url := "rtmp://" + w.rtmp + "/live/" + w.makeKey(dir, "--record", "studio")
	pass(2500 * time.Millisecond)
	first := w.publishTo(clip, url)
	pass(7 * time.Second)
	first.kill()
	pass(6 * time.Second)
	second := w.publishTo(clip, url, "-t", "9")
	<-second.exited
	r := finished(t, filepath.Join(dir, "recordings"))
	p := play(t, r)
	// The last picture and the slate stand where the publisher was away.
	if r.Missing != 0 || p.discontinuities < 2 || p.video < 20 || math.Abs(p.video-float64(p.pictures)/30) > 0.1 || math.Abs(p.audio-p.video) > 0.3 {
		t.Errorf("%+v, %+v", r, p)
	}
	t.Logf("over a publisher's return there are %+v", p)

	watchRecording(t, r)

	if err := os.RemoveAll(r.Path); err != nil {
		t.Fatal(err)
	}
	w.publishTo(clip, url)
	pass(9 * time.Second)
	_ = w.process.Process.Kill()
	<-w.exited
	start(t, dir, "--transcode.ladder", "source")
	r = finished(t, filepath.Join(dir, "recordings"))
	p = play(t, r)
	if !r.Interrupted || p.pictures < 2*60 || math.Abs(p.video-r.Duration) > 0.05 {
		t.Errorf("after it was killed: %+v, %+v", r, p)
	}
	t.Logf("of 9 s until Weir was killed there are %+v", p)
}

// watchRecording plays a recording to its end in a browser, from a web server that
// knows nothing of it.
func watchRecording(t *testing.T, r recording) {
	t.Helper()
	files := http.FileServer(http.Dir(r.Path))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		files.ServeHTTP(w, q)
	}))
	defer server.Close()
	b := openBrowser(t)
	b.play("hls", server.URL+"/index.m3u8", nil)
	b.wait("hls", "window.report().playingAt", 20*time.Second)
	b.wait("hls", "window.report().ended", time.Duration(r.Duration+20)*time.Second)
	seen := b.report("hls")
	if len(seen.Errors) > 0 || math.Abs(seen.Time-r.Duration) > 8 || seen.Frames < int(r.Duration*20) {
		t.Errorf("hls.js has shown %d pictures up to %v s of %v: %v %v", seen.Frames, seen.Time, r.Duration, seen.Errors, seen.Notes)
	}
	t.Logf("hls.js has shown %d pictures up to %.1f s of %.1f, stalls %v, notes %v", seen.Frames, seen.Time, r.Duration, seen.Stalls, seen.Notes)
}

// TestRecordingDiskFull: a full disk costs the recording segments, and viewers
// nothing.
func TestRecordingDiskFull(t *testing.T) {
	t.Parallel()
	clip := cameraClip(t)
	disk := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=3m", "weir-test", disk).CombinedOutput(); err != nil {
		missing(t, fmt.Sprintf("the right to mount a small disk (%s)", strings.TrimSpace(string(out))))
	}
	dir := t.TempDir()
	w := start(t, dir, "--transcode.ladder", "source", "--recording.mode", "all", "--recording.directory", disk, "--recording.min-free", "0")
	t.Cleanup(func() {
		w.stop()
		if out, err := exec.Command("umount", disk).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	publisher := w.publishTo(clip, w.publishURL(), "-t", "25")
	eventually(t, 25*time.Second, "the disk is full", func() bool {
		status, _ := w.get("/api/v1/streams/main")
		return strings.Contains(status, `"trouble":"full"`)
	})
	<-publisher.exited
	listed := w.fetchWindow("source").text
	if strings.Contains(listed, "EXT-X-GAP") || strings.Contains(listed, "EXT-X-DISCONTINUITY\n") {
		t.Errorf("viewers noticed:\n%s", listed)
	}
	if status, _ := w.get("/api/v1/streams/main"); !strings.Contains(status, `"state":"ended"`) {
		t.Errorf("the stream is %s", status)
	}
	r := finished(t, disk)
	p := play(t, r)
	if p.pictures < 60 || r.Missing < 3 || math.Abs(p.video-r.Duration) > 0.05 {
		t.Errorf("of what had room there are %+v, %+v", r, p)
	}
	t.Logf("of what had room there are %+v, %+v", r, p)
}
