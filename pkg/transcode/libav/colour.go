package libav

import "github.com/asticode/go-astiav"

// pictureFormat is what every rung is encoded from: 4:2:0 at 8 bits plays
// everywhere. It says nothing of the range of the samples, see plain.
const pictureFormat = astiav.PixelFormatYuv420P

// colour says how samples become light (ITU-T H.264, E.2.1); encoders carry it
// on, and samples are never converted from one to another.
type colour struct {
	primaries astiav.ColorPrimaries
	transfer  astiav.ColorTransferCharacteristic
	matrix    astiav.ColorSpace
	full      bool
}

// colourOf is the colour of a decoded picture. What the source leaves open is
// filled in by its size, since players would guess by the size of the rung and
// show the small ones in other colours than the large ones.
func colourOf(f *astiav.Frame, cc *astiav.CodecContext) colour {
	c := colour{
		primaries: cc.ColorPrimaries(),
		transfer:  cc.ColorTransferCharacteristic(),
		matrix:    f.ColorSpace(),
		full:      f.ColorRange() == astiav.ColorRangeJpeg,
	}
	if c.matrix == astiav.ColorSpaceRgb {
		// The scaler has to make YCbCr of it, which it does by BT.601.
		c.matrix, c.full = astiav.ColorSpaceSmpte170M, false
	}
	if c.matrix == astiav.ColorSpaceUnspecified {
		c.matrix = astiav.ColorSpaceSmpte170M
		if large(f) {
			c.matrix = astiav.ColorSpaceBt709
		}
	}
	guess := likely(c.matrix)
	if c.primaries == astiav.ColorPrimariesUnspecified {
		c.primaries = guess.primaries
	}
	if c.transfer == astiav.ColorTransferCharacteristicUnspecified {
		c.transfer = guess.transfer
	}
	return c
}

// large reports whether players take a picture that says nothing of its colours
// for HD, which is BT.709, and not for SD, which is BT.601. They draw the line
// at 576 to 720 lines.
func large(f *astiav.Frame) bool { return f.Width() >= 1280 || f.Height() >= 720 }

// likely is what goes with a matrix where the source says no more.
func likely(matrix astiav.ColorSpace) colour {
	switch matrix { //nolint:exhaustive // the rest are rare and go with BT.709's light.
	case astiav.ColorSpaceSmpte170M:
		return colour{primaries: astiav.ColorPrimariesSmpte170M, transfer: astiav.ColorTransferCharacteristicSmpte170M}
	case astiav.ColorSpaceBt470Bg:
		return colour{primaries: astiav.ColorPrimariesBt470Bg, transfer: astiav.ColorTransferCharacteristicSmpte170M}
	case astiav.ColorSpaceBt2020Ncl, astiav.ColorSpaceBt2020Cl:
		return colour{primaries: astiav.ColorPrimariesBt2020, transfer: astiav.ColorTransferCharacteristicBt202010}
	}
	return colour{primaries: astiav.ColorPrimariesBt709, transfer: astiav.ColorTransferCharacteristicBt709}
}

// plain is a format by the name that says nothing of the range of its samples.
// Some decoders say by the name that samples use the full range and some do
// not, and the scaler, which goes by names, would convert one to the other.
func plain(f astiav.PixelFormat) astiav.PixelFormat {
	switch f { //nolint:exhaustive // all others are plain.
	case astiav.PixelFormatYuvj411P:
		return astiav.PixelFormatYuv411P
	case astiav.PixelFormatYuvj420P:
		return astiav.PixelFormatYuv420P
	case astiav.PixelFormatYuvj422P:
		return astiav.PixelFormatYuv422P
	case astiav.PixelFormatYuvj440P:
		return astiav.PixelFormatYuv440P
	case astiav.PixelFormatYuvj444P:
		return astiav.PixelFormatYuv444P
	}
	return f
}
