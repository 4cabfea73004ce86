package publish

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// clips is the folder of real clips beside the checkout.
const clips = "../../../shared/media"

func clipPath(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(clips, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("SKIPPED: the clip %s is missing; nothing was tested: %v", name, err)
	}
	return path
}

// readAll opens a clip and reads one round of it.
func readAll(t *testing.T, path string) (packets []packet, whole timing) {
	t.Helper()
	c, file, err := openFile(path)
	require.NoError(t, err)
	defer file.Close()
	for {
		p, err := c.next()
		if errors.Is(err, io.EOF) {
			return packets, c.timing()
		}
		require.NoError(t, err)
		packets = append(packets, p)
	}
}

// only keeps the packets of one kind that are no headers, with final times.
func only(packets []packet, k kind) (kept []packet) {
	clock := pace{}
	for _, p := range packets {
		if p.kind == k && !p.header {
			p.body = bytes.Clone(p.body)
			clock.stamp(&p)
			kept = append(kept, p)
		}
	}
	return kept
}

// TestMP4AgainstFFmpeg has ffmpeg copy MP4 clips into FLV, and compares what
// both readers make of them: the same bodies in the same order at the same
// times.
func TestMP4AgainstFFmpeg(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("SKIPPED: there is no ffmpeg to compare with; nothing was tested")
	}
	for _, name := range []string{
		"src_bee_720p30.mp4", "src_butterfly_720p30.mp4", "wave_croatia_1080p25.mp4", "portrait_720x1280_30.mp4",
		"bbb_480p24_aac51.mp4", "opengop_bframes_720p30_44k1.mp4", "vfr_720p.mp4",
	} {
		for _, fragmented := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				clip := clipPath(t, name)
				if fragmented {
					original := clip
					clip = filepath.Join(t.TempDir(), "fragmented.mp4")
					run(t, ffmpeg, "-i", original, "-c", "copy", "-movflags", "frag_keyframe+empty_moov+default_base_moof", clip)
				}
				copied := filepath.Join(t.TempDir(), "copy.flv")
				run(t, ffmpeg, "-i", clip, "-c", "copy", copied)
				want, _ := readAll(t, copied)
				got, _ := readAll(t, clip)
				compare(t, only(want, kindVideo), only(got, kindVideo))
				compare(t, only(want, kindAudio), only(got, kindAudio))
				wantVideo, wantAudio := ends(want)
				gotVideo, gotAudio := ends(got)
				if wantAudio >= 0 {
					require.InDelta(t, wantAudio-wantVideo, gotAudio-gotVideo, float64(time.Millisecond), "audio moved against video")
				}
			})
		}
	}
}

func run(t *testing.T, ffmpeg string, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), ffmpeg, append([]string{"-v", "error", "-nostdin"}, arguments...)...)
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
}

func compare(t *testing.T, want, got []packet) {
	t.Helper()
	if len(want) == len(got)+1 && want[0].kind == kindAudio {
		want = want[1:] // ffmpeg keeps the frame that only primes the decoder.
	}
	if len(got) != len(want) {
		t.Fatalf("%d packets instead of %d", len(got), len(want))
	}
	for i := range want {
		require.Equal(t, want[i].key, got[i].key, "packet %d", i)
		offsetWant, offsetGot := composition(want[i]), composition(got[i])
		require.InDelta(t, offsetWant, offsetGot, 1, "composition offset of packet %d", i)
		if want[i].kind == kindVideo {
			require.True(t, bytes.Equal(want[i].body[5:], got[i].body[5:]), "body of packet %d", i)
		} else {
			require.True(t, bytes.Equal(want[i].body[2:], got[i].body[2:]), "body of packet %d", i)
		}
		require.InDelta(t, want[i].time-want[0].time, got[i].time-got[0].time, float64(1100*time.Microsecond), "time of packet %d", i)
	}
}

func composition(p packet) int32 {
	if p.kind != kindVideo {
		return 0
	}
	return int32(uint32(p.body[2])<<24|uint32(p.body[3])<<16|uint32(p.body[4])<<8) >> 8
}

// ends are the presentation time of the first picture and of the last audio
// frame; -1 where there is no such track.
func ends(packets []packet) (video, audio time.Duration) {
	video, audio = -1, -1
	if v := only(packets, kindVideo); len(v) > 0 {
		video = v[0].time + time.Duration(composition(v[0]))*time.Millisecond
	}
	if a := only(packets, kindAudio); len(a) > 0 {
		audio = a[len(a)-1].time
	}
	return video, audio
}

// TestTimingOfRealClips holds the length of a round, on which a loop relies,
// to what is known of the clips.
func TestTimingOfRealClips(t *testing.T) {
	for name, want := range map[string]time.Duration{
		"camera_1080p30_6M_cbr.flv": 31 * time.Second,
		"camera_720p60_4M_cbr.flv":  20 * time.Second,
		"src_bee_720p30.mp4":        121 * 1001 * time.Second / 30_000,
		"wave_croatia_1080p25.mp4":  8 * time.Second,
		"bbb_480p24_aac51.mp4":      30 * time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			packets, whole := readAll(t, clipPath(t, name))
			require.InDelta(t, want, whole.length, float64(time.Microsecond), "%d pictures", len(only(packets, kindVideo)))
			if name != "wave_croatia_1080p25.mp4" {
				require.InDelta(t, 1024.0/48_000, whole.audioFrame.Seconds(), 1e-6)
			}
		})
	}
}

// TestOtherCodecsAreNamed: HEVC and AV1 go out as Enhanced RTMP has them.
func TestOtherCodecsAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		fourCC string
		place  int
	}{"hevc_720p30.mp4": {"hvc1", 5}, "av1_720p30.mp4": {"av01", 0}} {
		t.Run(name, func(t *testing.T) {
			packets, _ := readAll(t, clipPath(t, name))
			require.Equal(t, "\x90"+c.fourCC, string(packets[1].body[:5]))
			pictures, keys := only(packets, kindVideo), 0
			for _, p := range pictures {
				require.Equal(t, c.fourCC, string(p.body[1:5]))
				require.Equal(t, c.place, p.place)
				if p.key {
					keys++
					require.EqualValues(t, 0x91, p.body[0])
				}
			}
			require.EqualValues(t, 0x91, pictures[0].body[0])
			require.InDelta(t, len(pictures)/60, keys, 1)
		})
	}
}

func TestFilesThatAreNoClips(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{"empty.flv": "", "text.mp4": "this is a text, not a clip", "short.flv": "FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"} {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, _, err := openFile(path)
		require.Error(t, err, name)
		t.Log(err)
	}
	_, _, err := openFile(filepath.Join(folder, "nowhere"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
