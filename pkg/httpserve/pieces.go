package httpserve

import (
	"errors"
	"fmt"
	"io"
)

// pieces reads slices, such as the parts of a segment, as one file. The bytes are
// the store's own: nothing is copied for a viewer.
type pieces struct {
	all  [][]byte
	size int64
	at   int64
}

func newPieces(all [][]byte) *pieces {
	p := &pieces{all: all}
	for _, one := range all {
		p.size += int64(len(one))
	}
	return p
}

var errSeek = errors.New("seek out of bounds")

// Seek implements io.Seeker.
func (p *pieces) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += p.at
	case io.SeekEnd:
		offset += p.size
	}
	if offset < 0 || offset > p.size {
		return 0, fmt.Errorf("%w: %d of %d", errSeek, offset, p.size)
	}
	p.at = offset
	return offset, nil
}

// Read implements io.Reader; it is used for multipart ranges alone.
func (p *pieces) Read(into []byte) (int, error) {
	rest := p.rest()
	if rest == nil {
		return 0, io.EOF
	}
	n := copy(into, rest)
	p.at += int64(n)
	return n, nil
}

// sendTo writes the next n bytes to w, slice by slice.
func (p *pieces) sendTo(w io.Writer, n int64) (sent int64, err error) {
	for sent < n {
		rest := p.rest()
		if rest == nil {
			return sent, io.ErrUnexpectedEOF
		}
		rest = rest[:min(int64(len(rest)), n-sent)]
		m, err := w.Write(rest)
		sent += int64(m)
		p.at += int64(m)
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// take is the next n bytes, slice by slice.
func (p *pieces) take(n int64) (bufs [][]byte) {
	if p.at == 0 && n == p.size {
		p.at = n
		return p.all
	}
	bufs = make([][]byte, 0, len(p.all))
	for n > 0 {
		rest := p.rest()
		if rest == nil {
			break
		}
		rest = rest[:min(int64(len(rest)), n)]
		bufs = append(bufs, rest)
		p.at += int64(len(rest))
		n -= int64(len(rest))
	}
	return bufs
}

// rest is what follows in the slice at the present position, nil at the end.
func (p *pieces) rest() []byte {
	start := int64(0)
	for _, one := range p.all {
		end := start + int64(len(one))
		if p.at < end {
			return one[p.at-start:]
		}
		start = end
	}
	return nil
}
