package libav

import (
	"testing"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// A source of open GOPs has one IDR picture at the start: damage lasts up to
// the next recovery point, and no picture that leads there is shown broken.
func TestDamageInOpenGOPs(t *testing.T) {
	file := mediaFile(t, "opengop_bframes_720p30_44k1.mp4")
	recorded := record(t, file)
	recorded.units = recorded.units[:150]
	units := recorded.repaired()
	at := cut(units, false)
	units[40].Data = []byte{0xff, 0xff, 0xff, 0xff, 1, 2, 3}
	cfg := transcode.LadderConfig{Rungs: []transcode.RungConfig{{Height: 270}}}
	rungs := transcode.Ladder(units[0].Track, cfg)
	answers, _, err := talk(t, transcode.Order{Mode: transcode.ModeVideo, Rungs: rungs}, converse(units, at))
	if err != nil {
		t.Fatal(err)
	}
	r := sort(t, answers, len(rungs))
	// The next recovery point is unit 59.
	if r.last.Damaged < 19 || r.last.Damaged > 21 {
		t.Errorf("%d units counted as damaged, want those from 40 to 58", r.last.Damaged)
	}
	places := map[media.Ticks]int{}
	for i, pts := range presentation(units, 1, nil) {
		places[pts] = i
	}
	want := reference(t, file, rungs)
	luma := decodeAlone(t, rungs, r)[0]
	look := compare(luma, nil, func(pts media.Ticks) []byte { return want[0][places[pts]] }, shapeOf(rungs[0]))
	if len(luma) < 125 || look.mean < 0.93 || look.least < 0.85 {
		t.Errorf("%d pictures of 150, SSIM %.4f, least %.4f", len(luma), look.mean, look.least)
	}
	t.Logf("%d pictures of 150, SSIM %.4f, least %.4f", len(luma), look.mean, look.least)
}

func TestRecoveryPoints(t *testing.T) {
	for name, c := range map[string]struct {
		unit []byte
		want bool
	}{
		"recovery point":        {[]byte{0, 0, 0, 4, 6, 6, 1, 0xc4, 0, 0, 0, 2, 0x41, 1}, true},
		"after another message": {[]byte{0, 0, 0, 7, 6, 5, 1, 9, 6, 1, 0xc4, 0, 0, 0, 2, 0x41, 1}, true},
		"after a long message":  {append(append([]byte{0, 0, 1, 0x08, 6, 5, 255, 0}, make([]byte, 255)...), 6, 1, 0xc4, 0x80, 0x80), true},
		"behind the picture":    {[]byte{0, 0, 0, 2, 0x41, 1, 0, 0, 0, 4, 6, 6, 1, 0xc4}, false},
		"timing alone":          {[]byte{0, 0, 0, 4, 6, 1, 1, 6}, false},
		"cut off":               {[]byte{0, 0, 0, 9, 6, 6}, false},
		"empty":                 {nil, false},
	} {
		if got := recovers(c.unit); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func FuzzRecovers(f *testing.F) {
	f.Add([]byte{0, 0, 0, 7, 6, 5, 1, 9, 6, 1, 0xc4, 0, 0, 0, 2, 0x41, 1})
	f.Add([]byte{0, 0, 0, 3, 6, 255, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		if recovers(data) && len(data) < 8 {
			t.Errorf("a recovery point in %d bytes", len(data))
		}
	})
}
