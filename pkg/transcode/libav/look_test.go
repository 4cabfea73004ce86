package libav

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// shape is the size of a picture.
type shape struct{ width, height int }

func shapeOf(r transcode.Rung) shape { return shape{r.Width, r.Height} }

// frames cuts raw 4:2:0 pictures apart and returns their luma.
func (s shape) frames(tb testing.TB, path string) (luma [][]byte) {
	tb.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	size := s.width * s.height * 3 / 2
	if len(raw)%size != 0 {
		tb.Fatalf("%s: %d bytes are not whole pictures of %dx%d", path, len(raw), s.width, s.height)
	}
	for picture := range slices.Chunk(raw, size) {
		luma = append(luma, picture[:s.width*s.height])
	}
	return luma
}

// segment is the coded pictures between two boundaries.
type segment []transcode.Coded

func segmentsOf(coded []transcode.Coded) (segments []segment) {
	for i, c := range coded {
		if i == 0 || c.MSN != coded[i-1].MSN {
			segments = append(segments, nil)
		}
		last := &segments[len(segments)-1]
		*last = append(*last, c)
	}
	return segments
}

// decodeAlone decodes every segment of every rung with a decoder of its own, so
// that nothing but itself can have helped, and returns each rung's luma by PTS.
func decodeAlone(tb testing.TB, rungs []transcode.Rung, r result) []map[media.Ticks][]byte {
	tb.Helper()
	folder := tb.TempDir()
	args := []string{"-xerror"}
	var outputs []string
	input := 0
	for i := range rungs {
		for k, s := range segmentsOf(r.coded[i]) {
			name := filepath.Join(folder, fmt.Sprintf("%d-%d", i, k))
			if err := os.WriteFile(name+".h264", annexB(s[0].AU.Track.Config, unitsOf(s)), 0o600); err != nil {
				tb.Fatal(err)
			}
			outputs = append(outputs, "-map", fmt.Sprintf("%d:v", input), "-vf", "setpts=N/(25*TB)", "-vsync", "0", "-f", "rawvideo", name+".yuv")
			args = append(args, "-err_detect", "explode", "-threads", "1", "-f", "h264", "-i", name+".h264")
			input++
		}
	}
	if said := complaints(tb, append(args, outputs...)...); said != "" {
		tb.Errorf("decoding segments by themselves: %s", said)
	}
	decoded := make([]map[media.Ticks][]byte, len(rungs))
	for i, spec := range rungs {
		decoded[i] = map[media.Ticks][]byte{}
		for k, s := range segmentsOf(r.coded[i]) {
			luma := shapeOf(spec).frames(tb, filepath.Join(folder, fmt.Sprintf("%d-%d.yuv", i, k)))
			if len(luma) != len(s) {
				tb.Fatalf("%s: segment %d has %d pictures and decodes to %d", spec.ID, s[0].MSN, len(s), len(luma))
			}
			for n, pts := range presentation(unitsOf(s), 1, nil) {
				decoded[i][pts] = luma[n]
			}
		}
	}
	return decoded
}

// complaints runs ffmpeg, which must succeed, and returns what it says.
func complaints(tb testing.TB, args ...string) string {
	tb.Helper()
	out, err := exec.Command(tool(tb, "ffmpeg"), append([]string{"-v", "error", "-y", "-nostdin"}, args...)...).CombinedOutput()
	if err != nil {
		tb.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// reference is a file as libav's command line scales it for each rung, as luma
// in order of presentation.
func reference(tb testing.TB, file string, rungs []transcode.Rung) [][][]byte {
	tb.Helper()
	folder := tb.TempDir()
	args := []string{"-i", file}
	for i, spec := range rungs {
		args = append(args, "-map", "0:v:0", "-vf", fmt.Sprintf("scale=%d:%d:flags=bicubic", spec.Width, spec.Height),
			"-vsync", "0", "-f", "rawvideo", "-pix_fmt", "yuv420p", filepath.Join(folder, fmt.Sprintf("%d.yuv", i)))
	}
	ffmpeg(tb, args...)
	scaled := make([][][]byte, len(rungs))
	for i, spec := range rungs {
		scaled[i] = shapeOf(spec).frames(tb, filepath.Join(folder, fmt.Sprintf("%d.yuv", i)))
	}
	return scaled
}

// similarity is the SSIM of two pictures' luma (Wang et al. 2004) over windows
// of 8x8 samples, four apart.
func similarity(a, b []byte, s shape) float64 {
	const side, apart = 8, 4
	const c1, c2 = (0.01 * 255) * (0.01 * 255), (0.03 * 255) * (0.03 * 255)
	sum, windows := 0.0, 0
	for y := 0; y+side <= s.height; y += apart {
		for x := 0; x+side <= s.width; x += apart {
			var ma, mb, aa, bb, ab int
			for j := range side {
				p := (y+j)*s.width + x
				for i := range side {
					va, vb := int(a[p+i]), int(b[p+i])
					ma, mb, aa, bb, ab = ma+va, mb+vb, aa+va*va, bb+vb*vb, ab+va*vb
				}
			}
			const n = side * side
			ea, eb := float64(ma)/n, float64(mb)/n
			varA, varB, cov := float64(aa)/n-ea*ea, float64(bb)/n-eb*eb, float64(ab)/n-ea*eb
			sum += (2*ea*eb + c1) * (2*cov + c2) / ((ea*ea + eb*eb + c1) * (varA + varB + c2))
			windows++
		}
	}
	return sum / float64(windows)
}

// likeness is how a rung compares with its source.
type likeness struct{ mean, least, opening float64 }

// compare finds for each decoded picture the one of the source that was meant.
// opening is that of the worst picture that opens a segment.
func compare(decoded map[media.Ticks][]byte, opens map[media.Ticks]bool, meant func(media.Ticks) []byte, s shape) likeness {
	l := likeness{0, math.Inf(1), math.Inf(1)}
	for pts, luma := range decoded {
		v := similarity(luma, meant(pts), s)
		l.mean += v / float64(len(decoded))
		l.least = min(l.least, v)
		if opens[pts] {
			l.opening = min(l.opening, v)
		}
	}
	return l
}
