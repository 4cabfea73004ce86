package clipfile

import (
	"bytes"
	"context"
	"fmt"
	"image/color"
	"image/png"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/pkg/ingest"
	"weir/pkg/media"
	"weir/pkg/slate"
	"weir/pkg/transcode"
	"weir/pkg/transcode/libav"
)

// playWorker is what the test program is started with to be a real worker.
const playWorker = "play-the-worker"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == playWorker {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := libav.Worker(ctx, false); err != nil && ctx.Err() == nil {
			panic(err)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// made is a file that ffmpeg makes.
func made(t *testing.T, name string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	run(t, nil, append(args, path)...)
	return path
}

func run(t *testing.T, input []byte, args ...string) []byte {
	t.Helper()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("SKIPPED: ffmpeg is missing")
	}
	cmd := exec.CommandContext(t.Context(), ffmpeg, append([]string{"-v", "error", "-nostdin"}, args...)...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	if input != nil {
		cmd.Stdin = bytes.NewReader(input)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg %q: %v\n%s", args, err, problems.String())
	}
	return out
}

// inTurn are the arguments for a clip of colours that last so many seconds each.
func inTurn(size string, rate, seconds float64, colours ...string) []string {
	var args []string
	var inputs strings.Builder
	for i, c := range colours {
		args = append(args, "-f", "lavfi", "-i", fmt.Sprintf("color=c=%s:s=%s:r=%v:d=%v", c, size, rate, seconds))
		fmt.Fprintf(&inputs, "[%d:v]", i)
	}
	return append(args, "-filter_complex", fmt.Sprintf("%sconcat=n=%d:v=1,format=yuv420p[v]", inputs.String(), len(colours)), "-map", "[v]")
}

func h264() []string {
	return []string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "60"}
}

func rungOf(width, height int, rate media.Rational) transcode.Rung {
	source := &media.Track{
		Kind: media.Video, Codec: media.H264, Timescale: media.VideoTimescale,
		Width: width, Height: height, SampleAspect: media.Rational{Num: 1, Den: 1}, FrameRate: rate,
	}
	return transcode.TopRung(source, transcode.LadderConfig{Preset: "ultrafast"}, 0).AtFullRate(source)
}

// encode makes a whole loop, and returns how often it has grown, too.
func encode(t *testing.T, c slate.Clip, rung transcode.Rung, audio *media.Track) (whole *slate.Loop, grown int) {
	t.Helper()
	worker := transcode.Worker{Command: []string{os.Args[0], playWorker}, Log: slog.New(slog.DiscardHandler)}
	err := c.Encode(t.Context(), slate.Job{Worker: worker, Stream: "main", Rung: rung, Audio: audio}, func(l *slate.Loop) {
		whole = l
		grown++
	})
	if err != nil {
		t.Fatal(err)
	}
	return whole, grown
}

// annexB is the video of access units as a stream with start codes.
func annexB(units []media.AccessUnit) (stream []byte) {
	var track *media.Track
	for _, au := range units {
		if au.Track.Kind != media.Video {
			continue
		}
		data := au.Data
		if au.Track != track {
			track = au.Track
			config := track.Config
			sps := int(config[6])<<8 | int(config[7])
			pps := 8 + sps + 3
			data = append(bytes.Join([][]byte{
				{0, 0}, config[6 : 8+sps], {0, 0}, config[pps-2 : pps+(int(config[pps-2])<<8|int(config[pps-1]))],
			}, nil), data...)
		}
		for len(data) > 4 {
			size := int(data[0])<<24 | int(data[1])<<16 | int(data[2])<<8 | int(data[3])
			stream = append(append(stream, 0, 0, 0, 1), data[4:4+size]...)
			data = data[4+size:]
		}
	}
	return stream
}

// colours decodes pictures and returns the names of their colours in the middle, and
// at the left edge.
func colours(t *testing.T, units []media.AccessUnit, numbers ...int) (middle, edge []string) {
	t.Helper()
	stream := annexB(units)
	for _, n := range numbers {
		raw := run(t, stream, "-f", "h264", "-i", "-", "-vf", fmt.Sprintf("select=eq(n\\,%d)", n), "-frames:v", "1", "-f", "image2", "-c:v", "png", "-")
		picture, err := png.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("picture %d: %v", n, err)
		}
		size := picture.Bounds().Size()
		middle = append(middle, nameOf(picture.At(size.X/2, size.Y/2)))
		edge = append(edge, nameOf(picture.At(4, size.Y/2)))
	}
	return middle, edge
}

func nameOf(c color.Color) string {
	r, g, b, _ := c.RGBA()
	switch {
	case max(r, g, b) < 40<<8:
		return "black"
	case r > 2*max(g, b):
		return "red"
	case g > 2*max(r, b):
		return "green"
	case b > 2*max(r, g):
		return "blue"
	}
	return fmt.Sprint(r>>8, " ", g>>8, " ", b>>8)
}

// A clip at 25 frames per second and in 4:3 is shown at the source's rate, in order,
// with bars, with its sound in the parameters of the audio, and begins again without a
// hole.
func TestClipIsLooped(t *testing.T) {
	t.Parallel()
	const sine = "sine=f=440:d=4.8[a];anullsrc=r=32000:d=4.8[b]" // the second track is not heard
	path := made(t, "clip.mp4", append(append(inTurn("320x240", 25, 1.6, "red", "lime", "blue"),
		"-filter_complex", sine, "-map", "[a]", "-map", "[b]", "-c:a", "aac", "-ac", "1", "-ar", "32000"), h264()...)...)
	clip, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, audio := range []*media.Track{ingest.SilentTrack(44_100), mono()} {
		loop, grown := encode(t, clip, rungOf(640, 360, media.Rational{Num: 30_000, Den: 1001}), audio)
		if grown != 3 { // 4.8 s are three GOPs of 1.6 s
			t.Errorf("it has grown %d times", grown)
		}
		start := media.VideoTimescale.At(time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC))
		units := slate.NewSource(slate.Program{Loop: loop, Audio: audio}, start).Until(start + 10*90_000)
		middle, edge := colours(t, units, 0, 46, 49, 94, 97, 142, 145, 190, 193)
		if got := strings.Join(middle, " "); got != "red red green green blue blue red red green" {
			t.Errorf("it shows %s", got)
		}
		if got := strings.Join(edge, " "); strings.Trim(got, "black ") != "" {
			t.Errorf("its bars are %s", got)
		}
		expectSound(t, units, audio)
	}
}

func mono() *media.Track {
	return &media.Track{
		Kind: media.Audio, Codec: media.AAC, Timescale: 48_000, Config: ingest.LCConfig(48_000, 1), SampleRate: 48_000, Channels: 1,
	}
}

// expectSound decodes the audio: it is loud to its end, as a whole and in the middle of
// the second round, and gapless.
func expectSound(t *testing.T, units []media.AccessUnit, audio *media.Track) {
	t.Helper()
	var stream []byte
	var last media.Ticks
	index := map[int]byte{48_000: 3, 44_100: 4}[audio.SampleRate]
	for _, au := range units {
		if au.Track.Kind != media.Audio {
			continue
		}
		if au.Track != audio || last != 0 && au.PTS != last {
			t.Fatalf("audio at %d after %d, of %v", au.PTS, last, au.Track)
		}
		last = au.PTS + au.Duration
		size := len(au.Data) + 7 // ADTS
		stream = append(stream, 0xff, 0xf1, 1<<6|index<<2, byte(audio.Channels)<<6|byte(size>>11), byte(size>>3), byte(size<<5)|0x1f, 0xfc)
		stream = append(stream, au.Data...)
	}
	raw := run(t, stream, "-f", "aac", "-i", "-", "-f", "s16le", "-ac", "1", "-ar", "8000", "-")
	for second := range len(raw) / 16_000 {
		loudest := 0
		for i := second * 16_000; i+1 < (second+1)*16_000; i += 2 {
			loudest = max(loudest, int(int16(uint16(raw[i])|uint16(raw[i+1])<<8)))
		}
		if loudest < 2000 || loudest > 8000 { // ffmpeg's sine has an amplitude of an eighth
			t.Errorf("second %d of %d Hz with %d channels: the loudest sample is %d", second, audio.SampleRate, audio.Channels, loudest)
		}
	}
}

// The last picture of what a publisher sent is shown, and the slate after it.
func TestLastPictureIsShown(t *testing.T) {
	t.Parallel()
	path := made(t, "sent.mp4", append(inTurn("640x360", 30, 0.9, "red", "lime", "blue"), h264()...)...)
	sent, err := read(path)
	if err != nil {
		t.Fatal(err)
	}
	var gop []media.AccessUnit
	for _, au := range sent {
		if au.Track.Kind == media.Video && (au.Sync || len(gop) > 0) {
			if au.Sync {
				gop = nil
			}
			gop = append(gop, au)
		}
	}
	rung := rungOf(640, 360, media.Rational{Num: 30, Den: 1})
	audio := ingest.SilentTrack(48_000)
	const length = 3 * time.Second
	last, _ := encode(t, slate.Last(gop, length), rung, audio)
	after, _ := encode(t, slate.Clip{}, rung, audio)
	start := media.Ticks(100 * 90_000)
	s := slate.NewSource(slate.Program{First: last, Rounds: slate.Rounds(length), Loop: after, Audio: audio}, start)
	units := append(s.Until(start+2*90_000), s.Until(start+8*90_000)...)
	middle, _ := colours(t, units, 0, 1, 44, 45, 89)
	if got := strings.Join(middle, " "); got != "blue blue blue blue blue" {
		t.Errorf("the last picture is %s", got)
	}
	if middle, _ = colours(t, units, 90, 149, 200); strings.Contains(strings.Join(middle, ""), "blue") {
		t.Errorf("the slate is %q", middle)
	}
	// Without a slate it stays, until there is one.
	s = slate.NewSource(slate.Program{First: last, Rounds: 1, Audio: audio}, start)
	units = s.Until(start + 8*90_000)
	s.Follow(after)
	units = append(units, s.Until(start+12*90_000)...)
	if middle, _ = colours(t, units, 239, 300); middle[0] != "blue" || middle[1] == "blue" {
		t.Errorf("a slate that comes late: %q", middle)
	}
}

func TestBadClipsAreRefusedInWords(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "slate.txt")
	huge := filepath.Join(t.TempDir(), "huge.mp4")
	for path, size := range map[string]int64{text: 20, huge: 40 << 20} {
		if err := os.WriteFile(path, []byte("be back soon, really"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
	}
	sound := made(t, "sound.mp4", "-f", "lavfi", "-i", "sine=d=3", "-c:a", "aac")
	long := made(t, "long.mp4", append(inTurn("64x64", 5, 70, "red"), h264()...)...)
	short := made(t, "short.mp4", append(inTurn("64x64", 25, 0.4, "red"), h264()...)...)
	for path, want := range map[string]string{
		text:                                   "neither an FLV nor an MP4",
		huge:                                   "larger than 32 MiB",
		sound:                                  "has no video",
		long:                                   "longer than 60 s",
		short:                                  "a second long at least",
		filepath.Join(t.TempDir(), "none.mp4"): "no such file",
	} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("%s: %v, want %q", filepath.Base(path), err, want)
		}
	}
}
