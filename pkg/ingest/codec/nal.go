package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// errNALs is wrapped by errors about the NAL units of an access unit.
var errNALs = errors.New("invalid access unit")

// Class is what a NAL unit means to who repacks it; of an access unit, the
// highest of its NAL units.
type Class uint8

// The classes, in rising order.
const (
	// Filler is left out.
	Filler Class = iota
	// Other is what is no picture: parameter sets, messages.
	Other
	// Picture is a slice of one that refers to others.
	Picture
	// Recovery is a picture that decoding can start at, though pictures
	// after it may refer to what came before.
	Recovery
	// IDR is a picture that nothing after it refers behind.
	IDR
)

// repack turns the NAL units in data, with lengths of lengthSize bytes, into an
// access unit's bytes with 4-byte lengths and without filler data. It works in
// place where lengths allow: data is used up. most is the highest class of its
// NAL units. The result is nil where there was nothing but filler.
func repack(data []byte, lengthSize int, classify func(nal []byte) Class) (unit []byte, most Class, err error) {
	const outSize = 4
	out := data[:0]
	if lengthSize < outSize {
		// Room for a longer length before each NAL unit: at least one byte of
		// payload stands behind each.
		out = make([]byte, 0, len(data)+(outSize-lengthSize)*countUnits(data, lengthSize))
	}
	total := len(data)
	for len(data) > 0 {
		nal, rest, err := nextUnit(data, lengthSize)
		if err != nil {
			return nil, 0, err
		}
		data = rest
		if len(nal) == 0 {
			continue
		}
		class := classify(nal)
		if class == Filler {
			continue
		}
		most = max(most, class)
		out = binary.BigEndian.AppendUint32(out, uint32(len(nal)))
		out = append(out, nal...)
	}
	if len(out) == 0 {
		return nil, 0, nil
	}
	if most < Picture {
		return nil, 0, fmt.Errorf("%w: it holds no picture", errNALs)
	}
	if len(out) < total/2 {
		return slices.Clone(out), most, nil // Mostly filler: let go of its memory.
	}
	return slices.Clip(out), most, nil
}

// nextUnit splits the first NAL unit off data.
func nextUnit(data []byte, lengthSize int) (nal, rest []byte, err error) {
	if len(data) < lengthSize {
		return nil, nil, fmt.Errorf("%w: it ends inside a NAL unit's length", errNALs)
	}
	var n uint32
	for _, b := range data[:lengthSize] {
		n = n<<8 | uint32(b)
	}
	data = data[lengthSize:]
	if uint64(n) > uint64(len(data)) {
		return nil, nil, fmt.Errorf("%w: a NAL unit of %d bytes where %d are left", errNALs, n, len(data))
	}
	return data[:n], data[n:], nil
}

// countUnits counts the NAL units in data, up to the first broken one.
func countUnits(data []byte, lengthSize int) int {
	count := 0
	for len(data) > 0 {
		_, rest, err := nextUnit(data, lengthSize)
		if err != nil {
			break
		}
		count, data = count+1, rest
	}
	return count
}
