package gateway

import (
	"bytes"
	"context"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"weir/pkg/api"
	"weir/pkg/publish"
)

// TestCounterWraps publishes with times that begin a few seconds before the protocol's
// counter begins anew. Pictures and sound go on as evenly as before, without a
// discontinuity, and the wrap is counted.
func TestCounterWraps(t *testing.T) {
	t.Parallel()
	const before = 4 // seconds
	clip := recording(t, "-f lavfi -i testsrc2=size=320x180:rate=30 -f lavfi -i sine=sample_rate=48000 -t 40"+
		" -c:v libx264 -preset ultrafast -bf 2 -pix_fmt yuv420p -g 60 -keyint_min 60 -sc_threshold 0 -b:v 300k -c:a aac")
	for name, send := range map[string]func(ctx context.Context, r *running, key string) error{
		"RTMP, 32 bits": func(ctx context.Context, r *running, key string) error {
			return publish.Run(ctx, publish.Options{
				File: clip, URL: "rtmp://" + r.addresses.RTMP + "/live/" + key, From: math.MaxUint32 - 1000*before,
			})
		},
		"RTMP as FFmpeg and OBS write it, 31 bits": func(ctx context.Context, r *running, key string) error {
			return ffmpeg(ctx, clip, math.MaxInt32/1000-before, "flv", "rtmp://"+r.addresses.RTMP+"/live/"+key)
		},
		"MPEG-TS over SRT, 33 bits": func(ctx context.Context, r *running, key string) error {
			const wrap = 95443 // seconds, and a half: 2^33 at 90 kHz
			// MPEG-TS as ffmpeg writes it is 1.4 s behind.
			return ffmpeg(ctx, clip, wrap-before-1, "mpegts", "srt://"+r.addresses.SRT+"?streamid="+key)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(name, "SRT") {
				canCallSRT(t)
			}
			r := startGateway(t, "transcode: {ladder: source}\n")
			key := r.makeKey(`{"stream":"nature"}`)
			ctx, leave := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- send(ctx, r, key.Secret) }()
			defer func() {
				leave()
				if err := <-ended; err != nil {
					t.Errorf("the publisher: %v", err)
				}
			}()
			var seen map[string]uint64
			r.until("the wrap", func(st api.StreamStatus) bool {
				seen = st.Repairs
				return seen["wraps"] == 1
			})
			began := strings.Count(r.playlist(), "#EXTINF")
			r.until("what follows the wrap", func(api.StreamStatus) bool {
				return strings.Count(r.playlist(), "#EXTINF") >= max(began+2, 5)
			})
			if text := r.text("/metrics"); !strings.Contains(text, `weir_stream_timestamp_repairs{kind="wraps",stream="nature"} 1`) {
				t.Errorf("the metrics lack the wrap:\n%s", text)
			}
			for _, kind := range []string{"jumps", "track_jumps", "blips", "restarts", "duplicates", "unusable", "silence_inserted", "audio_dropped"} {
				if n := seen[kind]; n > 0 {
					t.Errorf("%d %s", n, kind)
				}
			}
			if list := r.playlist(); strings.Contains(list, "DISCONTINUITY\n") || strings.Contains(list, "EXT-X-GAP") {
				t.Errorf("viewers notice:\n%s", list)
			}
			r.expectEven("source", "v:0", 1.0/30)
			r.expectEven("audio", "a:0", 1024.0/48_000)
		})
	}
}

// ffmpeg publishes a clip with times that begin at so many seconds.
func ffmpeg(ctx context.Context, clip string, from int, format, url string) error {
	err := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-nostdin", "-re", "-i", clip, "-c", "copy",
		"-output_ts_offset", strconv.Itoa(from), "-f", format, url).Run()
	if ctx.Err() == nil {
		return err
	}
	return nil // it was to end.
}

// expectEven decodes a rendition of stream nature from its first listed segment on, and
// holds that its frames follow each other at the same distance.
func (r *running) expectEven(rendition, track string, apart float64) {
	r.t.Helper()
	var file bytes.Buffer
	base := "http://" + r.addresses.HTTP + "/live/nature/" + rendition + "/"
	list := fetched(r.t, base+"index.m3u8?ll=0")
	pieces := regexp.MustCompile(`(?m)^#EXT-X-MAP:URI="([^"]+)"$|^([^#\s]\S*)$`).FindAllStringSubmatch(string(list), -1)
	for _, m := range pieces {
		file.Write(fetched(r.t, base+m[1]+m[2]))
	}
	path := filepath.Join(r.t.TempDir(), rendition+".mp4")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		r.t.Fatal(err)
	}
	out, err := exec.CommandContext(r.t.Context(), "ffprobe", "-v", "error", "-select_streams", track,
		"-show_entries", "frame=pts_time", "-of", "csv=p=0", path).CombinedOutput()
	if err != nil {
		r.t.Fatalf("decode %s: %v: %s", rendition, err, out)
	}
	var times []float64
	for field := range strings.FieldsFuncSeq(string(out), func(c rune) bool { return c == '\n' || c == ',' }) {
		at, err := strconv.ParseFloat(field, 64)
		if err != nil {
			r.t.Fatalf("decode %s: %s", rendition, out)
		}
		times = append(times, at)
	}
	slices.Sort(times)
	if least := int(8 / apart); len(times) < least {
		r.t.Errorf("%s: only %d frames of %d segments", rendition, len(times), len(pieces)-1)
	}
	for i := 1; i < len(times); i++ {
		// Media time is slewed to the clock in steps of a millisecond.
		if step := times[i] - times[i-1]; math.Abs(step-apart) > 0.0021 {
			r.t.Errorf("%s: frame %d comes %.1f ms after the one before", rendition, i, 1000*step)
		}
	}
}

func fetched(t *testing.T, url string) []byte {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", url, res.Status, err)
	}
	return body
}
