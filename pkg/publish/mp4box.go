package publish

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
)

var errMP4 = errors.New("broken MP4 file")

// Bounds of what is read into memory at once. Media data is not.
const (
	mostMoov = 64 << 20
	mostMoof = 8 << 20
)

// box is one ISO base media box in memory.
type box struct {
	name string
	// whole includes the header, body does not.
	whole, body []byte
}

// children splits data into boxes. It does not look into them, so that nothing
// recurses however deep the file claims to be nested.
func children(data []byte) ([]box, error) {
	var all []box
	for len(data) >= 8 {
		header, size := 8, uint64(binary.BigEndian.Uint32(data))
		switch {
		case size == 1 && len(data) >= 16:
			header, size = 16, binary.BigEndian.Uint64(data[8:])
		case size == 0:
			size = uint64(len(data))
		}
		if size < uint64(header) || size > uint64(len(data)) {
			return nil, fmt.Errorf("%w: box %q says that it has %d bytes, but there are %d", errMP4, data[4:8], size, len(data))
		}
		all = append(all, box{name: string(data[4:8]), whole: data[:size], body: data[header:size]})
		data = data[size:]
	}
	return all, nil
}

// find returns the first box of that name, or an empty one.
func find(boxes []box, name string) box {
	for _, b := range boxes {
		if b.name == name {
			return b
		}
	}
	return box{}
}

// descend follows a path of container boxes and returns the children of the
// last one; none if one of them is missing.
func descend(boxes []box, path ...string) ([]box, error) {
	for _, name := range path {
		var err error
		if boxes, err = children(find(boxes, name).body); err != nil {
			return nil, err
		}
	}
	return boxes, nil
}

// leaf decodes a box without children. Its decoder is guarded: it was not
// written for hostile bytes.
func leaf[T mp4.Box](boxes []box, name string) (decoded T, found bool, err error) {
	b := find(boxes, name)
	if b.name == "" {
		return decoded, false, nil
	}
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: box %q: %v", errMP4, name, cause)
		}
	}()
	content, err := mp4.DecodeBoxSR(0, bits.NewFixedSliceReader(b.whole))
	if err != nil {
		return decoded, false, fmt.Errorf("%w: %w", errMP4, err)
	}
	decoded, found = content.(T)
	return decoded, found, nil
}

// topBox is a box of the file itself.
type topBox struct {
	name string
	// start is the first byte of the header, body that after it, end the one
	// after the box.
	start, body, end int64
}

// walk calls visit for each box of the file and stops at the first error. A
// last box that was cut off ends the walk: that is how recordings stop.
func walk(r io.ReaderAt, size int64, visit func(topBox) error) error {
	for at := int64(0); at+8 <= size; {
		var header [16]byte
		n, err := r.ReadAt(header[:], at)
		if n < 8 || (err != nil && !errors.Is(err, io.EOF)) {
			return fmt.Errorf("read the box at byte %d: %w", at, err)
		}
		b := topBox{name: string(header[4:8]), start: at, body: at + 8}
		length := uint64(binary.BigEndian.Uint32(header[:]))
		switch {
		case length == 1 && n == 16:
			b.body, length = at+16, binary.BigEndian.Uint64(header[8:])
		case length == 0:
			length = uint64(size - at)
		}
		if length < uint64(b.body-at) {
			return fmt.Errorf("%w: box %q at byte %d has an impossible size", errMP4, b.name, at)
		}
		if length > uint64(size-at) {
			return nil
		}
		b.end = at + int64(length)
		if err := visit(b); err != nil {
			return err
		}
		at = b.end
	}
	return nil
}

// load reads the body of b if it has at most limit bytes.
func load(r io.ReaderAt, b topBox, limit int64) ([]byte, error) {
	if b.end-b.body > limit {
		return nil, fmt.Errorf("%w: box %q has %d bytes, more than %d", errMP4, b.name, b.end-b.body, limit)
	}
	data := make([]byte, b.end-b.body)
	if _, err := r.ReadAt(data, b.body); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read box %q: %w", b.name, err)
	}
	return data, nil
}
