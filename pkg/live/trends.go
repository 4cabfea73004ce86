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

// lastMinute tells by how much a counter has grown within the last minute. What a
// session's first ten seconds bring is of its beginning.
type lastMinute struct {
	values [7]uint64
	count  int
	next   time.Time
}

// add notes what the counter is by now.
func (m *lastMinute) add(now time.Time, value uint64) {
	if m.count > 0 && now.Before(m.next) {
		m.values[(m.count-1)%len(m.values)] = value
		return
	}
	m.next = now.Add(10 * time.Second)
	m.values[m.count%len(m.values)] = value
	m.count++
}

func (m *lastMinute) grown() float64 {
	if m.count == 0 {
		return 0
	}
	oldest := 0
	if m.count > len(m.values) {
		oldest = m.count % len(m.values)
	}
	return float64(m.values[(m.count-1)%len(m.values)] - m.values[oldest])
}

// repairTrend tells how many repairs the last minute had. Those of a session's
// first ten seconds are of its beginning, where tracks come one after the other.
type repairTrend struct{ times, sound lastMinute }

// add notes how many repairs the session has had by now.
func (r *repairTrend) add(now time.Time, repairs ingest.Repairs) {
	r.times.add(now, repairs.Jumps+repairs.TrackJumps+repairs.Blips+repairs.Restarts+
		repairs.Duplicates+repairs.Nudged+repairs.CompositionOffsets)
	r.sound.add(now, repairs.AudioRepeated+repairs.AudioDropped)
}

func (r *repairTrend) observe(o *doctor.Observations) {
	if r.times.count == 0 {
		return
	}
	o.Set(doctor.TimeRepairs, r.times.grown())
	o.Set(doctor.AudioClockRepairs, r.sound.grown())
}

// damageTrend tells how many pictures of the last minute no worker could decode.
type damageTrend struct {
	all lastMinute
	// total is of all workers, seen what the present one has counted.
	total, seen uint64
}

// add notes how many a worker has counted; one that is new begins at 0.
func (d *damageTrend) add(now time.Time, counted uint64) {
	if counted < d.seen {
		d.seen = 0
	}
	d.total += counted - d.seen
	d.seen = counted
	d.all.add(now, d.total)
}
