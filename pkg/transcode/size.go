package transcode

import (
	"math"

	"weir/pkg/media"
)

// picture is a size in square pixels; it need not be whole.
type picture struct{ width, height float64 }

// displaySize is the source's size as seen: its height is kept and the width
// stretched by the shape of its pixels.
func displaySize(src *media.Track) picture {
	aspect := src.SampleAspect.Float()
	if aspect == 0 {
		aspect = 1
	}
	return picture{float64(src.Width) * aspect, float64(src.Height)}
}

// short is the shorter side.
func (p picture) short() float64 { return math.Min(p.width, p.height) }

// pixels is the area.
func (p picture) pixels() float64 { return p.width * p.height }

// fit is p made smaller so that its short side has the given length, less one
// if that is odd. The long side is the nearest even number, at least 2.
func (p picture) fit(short int) picture {
	s := float64(short &^ 1)
	long := math.Max(2, 2*math.Round(math.Max(p.width, p.height)*s/p.short()/2))
	if long > math.Max(p.width, p.height) {
		long -= 2
	}
	long = math.Max(long, s)
	if p.width < p.height {
		return picture{s, long}
	}
	return picture{long, s}
}

// fairRate is a bit rate, in bits per second, that does a picture of 16:9 with
// that many pixels at 30 frames per second justice.
type fairRate struct{ pixels, bitrate float64 }

// fairRates returns the table, in rising order: 0.2 bits per pixel for the
// smallest down to 0.065 for the largest, as larger pictures have more alike
// neighbours.
func fairRates() []fairRate {
	return []fairRate{
		{256 * 144, 200_000},
		{426 * 240, 400_000},
		{640 * 360, 800_000},
		{854 * 480, 1_400_000},
		{960 * 540, 1_800_000},
		{1280 * 720, 2_800_000},
		{1920 * 1080, 5_000_000},
		{2560 * 1440, 9_000_000},
		{3840 * 2160, 16_000_000},
	}
}

// Frames that follow faster are more alike: twice the rate takes 1.5 times the
// bits.
const rateExponent = 0.585

// leastTableBitrate keeps thumbnails and slide shows decodable.
const leastTableBitrate = 32_000

// tableBitrate reads the table, interpolating on logarithmic scales between
// its rows and holding the bits per pixel beyond its ends.
func tableBitrate(size picture, fps media.Rational) float64 {
	table := fairRates()
	n := size.pixels()
	first, last := table[0], table[len(table)-1]
	var bitrate float64
	switch {
	case n <= first.pixels:
		bitrate = first.bitrate * n / first.pixels
	case n >= last.pixels:
		bitrate = last.bitrate * n / last.pixels
	default:
		i := 1
		for table[i].pixels < n {
			i++
		}
		a, b := table[i-1], table[i]
		bitrate = a.bitrate * math.Pow(b.bitrate/a.bitrate, math.Log(n/a.pixels)/math.Log(b.pixels/a.pixels))
	}
	if f := fps.Float(); f > 0 {
		bitrate *= math.Pow(f/30, rateExponent)
	}
	// Rounded, as a reader compares these numbers.
	return math.Max(leastTableBitrate, math.Round(bitrate/1000)*1000)
}
