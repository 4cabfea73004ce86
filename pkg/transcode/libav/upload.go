package libav

import (
	"fmt"

	"github.com/asticode/go-astiav"

	"weir/pkg/transcode"
)

// upload brings pictures into the form and to the place where a hardware encoder
// takes them from. It belongs to the encoder's goroutine.
type upload struct {
	acc     *account
	convert *scaling
	// plain is a picture in memory in the encoder's format; device, frames and
	// surface are nil where that is what the encoder takes.
	plain   *astiav.Frame
	device  *astiav.HardwareDeviceContext
	frames  *astiav.HardwareFramesContext
	surface *astiav.Frame
}

// newUpload is nil where the encoder takes pictures as they are.
func newUpload(acc *account, h hardware, r transcode.Rung) (u *upload, err error) {
	if h.format == pictureFormat {
		return nil, nil //nolint:nilnil // nothing to do is no error
	}
	u = &upload{acc: acc}
	made := u // a return of nil takes the name away
	defer func() {
		if err != nil {
			made.close()
		}
	}()
	from := form{r.Width, r.Height, pictureFormat, 1}
	if u.convert, err = openScaling(from, r.Width, r.Height, h.format, sharpnessOnce); err != nil {
		return nil, fmt.Errorf("convert pictures for %s: %w", h.codec, err)
	}
	if u.plain, err = acc.newFrame(); err != nil {
		return nil, err
	}
	u.plain.SetWidth(r.Width)
	u.plain.SetHeight(r.Height)
	u.plain.SetPixelFormat(h.format)
	if err = u.plain.AllocBuffer(0); err != nil {
		return nil, fmt.Errorf("allocate a picture for %s: %w", h.codec, err)
	}
	if h.device == astiav.HardwareDeviceTypeNone {
		return u, nil
	}
	return u, u.openDevice(h, r)
}

// surfaces is how many pictures an encoder may hold: one each for input, output
// and reference, and some that it keeps for itself.
const surfaces = 8

func (u *upload) openDevice(h hardware, r transcode.Rung) (err error) {
	if u.device, err = astiav.CreateHardwareDeviceContext(h.device, "", nil, 0); err != nil {
		return fmt.Errorf("open the %s device: %w", h.device, err)
	}
	if u.frames = astiav.AllocHardwareFramesContext(u.device); u.frames == nil {
		return errNoMemory
	}
	u.frames.SetWidth(r.Width)
	u.frames.SetHeight(r.Height)
	u.frames.SetHardwarePixelFormat(h.surface)
	u.frames.SetSoftwarePixelFormat(h.format)
	u.frames.SetInitialPoolSize(surfaces)
	if err = u.frames.Initialize(); err != nil {
		return fmt.Errorf("open surfaces of %dx%d: %w", r.Width, r.Height, err)
	}
	u.surface, err = u.acc.newFrame()
	return err
}

// take returns the picture for the encoder. It is upload's own and valid up to
// the next call; libav keeps references to what it still needs.
func (u *upload) take(f *astiav.Frame) (*astiav.Frame, error) {
	if err := u.plain.MakeWritable(); err != nil {
		return nil, fmt.Errorf("upload a picture: %w", err)
	}
	if err := u.convert.scale(f, u.plain); err != nil {
		return nil, fmt.Errorf("upload a picture: %w", err)
	}
	to := u.plain
	if u.surface != nil {
		to = u.surface
		to.Unref()
		if err := to.AllocHardwareBuffer(u.frames); err != nil {
			return nil, fmt.Errorf("upload a picture: %w", err)
		}
		if err := u.plain.TransferHardwareData(to); err != nil {
			return nil, fmt.Errorf("upload a picture: %w", err)
		}
	}
	to.SetPts(f.Pts())
	to.SetPictureType(f.PictureType())
	return to, nil
}

func (u *upload) close() {
	if u == nil {
		return
	}
	u.acc.freeFrame(u.plain)
	u.acc.freeFrame(u.surface)
	if u.frames != nil {
		u.frames.Free()
	}
	if u.device != nil {
		u.device.Free()
	}
	if u.convert != nil {
		u.convert.free()
	}
}
