package codec

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"weir/pkg/ingest"
)

// exponential writes bits, among them Exp-Golomb codes.
type exponential struct{ bits string }

func (e *exponential) fixed(bits string) { e.bits += bits }

func (e *exponential) ue(value int) {
	code := fmt.Sprintf("%b", value+1)
	e.bits += strings.Repeat("0", len(code)-1) + code
}

// bytes are the bits with what ends them, and with emulation prevention.
func (e *exponential) bytes() []byte {
	all := e.bits + "1"
	all += strings.Repeat("0", (8-len(all)%8)%8)
	var out []byte
	zeros := 0
	for ; all != ""; all = all[8:] {
		var b byte
		_, _ = fmt.Sscanf(all[:8], "%b", &b)
		if zeros >= 2 && b <= 3 {
			out, zeros = append(out, 3), 0
		}
		if zeros++; b != 0 {
			zeros = 0
		}
		out = append(out, b)
	}
	return out
}

// avcOf is a sequence parameter set of H.264 that declares a size in macroblocks.
func avcOf(width, height int) []byte {
	var e exponential
	for _, value := range []int{0, 0, 2, 1} { // its number, frame numbers, order, references
		e.ue(value)
	}
	e.fixed("0")
	e.ue(width - 1)
	e.ue(height - 1)
	e.fixed("1100") // frames, direct inference, neither cropping nor usability
	return append([]byte{0x67, 66, 0, 40}, e.bytes()...)
}

// hevcOf is one of HEVC that declares a size in samples.
func hevcOf(width, height int) []byte {
	e := exponential{"00000001" + strings.Repeat("00010001", 12)}
	e.ue(0)
	e.ue(1) // 4:2:0
	e.ue(width)
	e.ue(height)
	e.fixed("0")
	e.ue(0)
	e.ue(0)
	return append([]byte{0x42, 1}, e.bytes()...)
}

// av1Of is the payload of a sequence header that declares a size in samples.
func av1Of(width, height int) []byte {
	bits := "000" + "0" + "0" + "0" + "0" + "00000" + strings.Repeat("0", 12) + "01000" + "0" // profile to level and tier
	bits += "1111" + "1111" + fmt.Sprintf("%016b%016b", width-1, height-1)
	bits += strings.Repeat("0", 60)
	var out []byte
	for ; len(bits) >= 8; bits = bits[8:] {
		var b byte
		_, _ = fmt.Sscanf(bits[:8], "%b", &b)
		out = append(out, b)
	}
	return out
}

// TestPicturesThatAreTooLarge: up to 8192 are taken; more is told to the encoder; what
// no format has is damage, which costs an access unit.
func TestPicturesThatAreTooLarge(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(width, height int) error{
		"H.264": func(w, h int) error { _, err := parseSPS(avcOf(w/16, h/16)); return err },
		"HEVC":  func(w, h int) error { _, err := parseHEVCSPS(hevcOf(w, h)); return err },
		"AV1":   func(w, h int) error { _, err := AV1TrackOf(av1Of(w, h)); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := read(8192, 4320); err != nil {
				t.Errorf("8192x4320: %v", err)
			}
			for _, size := range [][2]int{{10240, 4320}, {4320, 8208}} {
				words := fmt.Sprintf("Your picture is %dx%d, and Weir takes at most 8192", size[0], size[1])
				why, ok := errors.AsType[*ingest.Rejection](read(size[0], size[1]))
				if !ok || why.Reason != ingest.ResolutionExceeded || !strings.HasPrefix(why.Message, words) {
					t.Errorf("%v: %v", size, why)
				}
			}
			if name == "AV1" {
				return // it has no room to declare more
			}
			err := read(1<<17, 720)
			if _, rejected := errors.AsType[*ingest.Rejection](err); rejected || err == nil {
				t.Errorf("a size that no format has: %v", err)
			}
		})
	}
}

// TestByteStreamTellsOfItsSize: in MPEG-TS the parameter sets stand between the
// pictures.
func TestByteStreamTellsOfItsSize(t *testing.T) {
	t.Parallel()
	code := "\x00\x00\x00\x01"
	for name, b := range map[string]struct {
		stream *ByteStream
		set    []byte
	}{
		"H.264": {NewByteStream("h264"), avcOf(640, 270)},
		"HEVC":  {NewByteStream("hevc"), hevcOf(10240, 4320)},
	} {
		_, err := b.stream.Push([]byte(code+string(b.set)+code+"\x65a"), true)
		if why, ok := errors.AsType[*ingest.Rejection](err); !ok || why.Reason != ingest.ResolutionExceeded {
			t.Errorf("%s: %v", name, err)
		}
	}
}
