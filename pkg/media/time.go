package media

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"time"
)

// Ticks counts time in units of a Timescale.
//
// From ingest.Timeline on, media time is anchored to the Unix epoch: a DTS or
// PTS divided by its timescale is the Unix time, in seconds, at which the
// access unit was published. PROGRAM-DATE-TIME, tfdt and the MPD's timeline
// are therefore one number. At 90 kHz it needs 48 bits today.
type Ticks int64

// Timescale is a number of ticks per second, never 0 for a valid track.
type Timescale uint32

// VideoTimescale is the timescale of every video track inside Weir. Audio
// tracks use their sampling rate, so that an AAC frame is exactly 1024 ticks.
const VideoTimescale Timescale = 90_000

// Rescale converts t between timescales, rounding to the nearest tick. The
// product is computed in 128 bits. A result that does not fit 63 bits, which
// times before the year 2200 do at every timescale up to 1 GHz, is the largest
// that does: times of foreign origin end nothing.
func Rescale(t Ticks, from, to Timescale) Ticks {
	if from == to {
		return t
	}
	size := uint64(t)
	if t < 0 {
		size = -size
	}
	quotient := uint64(math.MaxInt64)
	hi, lo := bits.Mul64(size, uint64(to))
	lo, carry := bits.Add64(lo, uint64(from)/2, 0)
	if hi += carry; hi < uint64(from) {
		quotient, _ = bits.Div64(hi, lo, uint64(from))
		quotient = min(quotient, math.MaxInt64)
	}
	if t < 0 {
		return -Ticks(quotient)
	}
	return Ticks(quotient)
}

// Duration is t as a time.Duration, rounded to the nearest nanosecond.
func (ts Timescale) Duration(t Ticks) time.Duration {
	return time.Duration(Rescale(t, ts, Timescale(time.Second)))
}

// Ticks is d in units of ts, rounded to the nearest tick.
func (ts Timescale) Ticks(d time.Duration) Ticks {
	return Rescale(Ticks(d), Timescale(time.Second), ts)
}

// Time is the wall-clock time of the epoch-anchored media time t, in UTC.
func (ts Timescale) Time(t Ticks) time.Time {
	return time.Unix(0, int64(ts.Duration(t))).UTC()
}

// At is the media time of the wall-clock time w, rounded to the nearest tick.
func (ts Timescale) At(w time.Time) Ticks {
	return ts.Ticks(time.Duration(w.UnixNano()))
}

// Rational is a fraction, such as a frame rate of 30000/1001. The zero value
// means unknown; a variable frame rate is unknown too.
type Rational struct {
	Num, Den int
}

// Known reports whether r is a positive fraction.
func (r Rational) Known() bool { return r.Num > 0 && r.Den > 0 }

// Float is r as a float64, 0 if unknown.
func (r Rational) Float() float64 {
	if !r.Known() {
		return 0
	}
	return float64(r.Num) / float64(r.Den)
}

// Ticks is the duration of n periods of the rate r in ts, rounded to the
// nearest tick, and 0 if r is unknown.
func (r Rational) Ticks(n int64, ts Timescale) Ticks {
	if !r.Known() {
		return 0
	}
	num := n * int64(r.Den) * int64(ts)
	half := int64(r.Num) / 2
	if num < 0 {
		half = -half
	}
	return Ticks((num + half) / int64(r.Num))
}

// String is the fraction in lowest spelling, "30" or "30000/1001".
func (r Rational) String() string {
	if r.Den == 1 {
		return strconv.Itoa(r.Num)
	}
	return fmt.Sprintf("%d/%d", r.Num, r.Den)
}
