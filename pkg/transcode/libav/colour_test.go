package libav

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"weir/pkg/transcode"
)

// barColours are muted, side by side: grey and black tell the range, the rest
// the matrix.
func barColours() [][3]byte {
	return [][3]byte{
		{191, 191, 191},
		{191, 191, 0},
		{0, 191, 191},
		{0, 191, 0},
		{191, 0, 191},
		{191, 0, 0},
		{0, 0, 191},
		{0, 0, 0},
		{102, 64, 40},
		{40, 102, 64},
	}
}

// colourFrames is how many pictures a colour bar source has.
const colourFrames = 8

// writeBars makes a file of RGB pictures.
func writeBars(t *testing.T, s shape) string {
	t.Helper()
	colours := barColours()
	var line []byte
	for x := range s.width {
		c := colours[x*len(colours)/s.width]
		line = append(line, c[:]...)
	}
	path := filepath.Join(t.TempDir(), "bars.rgb")
	if err := os.WriteFile(path, bytes.Repeat(line, s.height*colourFrames), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// readBars decodes the last picture of a file the way that matrix and span say,
// and returns the colour in the middle of each bar.
func readBars(t *testing.T, path string, s shape, matrix, span string) (colours [][3]byte) {
	t.Helper()
	raw := ffmpeg(t, "-i", path, "-vf", "scale=in_color_matrix="+matrix+":in_range="+span+":out_range=pc:flags=accurate_rnd+full_chroma_int+bicubic,format=rgb24",
		"-f", "rawvideo", "-pix_fmt", "rgb24", "-")
	picture := raw[len(raw)-3*s.width*s.height:]
	n := len(barColours())
	for i := range n {
		at := 3 * (s.height/2*s.width + (2*i+1)*s.width/(2*n))
		colours = append(colours, [3]byte(picture[at:at+3]))
	}
	return colours
}

// colourCase is a source whose matrix and span (the range) are these, in libav's
// words, and that says so unless unspecified.
type colourCase struct {
	size         shape
	format       string
	matrix, span string
	unspecified  bool
	encoder      string
	// says is what the rungs have to say, if not the source's words.
	says string
}

func (c colourCase) String() string {
	silence := ""
	if c.unspecified {
		silence = ", not said"
	}
	return fmt.Sprintf("%s %dx%d %s %s %s%s", c.encoder, c.size.width, c.size.height, c.format, c.matrix, c.span, silence)
}

// source makes the clip.
func (c colourCase) source(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "source.mp4")
	args := []string{
		"-f", "rawvideo", "-pix_fmt", "rgb24", "-s", fmt.Sprintf("%dx%d", c.size.width, c.size.height), "-r", "30", "-i", writeBars(t, c.size),
	}
	switch {
	case c.format == "gbrp":
		args = append(args, "-c:v", "libx264rgb", "-preset", "ultrafast", "-crf", "8", "-pix_fmt", "rgb24")
	case c.unspecified:
		args = append(args, "-vf", "scale=out_color_matrix="+c.matrix+":out_range="+c.span+",format="+c.format, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "8",
			"-bsf:v", "h264_metadata=colour_primaries=2:transfer_characteristics=2:matrix_coefficients=2")
	default:
		args = append(args, "-vf", "scale=out_color_matrix="+c.matrix+":out_range="+c.span+",format="+c.format, "-c:v", c.encoder,
			"-color_range", c.span, "-colorspace", c.matrix, "-color_primaries", c.matrix, "-color_trc", c.matrix)
		switch c.encoder {
		case "libx264":
			args = append(args, "-preset", "ultrafast", "-crf", "8")
		case "libx265":
			args = append(args, "-preset", "ultrafast", "-crf", "8", "-x265-params", "log-level=error")
		default:
			args = append(args, "-crf", "10", "-cpu-used", "8")
		}
	}
	ffmpeg(t, append(args, path)...)
	return path
}

func colourCases() (cases []colourCase) {
	small, large := shape{320, 180}, shape{1280, 720}
	for _, matrix := range []string{"bt709", "smpte170m"} {
		for _, span := range []string{"tv", "pc"} {
			formats := []string{"yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le"}
			if matrix != "bt709" {
				formats = []string{"yuv420p", "yuv422p10le"}
			}
			for _, format := range formats {
				cases = append(cases, colourCase{size: small, format: format, matrix: matrix, span: span, encoder: "libx264"})
			}
			for _, encoder := range []string{"libx265", "libaom-av1"} {
				cases = append(cases, colourCase{size: small, format: "yuv420p", matrix: matrix, span: span, encoder: encoder})
			}
		}
	}
	return append(cases,
		colourCase{size: small, format: "yuv420p", matrix: "smpte170m", span: "tv", unspecified: true, encoder: "libx264", says: "smpte170m"},
		colourCase{size: large, format: "yuv420p", matrix: "bt709", span: "tv", unspecified: true, encoder: "libx264", says: "bt709"},
		colourCase{size: small, format: "gbrp", matrix: "gbr", span: "pc", encoder: "libx264rgb", says: "smpte170m"},
	)
}

// The colours that a rung's decoder makes of what the rung says are those that
// went into the source, whatever way the source says it.
func TestColours(t *testing.T) {
	encoders := string(ffmpeg(t, "-encoders"))
	for i, c := range colourCases() {
		if leftOut(i) {
			continue
		}
		t.Run(c.String(), func(t *testing.T) {
			if !strings.Contains(encoders, " "+c.encoder+" ") {
				t.Skipf("SKIPPED: this ffmpeg has no %s", c.encoder)
			}
			c.check(t)
		})
	}
}

func (c colourCase) check(t *testing.T) {
	t.Helper()
	read := readClip(t, c.source(t), "v:0")
	cfg := transcode.LadderConfig{Rungs: []transcode.RungConfig{{Height: c.size.height / 2, Bitrate: 800_000}}}
	read.track.Bitrate = 0
	rungs := append([]transcode.Rung{transcode.TopRung(read.track, cfg, 0)}, transcode.Ladder(read.track, cfg)...)
	r := transcodeClip(t, read, rungs, boundariesOf(read.units))
	says := c.says
	if says == "" {
		says = c.matrix
	}
	for i, spec := range rungs {
		path := writeRung(t, r.tracks[i], r.coded[i])
		info := streamInfo(t, path)
		for _, key := range []string{"color_space", "color_primaries", "color_transfer"} {
			if info[key] != says && (key == "color_space" || c.format != "gbrp") {
				t.Errorf("%s: %s is %v, want %s", spec.ID, key, info[key], says)
			}
		}
		span, _ := info["color_range"].(string)
		if span != "tv" && span != "pc" {
			t.Fatalf("%s: color_range is %v", spec.ID, info["color_range"])
		}
		matrix := strings.Replace(says, "smpte170m", "bt601", 1)
		got := readBars(t, path, shapeOf(spec), matrix, span)
		for k, want := range barColours() {
			if slices.ContainsFunc([]int{0, 1, 2}, func(n int) bool { return far(got[k][n], want[n]) }) {
				t.Errorf("%s: bar %d is %v, want %v", spec.ID, k, got[k], want)
			}
		}
	}
}

// far allows for what coding costs. The two matrices are 16 to 29 apart in the
// coloured bars, the ranges 11 to 16 in black and grey.
func far(a, b byte) bool { return max(a, b)-min(a, b) > 7 }

// Encoders that are opened afresh, as the colours have changed, go on counting how long
// they have worked: a figure that goes back is taken for a lie.
func TestBusyTimeGoesOnOverNewEncoders(t *testing.T) {
	v := newVideo(t.Context(), &account{}, transcode.Order{}, transcode.NewWriter(io.Discard))
	for i := range 3 {
		scaler, err := newScaler(v.acc, form{64, 36, pictureFormat, 1}, sharpnessOnce)
		if err != nil {
			t.Fatal(err)
		}
		v.bank = &bank{acc: v.acc, group: &errgroup.Group{}, rungs: []*rung{{queue: make(chan picture), scaler: scaler}}}
		v.bank.rungs[0].busy.Store(int64(time.Second))
		for _, what := range []string{"at work", "shut"} {
			if got, want := v.busy(), time.Duration(i+1)*time.Second; got != want {
				t.Errorf("encoders %d, %s: %v of work, want %v", i, what, got, want)
			}
			if err := v.shut(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
