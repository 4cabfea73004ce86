package slate_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
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

func worker() transcode.Worker {
	return transcode.Worker{Command: []string{os.Args[0], playWorker}, Log: slog.New(slog.DiscardHandler)}
}

func rungOf(width, height int, rate media.Rational) transcode.Rung {
	source := &media.Track{
		Kind: media.Video, Codec: media.H264, Timescale: media.VideoTimescale,
		Width: width, Height: height, SampleAspect: media.Rational{Num: 1, Den: 1}, FrameRate: rate,
	}
	return transcode.TopRung(source, transcode.LadderConfig{Preset: "ultrafast"}, 0).AtFullRate(source)
}

// encode makes a whole loop.
func encode(t *testing.T, c slate.Clip, rung transcode.Rung, audio *media.Track) *slate.Loop {
	t.Helper()
	var whole *slate.Loop
	if err := c.Encode(t.Context(), slate.Job{Worker: worker(), Stream: "main", Rung: rung, Audio: audio}, func(l *slate.Loop) {
		if whole != nil && whole.Whole {
			t.Error("a loop that was whole has grown")
		}
		whole = l
	}); err != nil {
		t.Fatal(err)
	}
	if whole == nil || !whole.Whole {
		t.Fatal("the loop is not whole")
	}
	return whole
}

// silent is a source of one loop and no sound.
func silent(loop *slate.Loop, rate int, start media.Ticks) *slate.Source {
	return slate.NewSource(slate.Program{Loop: loop, Audio: ingest.SilentTrack(rate)}, start)
}

// save writes a picture of one colour to a file.
func save(t *testing.T, name string, encode func(*bytes.Buffer, image.Image) error, picture image.Image) string {
	t.Helper()
	var out bytes.Buffer
	if err := encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// shown decodes a picture of a loop with ffmpeg and returns the colours in the
// middle and at the left edge.
func shown(t *testing.T, s *slate.Source, number, width, height int) (middle, edge color.RGBA) {
	t.Helper()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("SKIPPED: ffmpeg is missing")
	}
	stream := annexB(t, s)
	cmd := exec.Command(ffmpeg, "-v", "error", "-f", "h264", "-i", "-", "-vf", fmt.Sprintf("select=eq(n\\,%d)", number), "-frames:v", "1", "-f", "image2", "-c:v", "png", "-")
	cmd.Stdin = bytes.NewReader(stream)
	raw, err := cmd.Output()
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size.X != width || size.Y != height {
		t.Fatalf("the slate has %v, want %dx%d", size, width, height)
	}
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA) }
	return at(width/2, height/2), at(4, height/2)
}

// annexB is the source's first four seconds as a stream with start codes.
func annexB(t *testing.T, s *slate.Source) (stream []byte) {
	t.Helper()
	startCode := []byte{0, 0, 0, 1}
	config := s.Video().Config
	sps := int(config[6])<<8 | int(config[7])
	pps := 8 + sps + 3
	stream = append(append(stream, startCode...), config[8:8+sps]...)
	stream = append(append(stream, startCode...), config[pps:pps+(int(config[pps-2])<<8|int(config[pps-1]))]...)
	for _, au := range s.Until(5 * 90_000) {
		if au.Track.Kind != media.Video {
			continue
		}
		for data := au.Data; len(data) > 4; {
			size := int(data[0])<<24 | int(data[1])<<16 | int(data[2])<<8 | int(data[3])
			stream = append(append(stream, startCode...), data[4:4+size]...)
			data = data[4+size:]
		}
	}
	return stream
}

func near(a, b color.RGBA) bool {
	off := func(a, b uint8) bool { return a > b+12 || b > a+12 }
	return !off(a.R, b.R) && !off(a.G, b.G) && !off(a.B, b.B)
}

func TestSlateShowsThePicture(t *testing.T) {
	t.Parallel()
	const side = 64
	red, black := color.RGBA{200, 30, 30, 255}, color.RGBA{0, 0, 0, 255}
	plain := image.NewRGBA(image.Rect(0, 0, side, side))
	few := image.NewPaletted(plain.Bounds(), color.Palette{color.RGBA{255, 255, 255, 255}, red})
	for i := range few.Pix {
		plain.Set(i%side, i/side, red)
		few.Pix[i] = 1
	}
	ofPNG := func(out *bytes.Buffer, p image.Image) error { return png.Encode(out, p) }
	ofJPEG := func(out *bytes.Buffer, p image.Image) error { return jpeg.Encode(out, p, nil) }
	for name, c := range map[string]struct {
		path         string
		middle, edge color.RGBA
	}{
		"built in": {middle: color.RGBA{0xc8, 0xd6, 0xe2, 255}, edge: color.RGBA{0x14, 0x1b, 0x24, 255}},
		"png":      {path: save(t, "a.png", ofPNG, plain), middle: red, edge: black},
		"palette":  {path: save(t, "b.png", ofPNG, few), middle: red, edge: black},
		"jpeg":     {path: save(t, "c.jpg", ofJPEG, plain), middle: red, edge: black},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var picture slate.Clip
			if c.path != "" {
				var err error
				if picture, err = slate.OpenPicture(c.path); err != nil {
					t.Fatal(err)
				}
			}
			loop := encode(t, picture, rungOf(640, 360, media.Rational{Num: 30_000, Den: 1001}), nil)
			for _, number := range []int{0, 1, 59, 90} {
				middle, edge := shown(t, silent(loop, 48_000, 90_000), number, 640, 360)
				if !near(middle, c.middle) || !near(edge, c.edge) {
					t.Errorf("picture %d: in the middle %v, want %v; at the edge %v, want %v", number, middle, c.middle, edge, c.edge)
				}
			}
		})
	}
}

// A source is gapless on both tracks, interleaved by time, with a keyframe every
// segment, however often it is asked.
func TestSourceGoesOn(t *testing.T) {
	t.Parallel()
	for _, rate := range []media.Rational{{Num: 25, Den: 1}, {Num: 60_000, Den: 1001}, {}} {
		t.Run(fmt.Sprint(rate.Float()), func(t *testing.T) {
			t.Parallel()
			loop := encode(t, slate.Clip{}, rungOf(320, 180, rate), nil)
			if loop.Track.FrameRate != rate {
				t.Errorf("frame rate %v, want the source's %v", loop.Track.FrameRate, rate)
			}
			start := media.VideoTimescale.At(time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC))
			s := silent(loop, 44_100, start)
			end := map[media.Kind]media.Ticks{media.Video: start, media.Audio: media.Rescale(start, 90_000, 44_100)}
			var key, last media.Ticks
			for to := start; to < start+20*90_000; to += 7_000 {
				for _, au := range s.Until(to) {
					scale := au.Track.Timescale
					if au.DTS != au.PTS || au.DTS < end[au.Track.Kind] || au.DTS > end[au.Track.Kind]+media.Ticks(scale)/1000 && au.Track.Kind == media.Audio {
						t.Fatalf("%s at %d, the last ended at %d", au.Track.Kind, au.DTS, end[au.Track.Kind])
					}
					at := media.Rescale(au.DTS, scale, media.VideoTimescale)
					if at >= to || at < last-4000 {
						t.Fatalf("a unit at %d when those before %d were asked for, after one at %d", at-start, to-start, last-start)
					}
					last = at
					end[au.Track.Kind] = au.DTS + au.Duration
					if au.Track.Kind == media.Video && au.Sync {
						if d := media.VideoTimescale.Duration(at - key); key != 0 && (d < 1990*time.Millisecond || d > 2010*time.Millisecond) {
							t.Fatalf("keyframes %v apart", d)
						}
						key = at
					}
				}
			}
		})
	}
}

func TestBadPicturesAreRefusedInWords(t *testing.T) {
	t.Parallel()
	huge := image.NewGray(image.Rect(0, 0, 5000, 10))
	ofPNG := func(out *bytes.Buffer, p image.Image) error { return png.Encode(out, p) }
	text := filepath.Join(t.TempDir(), "slate.txt")
	large := filepath.Join(t.TempDir(), "large.png")
	var padded bytes.Buffer
	if err := png.Encode(&padded, image.NewGray(image.Rect(0, 0, 64, 64))); err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{text: []byte("be back soon"), large: append(padded.Bytes(), make([]byte, 5<<20)...)} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		filepath.Join(t.TempDir(), "none.png"): "no such file",
		text:                                   slate.ErrNoPicture.Error(),
		large:                                  "larger than 4 MiB",
		save(t, "huge.png", ofPNG, huge):       "size of your stream",
	} {
		if _, err := slate.OpenPicture(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", filepath.Base(path), err, want)
		}
	}
}
