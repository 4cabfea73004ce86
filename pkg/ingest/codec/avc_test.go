package codec

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"weir/pkg/media"
)

// fromHex decodes hexadecimal digits that a test spells out.
func fromHex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// record720 is the decoder configuration record of x264 for 1280x720 at
// 29.97 fps.
const record720 = "0164001fffe1001b6764001facd9405005bb016a020202800001f480007530078c18cb01000468efbcb0fdf8f800"

// TestParseSPS reads parameter sets of x264, whose sizes and rates ffprobe
// confirms, and one of another encoder.
func TestParseSPS(t *testing.T) {
	t.Parallel()
	square := media.Rational{Num: 1, Den: 1}
	for _, c := range []struct {
		name, in      string
		width, height int
		aspect, rate  media.Rational
		full          bool
	}{
		{"baseline", "6742c00cd90141fb0110000003001000000301e0f142a480", 320, 240, square, media.Rational{Num: 15, Den: 1}, false},
		{"cropped 1080p", "67640028acd940780227e5c04400000fa40003a9803c60c658", 1920, 1080, square, media.Rational{Num: 30000, Den: 1001}, false},
		{"10 bit 4:2:2, odd width", "677a001eb6cd940d83de6f011000000300100000030300f162d960", 854, 480, square, media.Rational{Num: 24, Den: 1}, false},
		{"4:4:4", "67f4001e919b281004fc6cb80880000003008000003c078b16cb", 500, 300, square, media.Rational{Num: 60, Den: 1}, false},
		{"HRD behind the timing", "6764001eacd940a02ff9701100000300010000030032602001e840007a13930c01e2c5b2c0", 640, 360, square, media.Rational{Num: 25, Den: 1}, false},
		{"interlaced, wide pixels", "6764001eacd940b424dff8020001688000000300800000190f8a14cb", 720, 576, media.Rational{Num: 64, Den: 45}, media.Rational{Num: 25, Den: 1}, false},
		{"monochrome", "6764000cf36505421e3e3f016c80000003008000000a078a14cb", 322, 242, square, media.Rational{Num: 10, Den: 1}, true},
		{"scaling matrices", "6764001facd940a02ff97011000003000100000300640f183196", 640, 360, square, media.Rational{Num: 50, Den: 1}, false},
		{"colours", "6764001facd940b40a1b016a02020280000003008000001e078c18cb", 720, 1280, square, media.Rational{Num: 30, Den: 1}, false},
		{"another encoder, no timing, pixels of 65535:65535", "67640028acb200f0044fcbffffffffffb501010130100004ac4a000095895149803c60c920", 1920, 1080, square, media.Rational{}, false},
		{"cut short inside the timing", "67640028acd940780227e5c044", 1920, 1080, square, media.Rational{}, false},
		{"full range", "6764000dacd94141fb016c80000003008000001e078a14cb", 320, 240, square, media.Rational{Num: 30, Den: 1}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseSPS(fromHex(t, c.in))
			interlaced := strings.HasPrefix(c.name, "interlaced")
			if err != nil || got.width != c.width || got.height != c.height || got.aspect != c.aspect || got.frameRate != c.rate || got.interlaced != interlaced || got.fullRange != c.full {
				t.Errorf("read %+v (%v), want %+v", got, err, c)
			}
			if deep := strings.HasPrefix(c.name, "10 bit"); (got.luma == 2 && got.chromaDepth == 2 && got.chroma == 2) != deep {
				t.Errorf("samples of format %d, %d and %d bits deeper than 8", got.chroma, got.luma, got.chromaDepth)
			}
		})
	}
}

func TestFrameRateFromTiming(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scale, tick uint32
		want        media.Rational
	}{
		{60, 1, media.Rational{Num: 30, Den: 1}},
		{120_000, 1001, media.Rational{Num: 60_000, Den: 1001}},
		{50_000_000, 1_000_000, media.Rational{Num: 25, Den: 1}},
		{180_000, 1, media.Rational{}}, // A variable rate's clock.
		{1, 1, media.Rational{}},
		{0, 1, media.Rational{}},
		{60, 0, media.Rational{}},
		{0xffffffff, 0xffffffff, media.Rational{}},
	} {
		if got := frameRate(c.scale, c.tick); got != c.want {
			t.Errorf("frameRate(%d, %d) = %v, want %v", c.scale, c.tick, got, c.want)
		}
	}
}

func TestBrokenSPS(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"", "67", "6764001f", "6864001facd9405005bb", "67640028ac",
		"6764001f00000000000000000000000000000000", // Exp-Golomb codes without end.
		"6742001ff8000001ffffffffffff",             // A picture of millions of macroblocks.
	} {
		if got, err := parseSPS(fromHex(t, in)); !errors.Is(err, errSPS) {
			t.Errorf("parameter set %q: read %+v", in, got)
		}
	}
	if _, err := parseSPS(append(fromHex(t, "6764001facd9405005bb"), make([]byte, maxSPSSize)...)); !errors.Is(err, errSPS) {
		t.Errorf("a huge parameter set: %v", err)
	}
}

func TestAVCTrack(t *testing.T) {
	t.Parallel()
	record := fromHex(t, record720)
	record[4] = 0xfd // 2-byte lengths.
	track, lengthSize, err := AVCTrack(record)
	if err != nil {
		t.Fatal(err)
	}
	if lengthSize != 2 || track.Width != 1280 || track.Height != 720 || track.Codec != media.H264 ||
		track.FrameRate != (media.Rational{Num: 30_000, Den: 1001}) {
		t.Errorf("track %+v with lengths of %d", track, lengthSize)
	}
	if want := fromHex(t, record720); !bytes.Equal(track.Config, want) {
		t.Errorf("Config is %x, want 4-byte lengths: %x", track.Config, want)
	}
}

func TestBrokenAVCTrack(t *testing.T) {
	t.Parallel()
	whole := fromHex(t, record720)
	for n := range len(whole) - 4 { // The last four bytes are optional.
		if _, _, err := AVCTrack(whole[:n]); !errors.Is(err, errAVCConfig) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
	for name, spoil := range map[string]func(b []byte) []byte{
		"version 0":                 func(b []byte) []byte { b[0] = 0; return b },
		"no sequence parameter set": func(b []byte) []byte { b[5] = 0xe0; return b },
		"no picture parameter set":  func(b []byte) []byte { b[8+27] = 0; return b },
		"the wrong parameter set":   func(b []byte) []byte { b[8] = 0x68; return b },
		"larger than any":           func(b []byte) []byte { return append(b, make([]byte, maxAVCConfig)...) },
	} {
		if _, _, err := AVCTrack(spoil(bytes.Clone(whole))); !errors.Is(err, errAVCConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// nals joins NAL units with lengths of size bytes.
func nals(size int, units ...string) []byte {
	var b []byte
	for _, u := range units {
		length := be32(uint32(len(u)))
		b = join(b, length[4-size:], u)
	}
	return b
}

func TestAVCUnit(t *testing.T) {
	t.Parallel()
	filler := "\x0c" + string(bytes.Repeat([]byte{0xff}, 400))
	for _, c := range []struct {
		name string
		in   []string
		want []string
		idr  bool
	}{
		{"one slice", []string{"\x41abc"}, []string{"\x41abc"}, false},
		{"IDR with parameter sets and SEI", []string{"\x09\x10", "\x67s", "\x68p", "\x06sei", "\x65abc", "\x65def"}, []string{"\x09\x10", "\x67s", "\x68p", "\x06sei", "\x65abc", "\x65def"}, true},
		{"filler at the end", []string{"\x41abc", "\x0c\xff"}, []string{"\x41abc"}, false},
		{"filler in between", []string{"\x06s", "\x0c\xff\xff", "\x65abc", "\x0c\xff", "\x65def"}, []string{"\x06s", "\x65abc", "\x65def"}, true},
		{"mostly filler", []string{"\x41abc", filler}, []string{"\x41abc"}, false},
		{"empty NAL units", []string{"", "\x41abc", ""}, []string{"\x41abc"}, false},
	} {
		for _, size := range []int{4, 3, 2, 1} {
			if size == 1 && c.name == "mostly filler" {
				continue // Longer than one byte can say.
			}
			got, idr, err := AVCUnit(nals(size, c.in...), size)
			if want := nals(4, c.want...); err != nil || idr != c.idr || !bytes.Equal(got, want) {
				t.Errorf("%s, lengths of %d: %x, %v (%v), want %x, %v", c.name, size, got, idr, err, want, c.idr)
			}
			if cap(got) > len(got)+len(c.in)*4 {
				t.Errorf("%s, lengths of %d: %d bytes hold on to %d", c.name, size, len(got), cap(got))
			}
		}
	}
}

func TestAVCUnitOfNoUse(t *testing.T) {
	t.Parallel()
	for name, in := range map[string][]byte{"nothing": nil, "filler": nals(4, "\x0c\xff"), "an empty NAL unit": nals(4, "")} {
		if got, _, err := AVCUnit(in, 4); got != nil || err != nil {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
	for name, in := range map[string][]byte{
		"cut inside a length":     join(nals(4, "\x41abc"), 0, 0),
		"cut inside a NAL unit":   nals(4, "\x41abc")[:6],
		"length of 4 GB":          join(be32(0xffffffff), "\x41abc"),
		"start codes, not length": join(0, 0, 0, 1, "\x65abcdefghij"),
		"SEI only":                nals(4, "\x06sei"),
	} {
		if got, _, err := AVCUnit(in, 4); !errors.Is(err, errNALs) {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}
