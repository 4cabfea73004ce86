package codec

import (
	"fmt"
)

// bitReader reads bits, the highest first; after the end it reads zeros and
// keeps an error.
type bitReader struct {
	data []byte
	at   int
	err  error
}

// bits reads n bits, at most 32.
func (r *bitReader) bits(n int) uint32 {
	var v uint32
	for range n {
		v <<= 1
		if r.at >= 8*len(r.data) {
			r.fail("it ends too early")
			continue
		}
		v |= uint32(r.data[r.at/8]>>(7-r.at%8)) & 1
		r.at++
	}
	return v
}

// skip passes over n bits.
func (r *bitReader) skip(n int) {
	if r.at += n; r.at > 8*len(r.data) {
		r.at = 8 * len(r.data)
		r.fail("it ends too early")
	}
}

// ue reads an unsigned Exp-Golomb code (ITU-T H.264, 9.1) of up to 32 bits.
func (r *bitReader) ue() uint32 {
	zeros := 0
	for r.bits(1) == 0 {
		if zeros++; zeros > 31 || r.err != nil {
			r.fail("an Exp-Golomb code is too long")
			return 0
		}
	}
	return uint32(1)<<zeros - 1 + r.bits(zeros)
}

// se reads a signed Exp-Golomb code.
func (r *bitReader) se() int {
	v := int(r.ue())
	if v%2 == 1 {
		return (v + 1) / 2
	}
	return -v / 2
}

func (r *bitReader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", errSPS, what)
	}
}

// unescape removes the emulation prevention bytes of a NAL unit (ITU-T H.264,
// 7.4.1): each 03 after two zeros.
func unescape(nal []byte) []byte {
	out := make([]byte, 0, len(nal))
	zeros := 0
	for _, b := range nal {
		if zeros >= 2 && b == 3 {
			zeros = 0
			continue
		}
		out = append(out, b)
		zeros++
		if b != 0 {
			zeros = 0
		}
	}
	return out
}
