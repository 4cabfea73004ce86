package ingest_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"testing"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// adts puts the header before each frame that a bare AAC stream needs
// (ISO/IEC 14496-3, 1.A.3.2).
func adts(t *testing.T, rateIndex, channels, frames int, frame []byte) []byte {
	t.Helper()
	size := len(frame) + 7
	header := []byte{
		0xff, 0xf1, byte(1<<6 | rateIndex<<2 | channels>>2),
		byte(channels<<6 | size>>11), byte(size >> 3), byte(size<<5 | 0x1f), 0xfc,
	}
	return bytes.Repeat(append(header, frame...), frames)
}

func TestSilentFramesDecodeToSilence(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("SKIPPED LOUDLY: ffmpeg is not installed, so the silent AAC frames are not decoded")
	}
	for _, rate := range []struct{ index, hertz int }{{0, 96_000}, {3, 48_000}, {4, 44_100}, {6, 24_000}, {11, 8000}} {
		for _, channels := range []int{1, 2} {
			t.Run(fmt.Sprintf("%d Hz, %d channels", rate.hertz, channels), func(t *testing.T) {
				const frames = 20
				cmd := exec.CommandContext(t.Context(), ffmpeg, "-v", "warning", "-err_detect", "explode",
					"-f", "aac", "-i", "pipe:0", "-f", "s16le", "pipe:1")
				cmd.Stdin = bytes.NewReader(adts(t, rate.index, channels, frames, ingest.SilentFrame(channels)))
				var pcm, messages bytes.Buffer
				cmd.Stdout, cmd.Stderr = &pcm, &messages
				if err := cmd.Run(); err != nil || messages.Len() > 0 {
					t.Fatalf("decode: %v: %s", err, &messages)
				}
				if want := frames * 1024 * channels * 2; pcm.Len() != want {
					t.Errorf("%d bytes of samples, want %d", pcm.Len(), want)
				}
				if loud := bytes.Trim(pcm.Bytes(), "\x00"); len(loud) > 0 {
					t.Errorf("%d bytes are not silent", len(loud))
				}
			})
		}
	}
}

func TestSilentTrackIsPlain(t *testing.T) {
	track := ingest.SilentTrack(48_000)
	if !ingest.PlainAAC(track) || track.FrameDuration() != 1024 || track.Timescale != media.Timescale(48_000) {
		t.Fatalf("%+v", track)
	}
}
