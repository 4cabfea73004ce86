//go:build e2e

package e2e

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/internal/badnet"
)

// coded makes a clip with an encoder that not every ffmpeg has.
func coded(t *testing.T, name, encoder string, arguments ...string) string {
	t.Helper()
	if out, err := exec.Command(program(t, "ffmpeg"), "-v", "error", "-h", "encoder="+encoder).CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "Encoder ") {
		missing(t, "an ffmpeg with "+encoder)
	}
	source := filepath.Join(media, "camera_1080p30_6M_cbr.flv")
	if _, err := os.Stat(source); err != nil {
		missing(t, source)
	}
	return cached(t, name, append([]string{"-i", source, "-t", "20"}, arguments...)...)
}

func hevcClip(t *testing.T) string {
	t.Helper()
	return coded(t, "hevc-360p30-20s.mp4", "libx265", "-vf", "scale=640:360", "-c:v", "libx265", "-preset", "ultrafast",
		"-x265-params", "log-level=error:keyint=60:min-keyint=60:scenecut=0:open-gop=0", "-b:v", "600k", "-tag:v", "hvc1", "-c:a", "aac", "-ac", "2")
}

func av1Clip(t *testing.T) string {
	t.Helper()
	return coded(t, "av1-360p30-20s.mp4", "libsvtav1", "-vf", "scale=640:360", "-c:v", "libsvtav1", "-preset", "12", "-g", "60",
		"-b:v", "600k", "-c:a", "aac", "-ac", "2")
}

// variantOf is the line of the multivariant playlist that names a codec.
func (w *weir) variantOf(codec string) string {
	text, _ := fetch(w.t, w.url("index.m3u8"))
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#EXT-X-STREAM-INF") && strings.Contains(line, codec) {
			return line
		}
	}
	return ""
}

// TestHEVCSource: browsers without HEVC play the H.264 ladder, and the source is
// offered to the others, as the rules want.
func TestHEVCSource(t *testing.T) {
	t.Parallel()
	clip := hevcClip(t)
	b := openBrowser(t)
	w := start(t, t.TempDir())
	w.openPlayers(b, nil)
	w.publishForEver(clip)
	for player := range players() {
		b.wait(player, "window.report().playingAt", 20*time.Second)
	}
	verified(t, w)
	expectSmooth(t, b)
	if line := w.variantOf("hvc1.1.6.L"); !strings.Contains(line, "RESOLUTION=640x360") {
		t.Errorf("the variant of HEVC is %q", line)
	}
	if top := w.variantOf("avc1."); top == "" {
		t.Error("there is no H.264 ladder")
	}
	for player := range players() {
		if got := b.report(player).Rungs; slices.Contains(got, 0) || len(got) == 0 {
			t.Errorf("%s offers %v", player, got)
		}
	}
	checkOriginal(t, w)
}

// TestAV1Source: a browser with AV1 plays the source itself when asked to, goes
// back to the ladder, and to the source again.
func TestAV1Source(t *testing.T) {
	t.Parallel()
	clip := av1Clip(t)
	b := openBrowser(t)
	w := start(t, t.TempDir())
	w.openPlayers(b, url.Values{"codec": {"av01"}}) // Shaka chooses once and for all
	w.publishForEver(clip)
	for player := range players() {
		b.wait(player, "window.report().playingAt", 20*time.Second)
	}
	verified(t, w)
	expectSmooth(t, b)
	b.wait("shaka", `player.getVariantTracks().find((t) => t.active)?.videoCodec.startsWith("av01")`, time.Second)
	if line := w.variantOf("av01.0."); !strings.Contains(line, "RESOLUTION=640x360") {
		t.Errorf("the variant of AV1 is %q", line)
	}
	for _, codec := range []string{"av01", "avc1", "av01"} {
		b.evaluate("hls", `window.excuse(10000), hls.nextLevel = hls.levels.findIndex((level) => level.videoCodec.startsWith("`+codec+`")), null`, nil)
		b.wait("hls", `hls.levels[hls.currentLevel]?.videoCodec.startsWith("`+codec+`")`, 15*time.Second)
		before := b.report("hls")
		b.wait("hls", "window.video.currentTime > "+itoa(int(before.Time)+4), 20*time.Second)
		if r := b.report("hls"); len(r.Errors) > 0 || r.Frames <= before.Frames {
			t.Errorf("hls.js with %s: %d frames after %d, errors %v", codec, r.Frames, before.Frames, r.Errors)
		}
	}
	checkOriginal(t, w)
}

// checkOriginal has ffmpeg decode what is offered beside the ladder.
func checkOriginal(t *testing.T, w *weir) {
	t.Helper()
	original := w.fetchWindow("original")
	for _, s := range original.segments {
		if s.extinf < 1.9 || s.extinf > 2.1 {
			t.Errorf("segment %d of the original lasts %.3f s", s.msn, s.extinf)
		}
	}
	decoded(t, original.save(t), "-f", "null", "-")
}

// TestOtherAudio: what is not AAC-LC is encoded once for all. What comes over SRT is
// encrypted, on a network that loses packets, of which nothing is left for viewers.
func TestOtherAudio(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		encoder string
		options []string
		// lost is the share of SRT's packets; RTMP has none.
		lost float64
	}{
		"Opus over RTMP": {encoder: "libopus"},
		"FLAC over RTMP": {encoder: "flac", options: []string{"-strict", "-2"}},
		"AC-3 over SRT":  {encoder: "ac3", lost: 0.02},
		"Opus over SRT":  {encoder: "libopus", lost: 0.05},
		"MP3 over SRT":   {encoder: "libmp3lame", lost: 0.05},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			picture := append([]string{"-vf", "scale=640:360"}, small(60)...)
			clip := coded(t, c.encoder+"-360p30-20s.mp4", c.encoder, append(append(picture, "-c:a", c.encoder), c.options...)...)
			w := start(t, t.TempDir(), "--transcode.ladder", "source", "--srt.passphrase", srtPassphrase)
			if c.lost > 0 {
				w.sendForEver(clip, badnet.Conditions{Loss: c.lost, Delay: 10 * time.Millisecond})
			} else {
				w.publishForEver(clip)
			}
			eventually(t, 20*time.Second, "the stream is live", func() bool { return w.state() == "live" })
			pass(5 * time.Second)
			verified(t, w)
			sound := w.fetchWindow("audio")
			if got := probed(t, sound, "codec_name"); got != "aac" {
				t.Errorf("viewers get %s", got)
			}
			source{}.expectSound(t, sound)
			if c.lost > 0 {
				w.checkLink()
				decoded(t, w.fetchWindow("source").save(t), "-f", "null", "-")
			}
		})
	}
}

// TestHEVCOverSRT: in MPEG-TS, HEVC becomes what it becomes over RTMP.
func TestHEVCOverSRT(t *testing.T) {
	t.Parallel()
	clip := hevcClip(t)
	w := start(t, t.TempDir(), "--transcode.ladder", "240p", "--srt.passphrase", srtPassphrase)
	w.sendForEver(clip, badnet.Conditions{Loss: 0.05, Delay: 10 * time.Millisecond})
	eventually(t, 20*time.Second, "the stream is live", func() bool { return w.state() == "live" })
	pass(5 * time.Second)
	verified(t, w)
	w.checkLink()
	if line := w.variantOf("hvc1.1.6.L"); !strings.Contains(line, "RESOLUTION=640x360") {
		t.Errorf("the variant of HEVC is %q", line)
	}
	if w.variantOf("avc1.") == "" {
		t.Error("there is no H.264 ladder")
	}
	checkOriginal(t, w)
}
