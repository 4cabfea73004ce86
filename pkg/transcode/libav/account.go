package libav

import (
	"errors"
	"sync/atomic"

	"github.com/asticode/go-astiav"
)

// account makes and frees the native values of one worker and counts those
// that live, so that a test can see that none is left.
type account struct {
	frames, packets atomic.Int64
}

var errNoMemory = errors.New("libav is out of memory")

func (a *account) newFrame() (*astiav.Frame, error) {
	f := astiav.AllocFrame()
	if f == nil {
		return nil, errNoMemory
	}
	a.frames.Add(1)
	return f, nil
}

// share returns a second reference to the picture of f.
func (a *account) share(f *astiav.Frame) (*astiav.Frame, error) {
	c := f.Clone()
	if c == nil {
		return nil, errNoMemory
	}
	a.frames.Add(1)
	return c, nil
}

func (a *account) freeFrame(f *astiav.Frame) {
	if f != nil {
		f.Free()
		a.frames.Add(-1)
	}
}

func (a *account) newPacket() (*astiav.Packet, error) {
	p := astiav.AllocPacket()
	if p == nil {
		return nil, errNoMemory
	}
	a.packets.Add(1)
	return p, nil
}

func (a *account) freePacket(p *astiav.Packet) {
	if p != nil {
		p.Free()
		a.packets.Add(-1)
	}
}
