package codec

import "testing"

func FuzzSPS(f *testing.F) {
	for _, in := range []string{
		"6742c00cd90141fb0110000003001000000301e0f142a480", "67640028acd940780227e5c04400000fa40003a9803c60c658",
		"67f4001e919b281004fc6cb80880000003008000003c078b16cb", "6764001eacd940b424dff8020001688000000300800000190f8a14cb",
		"6764001facd940a02ff97011000003000100000300640f183196",
	} {
		f.Add(fromHex(f, in))
	}
	f.Fuzz(func(t *testing.T, nal []byte) {
		s, err := parseSPS(nal)
		if err == nil && (s.width <= 0 || s.height <= 0 || s.width > maxPictureSide || s.height > maxPictureSide ||
			!s.aspect.Known() || s.frameRate.Float() > MaxFrameRate) {
			t.Errorf("parameter set %x: %+v", nal, s)
		}
	})
}
