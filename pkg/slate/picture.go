package slate

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	_ "image/jpeg" // image.DecodeConfig reads its size.
	"image/png"
	"io"
	"os"

	"weir/pkg/media"
)

const (
	// mostBytes bounds a picture's file, and mostSide its size in pixels.
	mostBytes = 4 << 20
	mostSide  = 4096
)

// ErrNoPicture is wrapped by the error for a file that is no picture at all.
var ErrNoPicture = errors.New("is neither a PNG nor a JPEG picture")

// OpenPicture reads a PNG or JPEG file of up to 4 MiB. The error tells the operator
// what to do.
func OpenPicture(path string) (Clip, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names the file.
	if err != nil {
		return Clip{}, fmt.Errorf("open the slate: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(file, mostBytes+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return Clip{}, fmt.Errorf("read the slate %s: %w", path, err)
	}
	c, err := parse(data)
	if err != nil {
		return Clip{}, fmt.Errorf("the slate %s %w", path, err)
	}
	return c, nil
}

func parse(data []byte) (Clip, error) {
	cfg, format, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case err != nil:
		return Clip{}, ErrNoPicture
	case len(data) > mostBytes:
		return Clip{}, fmt.Errorf("is larger than %d MiB: save it as a JPEG, at the size of your stream", mostBytes>>20)
	case cfg.Width < 1 || cfg.Height < 1 || cfg.Width > mostSide || cfg.Height > mostSide:
		return Clip{}, fmt.Errorf("has %dx%d pixels: make it the size of your stream, such as 1920x1080", cfg.Width, cfg.Height)
	case format == "jpeg":
		return picture(media.JPEG, cfg.Width, cfg.Height, data), nil
	}
	return flatten(data)
}

// picture is a clip of one access unit.
func picture(codec media.Codec, width, height int, data []byte) Clip {
	track := &media.Track{Kind: media.Video, Codec: codec, Timescale: media.VideoTimescale, Width: width, Height: height}
	return Clip{video: []media.AccessUnit{{Track: track, Sync: true, Data: data}}, length: pictureLasts, still: true}
}

// neutral draws the built-in picture: three points on a dark ground, which say
// "wait" in every language.
func neutral(width, height int) (Clip, error) {
	canvas := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(canvas, canvas.Bounds(), image.NewUniform(color.RGBA{0x14, 0x1b, 0x24, 0xff}), image.Point{}, draw.Src)
	radius := float64(min(width, height)) / 36
	for point := -1; point <= 1; point++ {
		dot(canvas, float64(width)/2+float64(point)*4*radius, float64(height)/2, radius)
	}
	return encode(canvas)
}

// encode is the picture as a PNG of three bytes a pixel.
func encode(canvas image.Image) (Clip, error) {
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, canvas); err != nil {
		return Clip{}, fmt.Errorf("encode the slate's picture: %w", err)
	}
	size := canvas.Bounds().Size()
	return picture(media.PNG, size.X, size.Y, out.Bytes()), nil
}

// dot draws a light disc with a soft edge.
func dot(canvas *image.RGBA, x, y, radius float64) {
	for row := int(y - radius - 1); row <= int(y+radius+1); row++ {
		for column := int(x - radius - 1); column <= int(x+radius+1); column++ {
			dx, dy := float64(column)+0.5-x, float64(row)+0.5-y
			// How far inside of the disc the pixel is, from 0 to 1 over its edge.
			inside := min(max((radius*radius-dx*dx-dy*dy)/(2*radius)+0.5, 0), 1)
			ground := canvas.RGBAAt(column, row)
			mix := func(from, to uint8) uint8 { return uint8(float64(from) + inside*(float64(to)-float64(from)) + 0.5) }
			canvas.SetRGBA(column, row, color.RGBA{mix(ground.R, 0xc8), mix(ground.G, 0xd6), mix(ground.B, 0xe2), 0xff})
		}
	}
}

// flatten decodes a picture of few colours, which the worker's scaler does not
// take, or one that is transparent in places, on black.
func flatten(data []byte) (Clip, error) {
	decoded, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return Clip{}, fmt.Errorf("is a damaged PNG: %w", err)
	}
	canvas := image.NewRGBA(decoded.Bounds())
	draw.Draw(canvas, canvas.Bounds(), image.Black, image.Point{}, draw.Src)
	draw.Draw(canvas, canvas.Bounds(), decoded, decoded.Bounds().Min, draw.Over)
	return encode(canvas)
}
