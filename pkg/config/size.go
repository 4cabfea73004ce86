package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes. Its text is a number with an optional M, G or T, of
// powers of ten as disks have them: "500G", "1.5T".
type Size int64

// Units of Size.
const (
	Megabyte Size = 1_000_000
	Gigabyte      = 1000 * Megabyte
	Terabyte      = 1000 * Gigabyte
)

// mostSize keeps sums of sizes far from overflow.
const mostSize = 1_000_000 * Terabyte

var errSize = errors.New("is not a size")

// sizeUnits are the letters, the largest first.
func sizeUnits() []struct {
	letter string
	unit   Size
} {
	return []struct {
		letter string
		unit   Size
	}{{"T", Terabyte}, {"G", Gigabyte}, {"M", Megabyte}}
}

// UnmarshalText reads the text form.
func (s *Size) UnmarshalText(text []byte) error {
	number, unit := strings.TrimSpace(string(text)), Size(1)
	for _, u := range sizeUnits() {
		if rest, ok := strings.CutSuffix(number, u.letter); ok {
			number, unit = rest, u.unit
			break
		}
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(f) || f < 0 || f*float64(unit) > float64(mostSize) {
		return errSize
	}
	*s = Size(math.Round(f * float64(unit)))
	return nil
}

// MarshalText is String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String is the shortest exact text form.
func (s Size) String() string {
	for _, u := range sizeUnits() {
		if s != 0 && s%u.unit == 0 {
			return strconv.FormatInt(int64(s/u.unit), 10) + u.letter
		}
	}
	return strconv.FormatInt(int64(s), 10)
}
