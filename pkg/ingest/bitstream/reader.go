// Package bitstream reads the headers of codecs bit by bit: bytes flow in, numbers
// flow out. What the bytes claim is not believed: after their end there are only
// zeros, and an error is kept. It owns no goroutine.
package bitstream

import "errors"

// Reader reads bits, the highest first; after the end it reads zeros and keeps
// an error.
type Reader struct {
	data []byte
	at   int
	err  error
}

// NewReader reads from the first bit of data on.
func NewReader(data []byte) Reader { return Reader{data: data} }

// Bits reads n bits, at most 32.
func (r *Reader) Bits(n int) uint32 {
	var v uint32
	for range n {
		v <<= 1
		if r.at >= 8*len(r.data) {
			r.Fail("it ends too early")
			continue
		}
		v |= uint32(r.data[r.at/8]>>(7-r.at%8)) & 1
		r.at++
	}
	return v
}

// Skip passes over n bits.
func (r *Reader) Skip(n int) {
	if n > r.Left() {
		r.at = 8 * len(r.data)
		r.Fail("it ends too early")
		return
	}
	r.at += n
}

// Left is how many bits are still to be read.
func (r *Reader) Left() int { return 8*len(r.data) - r.at }

// UE reads an unsigned Exp-Golomb code (ITU-T H.264, 9.1) of up to 32 bits.
func (r *Reader) UE() uint32 {
	zeros := 0
	for r.Bits(1) == 0 {
		if zeros++; zeros > 31 || r.err != nil {
			r.Fail("an Exp-Golomb code is too long")
			return 0
		}
	}
	return uint32(1)<<zeros - 1 + r.Bits(zeros)
}

// SE reads a signed Exp-Golomb code.
func (r *Reader) SE() int {
	v := int(r.UE())
	if v%2 == 1 {
		return (v + 1) / 2
	}
	return -v / 2
}

// Fail keeps the first thing that was wrong.
func (r *Reader) Fail(what string) {
	if r.err == nil {
		r.err = errors.New(what)
	}
}

// Err is what was wrong first, nil for nothing.
func (r *Reader) Err() error { return r.err }
