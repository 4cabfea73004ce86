package live

import (
	"time"

	"weir/pkg/doctor"
	"weir/pkg/ingest"
)

// clockTrend follows the least delay of each ten looks: what the network adds
// comes and goes, what the encoder's clock adds goes on.
type clockTrend struct {
	began  time.Time
	looks  int
	least  time.Duration
	points [18]point
	count  int
}

// point is in seconds.
type point struct{ at, delay float64 }

// trendLook is how many looks make a point, trendPoints how many points tell a
// drift.
const (
	trendLooks  = 10
	trendPoints = 12
)

// add takes a look. What media time was moved by, which hides the drift, is slewed.
func (c *clockTrend) add(now time.Time, t tally, slewed time.Duration) {
	if t.audioUnits+t.videoUnits == 0 {
		return
	}
	if c.began.IsZero() {
		c.began = now
	}
	if c.looks == 0 {
		c.least = t.least + slewed
	}
	c.least = min(c.least, t.least+slewed)
	if c.looks++; c.looks < trendLooks {
		return
	}
	c.points[c.count%len(c.points)] = point{now.Sub(c.began).Seconds(), c.least.Seconds()}
	c.count++
	c.looks = 0
}

// drift is by how many millionths the encoder's clock is slow, if its delay
// moves along a line.
func (c *clockTrend) drift() (ppm float64, ok bool) {
	if c.count < trendPoints {
		return 0, false
	}
	points := c.points[:min(c.count, len(c.points))]
	n := float64(len(points))
	var at, delay float64
	for _, p := range points {
		at, delay = at+p.at/n, delay+p.delay/n
	}
	var square, product, spread float64
	for _, p := range points {
		square += (p.at - at) * (p.at - at)
		product += (p.at - at) * (p.delay - delay)
		spread += (p.delay - delay) * (p.delay - delay)
	}
	// The share of the spread that the line explains.
	explained := product * product / (square * max(spread, 1e-12))
	if explained < 0.9 {
		return 0, true
	}
	return product / square * 1e6, true
}

// repairTrend tells how many repairs the last minute had. Those of a session's
// first ten seconds are of its beginning, where tracks come one after the other.
type repairTrend struct {
	times, sound [7]uint64
	count        int
	next         time.Time
}

// add notes how many repairs the session has had by now.
func (r *repairTrend) add(now time.Time, repairs ingest.Repairs) {
	times := repairs.Jumps + repairs.TrackJumps + repairs.Blips + repairs.Restarts +
		repairs.Duplicates + repairs.Nudged + repairs.CompositionOffsets
	sound := repairs.AudioRepeated + repairs.AudioDropped
	if r.count > 0 && now.Before(r.next) {
		last := (r.count - 1) % len(r.times)
		r.times[last], r.sound[last] = times, sound
		return
	}
	r.next = now.Add(10 * time.Second)
	r.times[r.count%len(r.times)], r.sound[r.count%len(r.sound)] = times, sound
	r.count++
}

func (r *repairTrend) observe(o *doctor.Observations) {
	if r.count == 0 {
		return
	}
	newest := (r.count - 1) % len(r.times)
	oldest := 0
	if r.count > len(r.times) {
		oldest = r.count % len(r.times)
	}
	o.Set(doctor.TimeRepairs, float64(r.times[newest]-r.times[oldest]))
	o.Set(doctor.AudioClockRepairs, float64(r.sound[newest]-r.sound[oldest]))
}
