package rtmp

import "time"

// burst is how much time's worth of the greatest bit rate may come at once:
// keyframes, and what an encoder caught up after a stall of the network.
const burst = 10 * time.Second

// allowance is how many bytes a publisher may still send: a bucket that fills
// at the greatest bit rate.
type allowance struct {
	// rate is in bytes per second.
	rate float64
	left float64
	last time.Time
}

func newAllowance(bitrate int, now time.Time) *allowance {
	rate := float64(bitrate) / 8
	return &allowance{rate: rate, left: rate * burst.Seconds(), last: now}
}

// spend takes n bytes and reports whether they were there.
func (a *allowance) spend(n uint64, now time.Time) bool {
	a.left = min(a.left+now.Sub(a.last).Seconds()*a.rate, a.rate*burst.Seconds())
	a.last = now
	a.left -= float64(n)
	return a.left >= 0
}
