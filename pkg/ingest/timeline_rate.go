package ingest

import (
	"math"

	"weir/pkg/media"
)

const (
	// minRate and maxRate bound frame rates that are believed.
	minRate, maxRate = 1, 240
	// fewFrames is how many frames a rate is measured from at least, and
	// fitFrames how many have to confirm a declared one.
	fewFrames, fitFrames = 4, 8
	// minFill is the part of a grid's slots that must hold a frame: a source
	// that leaves out more has no constant rate.
	minFill = 0.75
	// recentFrames is how many frames a rate is measured from at most.
	recentFrames = 64
)

// standardRates are tried before any other, the whole numbers first: half a
// second of milliseconds cannot tell 29.97 from 30, drift tells it later.
func standardRates() [10]media.Rational {
	return [10]media.Rational{
		{Num: 30, Den: 1},
		{Num: 60, Den: 1},
		{Num: 25, Den: 1},
		{Num: 50, Den: 1},
		{Num: 24, Den: 1},
		{Num: 48, Den: 1},
		{Num: 120, Den: 1},
		{Num: 30_000, Den: 1001},
		{Num: 60_000, Den: 1001},
		{Num: 24_000, Den: 1001},
	}
}

// declaredRate is the fraction that an encoder means by a decimal number such
// as 29.97 or 12.5; unknown if it is no frame rate.
func declaredRate(declared float64) media.Rational {
	if !(declared >= minRate && declared <= maxRate) {
		return media.Rational{}
	}
	if whole := math.Round(declared); math.Abs(declared-whole) < 0.001 {
		return media.Rational{Num: int(whole), Den: 1}
	}
	if ntsc := math.Round(declared * 1.001); math.Abs(declared-ntsc/1.001) < 0.006 {
		return media.Rational{Num: int(ntsc) * 1000, Den: 1001}
	}
	return reduced(int(math.Round(declared*1000)), 1000)
}

func reduced(num, den int) media.Rational {
	a, b := num, den
	for b != 0 {
		a, b = b, a%b
	}
	return media.Rational{Num: num / a, Den: den / a}
}

// believable is r in lowest terms, or unknown where it cannot be a frame rate
// that the grid's arithmetic holds.
func believable(r media.Rational) media.Rational {
	if !r.Known() || r.Float() < minRate || r.Float() > maxRate {
		return media.Rational{}
	}
	r = reduced(r.Num, r.Den)
	if r.Num > 10_000_000 {
		return declaredRate(r.Float())
	}
	return r
}

// recentTimes are the decode times of the last frames, oldest first from next.
type recentTimes struct {
	times [recentFrames]media.Ticks
	count int
}

func (r *recentTimes) push(at media.Ticks) {
	r.times[r.count%recentFrames] = at
	r.count++
}

func (r *recentTimes) clear() { r.count = 0 }

func (r *recentTimes) len() int { return min(r.count, recentFrames) }

// at is the i-th time, oldest first.
func (r *recentTimes) at(i int) media.Ticks {
	return r.times[(r.count-r.len()+i)%recentFrames]
}

// measure finds the constant rate that the recent frames keep, or none. tick
// is the source's own tick at 90 kHz; candidates come before all others. What
// counts in finer ticks than milliseconds may have its times from something that
// does not, such as a remuxed FLV stream.
func (r *recentTimes) measure(tick media.Ticks, candidates ...media.Rational) media.Rational {
	const millisecond = second / 1000
	rate := r.search(tick, candidates)
	if !rate.Known() && tick < millisecond {
		rate = r.search(millisecond, candidates)
	}
	return rate
}

func (r *recentTimes) search(tick media.Ticks, candidates []media.Rational) media.Rational {
	if r.len() < fewFrames {
		return media.Rational{}
	}
	for _, rate := range candidates {
		if rate.Known() && r.fits(rate, tick) {
			return rate
		}
	}
	for _, rate := range standardRates() {
		if r.fits(rate, tick) {
			return rate
		}
	}
	for whole := minRate; whole <= maxRate; whole++ {
		if rate := (media.Rational{Num: whole, Den: 1}); r.fits(rate, tick) {
			return rate
		}
	}
	return media.Rational{}
}

// fits reports whether the recent frames stand on a grid of the rate, but for
// rounding to the source's ticks, with few slots left out.
func (r *recentTimes) fits(rate media.Rational, tick media.Ticks) bool {
	period := float64(second) / rate.Float()
	tolerance := 2*float64(tick) + 0.0001*float64(second)
	if r.len() < 2 || tolerance > period/2 {
		return false
	}
	var low, high, slot float64
	for i := 1; i < r.len(); i++ {
		since := float64(r.at(i) - r.at(0))
		next := math.Round(since / period)
		low, high = min(low, since-next*period), max(high, since-next*period)
		if next <= slot || high-low > tolerance {
			return false
		}
		slot = next
	}
	return float64(r.len()-1) >= minFill*slot
}

// bias is how far the recent frames stand from a grid through the oldest one,
// in the mean.
func (r *recentTimes) bias(rate media.Rational) media.Ticks {
	period := float64(second) / rate.Float()
	var sum float64
	for i := range r.len() {
		since := float64(r.at(i) - r.at(0))
		sum += since - math.Round(since/period)*period
	}
	return media.Ticks(math.Round(sum / float64(max(r.len(), 1))))
}
