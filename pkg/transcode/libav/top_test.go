package libav

import (
	"testing"

	"weir/pkg/transcode"
)

// An encoded top rung takes the decoded picture itself, without scaling, and
// the rungs below are scaled from what is at least half as large again.
func TestTopRungOfTheSourcesSize(t *testing.T) {
	file := mediaFile(t, "src_butterfly_720p30.mp4")
	c := readClip(t, file, "v:0")
	c.units = c.units[:120]
	rungs := append([]transcode.Rung{transcode.TopRung(c.track, transcode.LadderConfig{}, 0)}, transcode.Ladder(c.track, transcode.LadderConfig{})...)
	at := boundariesOf(c.units)
	r := transcodeClip(t, c, rungs, at)
	for i, spec := range rungs {
		checkRung(t, spec, r.coded[i], presentation(c.units, spec.FrameDivisor, at), at)
	}
	if v := ssim(t, writeRung(t, r.tracks[0], r.coded[0]), file, rungs[0]); v < 0.97 {
		t.Errorf("SSIM %.4f at the source's own size", v)
	}
}

func TestCascade(t *testing.T) {
	size := func(w, h, divisor int) transcode.Rung {
		return transcode.Rung{Width: w, Height: h, FrameDivisor: divisor}
	}
	for name, c := range map[string]struct {
		rungs []transcode.Rung
		want  []int
	}{
		"1080p ladder":      {[]transcode.Rung{size(1280, 720, 1), size(854, 480, 1), size(640, 360, 1)}, []int{-1, 0, 0}},
		"with a top rung":   {[]transcode.Rung{size(1920, 1080, 1), size(1280, 720, 1), size(854, 480, 1), size(640, 360, 1)}, []int{-1, 0, 1, 1}},
		"portrait":          {[]transcode.Rung{size(720, 1280, 1), size(480, 854, 1), size(360, 640, 1)}, []int{-1, 0, 0}},
		"halved small ones": {[]transcode.Rung{size(1280, 720, 1), size(854, 480, 2), size(426, 240, 2)}, []int{-1, 0, 1}},
		"halved large one":  {[]transcode.Rung{size(1280, 720, 2), size(854, 480, 1), size(640, 360, 4)}, []int{-1, -1, 0}},
	} {
		for i, want := range c.want {
			if got := cascade(c.rungs, i); got != want {
				t.Errorf("%s: rung %d is scaled from %d, want %d", name, i, got, want)
			}
		}
	}
}
