package ingest

import "time"

// burst is how much time's worth of the greatest bit rate may come at once:
// keyframes, and what an encoder caught up after a stall of the network.
const burst = 10 * time.Second

// Allowance is how many bytes a publisher may still send: a bucket that fills
// at the greatest bit rate.
type Allowance struct {
	// rate is in bytes per second.
	rate float64
	left float64
	last time.Time
}

// NewAllowance is for a bit rate in bits per second.
func NewAllowance(bitrate int, now time.Time) *Allowance {
	rate := float64(bitrate) / 8
	return &Allowance{rate: rate, left: rate * burst.Seconds(), last: now}
}

// Spend takes n bytes and reports whether they were there.
func (a *Allowance) Spend(n uint64, now time.Time) bool {
	a.left = min(a.left+now.Sub(a.last).Seconds()*a.rate, a.rate*burst.Seconds())
	a.last = now
	a.left -= float64(n)
	return a.left >= 0
}
