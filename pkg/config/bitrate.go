package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Bitrate is a number of bits per second. Its text is a number with an
// optional k (thousand) or M (million): "2500k", "2.5M", "2500000".
type Bitrate int

// Units of Bitrate.
const (
	Kbps Bitrate = 1000
	Mbps Bitrate = 1000 * Kbps
)

// mostBitrate keeps sums of bit rates far from overflow.
const mostBitrate = 1000 * Mbps

var errBitrate = errors.New("is not a bit rate")

// UnmarshalText reads the text form.
func (b *Bitrate) UnmarshalText(text []byte) error {
	number, unit := strings.TrimSpace(string(text)), Bitrate(1)
	switch {
	case strings.HasSuffix(number, "k"), strings.HasSuffix(number, "K"):
		number, unit = number[:len(number)-1], Kbps
	case strings.HasSuffix(number, "M"):
		number, unit = number[:len(number)-1], Mbps
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(f) || f < 0 || f*float64(unit) > float64(mostBitrate) {
		return errBitrate
	}
	*b = Bitrate(math.Round(f * float64(unit)))
	return nil
}

// MarshalText is String.
func (b Bitrate) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// String is the shortest exact text form.
func (b Bitrate) String() string {
	switch {
	case b != 0 && b%Mbps == 0:
		return strconv.Itoa(int(b/Mbps)) + "M"
	case b != 0 && b%Kbps == 0:
		return strconv.Itoa(int(b/Kbps)) + "k"
	}
	return strconv.Itoa(int(b))
}
