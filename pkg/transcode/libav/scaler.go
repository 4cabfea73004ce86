package libav

import (
	"fmt"
	"math"

	"github.com/asticode/go-astiav"
)

// form is what a scaler depends on.
type form struct {
	width, height int
	format        astiav.PixelFormat
	// aspect is the shape of a pixel.
	aspect float64
}

func formOf(f *astiav.Frame) form {
	aspect := 1.0
	if r := f.SampleAspectRatio(); r.Num() > 0 && r.Den() > 0 {
		aspect = r.Float64()
	}
	return form{f.Width(), f.Height(), f.PixelFormat(), aspect}
}

// Aspects that differ by less need no bars: it is what even sizes cost.
const sameAspect = 0.02

// Buffers beyond this many wait for nothing.
const poolSize = 4

// scaler makes pictures of one fixed form out of whatever comes, with bars
// where the aspect differs. It belongs to one goroutine, except that give may
// be called from any.
type scaler struct {
	acc *account
	to  form
	// from is what context was made for.
	from    form
	context *scaling
	// sharpness is that of the bicubic curve.
	sharpness float64
	// x, y, w, h is where in the picture the source goes.
	x, y, w, h int
	pool       chan *astiav.Frame
	window     *astiav.Frame
}

// Sharpness of the bicubic curve. A picture that was made smaller already has
// lost some of what it could still show: a sharper curve makes up for it (VMAF
// 1.5 below a direct scaling without, 1 above it with, at the same cost).
const (
	sharpnessOnce  = 0.6
	sharpnessAgain = 0.8
)

func newScaler(acc *account, to form, sharpness float64) (*scaler, error) {
	window, err := acc.newFrame()
	if err != nil {
		return nil, err
	}
	return &scaler{acc: acc, to: to, sharpness: sharpness, pool: make(chan *astiav.Frame, poolSize), window: window}, nil
}

// close frees everything; no picture may be given back after it.
func (s *scaler) close() {
	if s.context != nil {
		s.context.free()
	}
	s.acc.freeFrame(s.window)
	for {
		select {
		case f := <-s.pool:
			s.acc.freeFrame(f)
		default:
			return
		}
	}
}

// scale returns src in the scaler's form, with the properties of props. The
// caller owns the picture and hands it to give in the end.
func (s *scaler) scale(src, props *astiav.Frame) (*astiav.Frame, error) {
	from := formOf(src)
	if from == s.to {
		f, err := s.acc.share(src)
		if err != nil {
			return nil, err
		}
		return s.finish(f, props)
	}
	if s.context == nil || from != s.from {
		if err := s.adapt(from); err != nil {
			return nil, err
		}
	}
	f, err := s.take(props.ColorRange())
	if err != nil {
		return nil, err
	}
	if err = openWindow(s.window, f, s.x, s.y, s.w, s.h); err != nil {
		s.acc.freeFrame(f)
		return nil, fmt.Errorf("scale to %dx%d: %w", s.to.width, s.to.height, err)
	}
	err = s.context.scale(src, s.window)
	s.window.Unref()
	if err != nil {
		s.acc.freeFrame(f)
		return nil, fmt.Errorf("scale to %dx%d: %w", s.to.width, s.to.height, err)
	}
	return s.finish(f, props)
}

func (s *scaler) finish(f, props *astiav.Frame) (*astiav.Frame, error) {
	if err := copyProperties(f, props); err != nil {
		s.acc.freeFrame(f)
		return nil, fmt.Errorf("copy frame properties: %w", err)
	}
	return f, nil
}

// adapt makes the scaler ready for another source.
func (s *scaler) adapt(from form) error {
	s.x, s.y, s.w, s.h = place(from, s.to)
	context, err := openScaling(from, s.w, s.h, s.to.format, s.sharpness)
	if err != nil {
		return fmt.Errorf("scale %dx%d %s to %dx%d: %w", from.width, from.height, from.format, s.w, s.h, err)
	}
	if s.context != nil {
		s.context.free()
	}
	s.context, s.from = context, from
	return nil
}

// place returns the even rectangle in to that shows from undistorted.
func place(from, to form) (x, y, w, h int) {
	want := float64(from.width) * from.aspect / float64(from.height)
	have := float64(to.width) / float64(to.height)
	w, h = to.width, to.height
	switch {
	case math.Abs(want/have-1) < sameAspect:
	case want > have:
		h = max(2, 2*int(math.Round(float64(w)/want/2)))
	default:
		w = max(2, 2*int(math.Round(float64(h)*want/2)))
	}
	return (to.width - w) / 4 * 2, (to.height - h) / 4 * 2, w, h
}

// take returns a picture to scale into, black where no source goes: what
// black is depends on the range.
func (s *scaler) take(r astiav.ColorRange) (*astiav.Frame, error) {
	f, err := s.reuse()
	if err == nil && (s.w != s.to.width || s.h != s.to.height) {
		// Each time, as a picture that comes back may have had other bars.
		f.SetColorRange(r)
		err = f.ImageFillBlack()
	}
	if err != nil {
		s.acc.freeFrame(f)
		return nil, fmt.Errorf("allocate a picture of %dx%d: %w", s.to.width, s.to.height, err)
	}
	return f, nil
}

// reuse returns a picture from the pool, else a new one.
func (s *scaler) reuse() (*astiav.Frame, error) {
	select {
	case f := <-s.pool:
		return f, nil
	default:
	}
	f, err := s.acc.newFrame()
	if err != nil {
		return nil, err
	}
	f.SetWidth(s.to.width)
	f.SetHeight(s.to.height)
	f.SetPixelFormat(s.to.format)
	return f, f.AllocBuffer(0)
}

// give returns a picture of scale to its pool.
func (s *scaler) give(f *astiav.Frame) {
	if formOf(f) == s.to && f.IsWritable() {
		select {
		case s.pool <- f:
			return
		default:
		}
	}
	s.acc.freeFrame(f)
}
