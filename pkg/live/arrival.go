package live

import (
	"time"

	"weir/pkg/media"
)

// Arrival is how a session's media came in over the last second or so.
type Arrival struct {
	// Bitrate is that of all tracks together, in bits per second.
	Bitrate int
	// FrameRate counts the pictures that arrived per second.
	FrameRate float64
	// Delay is how far the newest access unit's media time lay behind the clock
	// when it arrived, on average: it grows where the uplink is too slow. It may
	// be a little below 0. Jitter is the difference of the greatest and the least.
	Delay, Jitter time.Duration
	// Bytes is what came since the session began.
	Bytes uint64
}

// arrival measures it: access units as they come, summed up at each look.
type arrival struct {
	last  Arrival
	since time.Time

	bytes, frames, units int
	sum, least, most     time.Duration
}

func newArrival(now time.Time) arrival { return arrival{since: now} }

// unit counts an access unit that arrives now.
func (a *arrival) unit(now time.Time, au media.AccessUnit) {
	delay := now.Sub(au.Track.Timescale.Time(au.DTS))
	if a.units == 0 {
		a.least, a.most = delay, delay
	}
	a.least, a.most = min(a.least, delay), max(a.most, delay)
	a.sum += delay
	a.units++
	a.bytes += len(au.Data)
	if au.Track.Kind == media.Video && au.Track.Number == 0 {
		a.frames++
	}
}

// shortLook is how little time may lie between two looks before the second one
// is put off: sessions also show their state when something happens.
const shortLook = 500 * time.Millisecond

// look sums up what came since the last look.
func (a *arrival) look(now time.Time) Arrival {
	passed := now.Sub(a.since)
	if passed < shortLook {
		return a.last
	}
	a.last = Arrival{
		Bitrate:   int(float64(a.bytes) * 8 / passed.Seconds()),
		FrameRate: float64(a.frames) / passed.Seconds(),
		Jitter:    a.most - a.least,
		// Without any media, it is as late as it was and later each second.
		Delay: a.last.Delay + passed,
		Bytes: a.last.Bytes + uint64(a.bytes),
	}
	if a.units > 0 {
		a.last.Delay = a.sum / time.Duration(a.units)
	}
	*a = arrival{last: a.last, since: now}
	return a.last
}

// total is what came since the session began, in bytes.
func (a *arrival) total() uint64 {
	return a.last.Bytes + uint64(a.bytes)
}
