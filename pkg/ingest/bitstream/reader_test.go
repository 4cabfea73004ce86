package bitstream_test

import (
	"testing"

	"weir/pkg/ingest/bitstream"
)

// The codes are those of ITU-T H.264, tables 9-2 and 9-3: 1, 010, 011, 00100.
func TestExpGolomb(t *testing.T) {
	t.Parallel()
	data := []byte{0b1_010_011_0, 0b0100_0000}
	unsigned, signed := bitstream.NewReader(data), bitstream.NewReader(data)
	for i, want := range []int{0, 1, -1, 2} {
		if got := unsigned.UE(); int(got) != i {
			t.Errorf("ue(v) %d: got %d", i, got)
		}
		if got := signed.SE(); got != want {
			t.Errorf("se(v) %d: got %d, want %d", i, got, want)
		}
	}
	if unsigned.Err() != nil || unsigned.Left() != 4 {
		t.Errorf("%d bits left, %v", unsigned.Left(), unsigned.Err())
	}
}

// What is not there is zero, and said; nothing loops on it.
func TestReadsNothingBehindTheEnd(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(*bitstream.Reader) int{
		"bits": func(r *bitstream.Reader) int { return int(r.Bits(32)) & 0xffffff },
		"skip": func(r *bitstream.Reader) int { r.Skip(1 << 30); return int(r.Bits(8)) },
		"ue":   func(r *bitstream.Reader) int { r.Skip(8); return int(r.UE()) },
		"se":   func(r *bitstream.Reader) int { r.Skip(8); return r.SE() },
	} {
		r := bitstream.NewReader([]byte{0xff})
		if got := read(&r); got != 0 || r.Err() == nil || r.Left() != 0 {
			t.Errorf("%s: got %d, %d bits left, %v", name, got, r.Left(), r.Err())
		}
	}
	zeros := bitstream.NewReader(make([]byte, 100))
	if got := zeros.UE(); got != 0 || zeros.Err() == nil {
		t.Errorf("a code of 800 zeros: got %d, %v", got, zeros.Err())
	}
}
