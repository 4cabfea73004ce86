package libav

/*
#cgo pkg-config: libavutil libswscale
#include <libavutil/frame.h>
#include <libswscale/swscale.h>

// Opens a bicubic scaler whose curve has the given sharpness.
static struct SwsContext *weir_scaler(int from_w, int from_h, int from_format, int w, int h, int format, double sharpness) {
	const double param[2] = {0, sharpness};
	return sws_getContext(from_w, from_h, from_format, w, h, format, SWS_BICUBIC, NULL, NULL, param);
}
*/
import "C"

import (
	"errors"

	"github.com/asticode/go-astiav"
)

// errNoScaling is all that libswscale says when it refuses a pair of forms.
var errNoScaling = errors.New("libswscale cannot")

// scaling is libswscale's context for one pair of forms, with the sharpness
// that go-astiav 0.39 cannot set.
type scaling struct{ c *C.struct_SwsContext }

// openScaling makes a bicubic scaling of the given sharpness: 0.6 is libav's
// own, 0.5 is known as Catmull-Rom.
func openScaling(from form, w, h int, format astiav.PixelFormat, sharpness float64) (*scaling, error) {
	c := C.weir_scaler(C.int(from.width), C.int(from.height), C.int(from.format),
		C.int(w), C.int(h), C.int(format), C.double(sharpness))
	if c == nil {
		return nil, errNoScaling
	}
	return &scaling{c}, nil
}

func (s *scaling) scale(src, dst *astiav.Frame) error {
	return native(C.sws_scale_frame(s.c, (*C.AVFrame)(dst.UnsafePointer()), (*C.AVFrame)(src.UnsafePointer())))
}

func (s *scaling) free() { C.sws_freeContext(s.c) }
