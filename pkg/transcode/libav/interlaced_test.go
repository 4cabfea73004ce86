package libav

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// Of an interlaced source the rungs show one field, not a comb of two: they
// look like the progressive pictures that the fields were taken from.
func TestInterlaced(t *testing.T) {
	if !strings.Contains(string(ffmpeg(t, "-filters")), " interlace ") {
		t.Skip("SKIPPED: this ffmpeg has no filter interlace, which makes the source; Debian's has")
	}
	s := newStudio(t)
	// A slow pan over a wide picture is what combs show in most.
	progressive := s.clip(t, "-vf crop=320:256:mod(n*4\\,160):0 -frames:v 40 -r 60 -c:v libx264 -preset ultrafast -qp 8")
	for order, scan := range map[string]string{"top": "tff", "bottom": "bff"} {
		t.Run(order+" field first", func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "source.mp4")
			ffmpeg(t, "-i", progressive, "-vf", "interlace=scan="+scan+":lowpass=off", "-c:v", "libx264", "-preset", "veryfast", "-crf", "10",
				"-flags", "+ildct+ilme", "-x264-params", order[:1]+"ff=1", file)
			c := readClip(t, file, "v:0")
			c.track.SampleAspect = media.Rational{Num: 1, Den: 1}
			cfg := transcode.LadderConfig{Rungs: []transcode.RungConfig{{Height: 224, Bitrate: 3_000_000}, {Height: 128, Bitrate: 2_000_000}}}
			c.track.Bitrate = 0
			rungs := transcode.Ladder(c.track, cfg)
			r := transcodeClip(t, c, rungs, boundariesOf(c.units))
			want := reference(t, progressive, rungs)
			times := presentation(c.units, 1, nil)
			for i, luma := range decodeAlone(t, rungs, r) {
				look := compare(luma, nil, func(pts media.Ticks) []byte {
					n, _ := slices.BinarySearch(times, pts)
					return want[i][2*n]
				}, shapeOf(rungs[i]))
				t.Logf("%s: SSIM %.4f, least %.4f", rungs[i].ID, look.mean, look.least)
				if look.mean < 0.9 {
					t.Errorf("%s: SSIM %.4f with the progressive pictures", rungs[i].ID, look.mean)
				}
				if len(luma) != len(c.units) {
					t.Errorf("%s: %d pictures of %d", rungs[i].ID, len(luma), len(c.units))
				}
			}
		})
	}
}
