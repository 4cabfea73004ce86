package live

import "time"

// Delays is the distribution of how far the ends of a rendition's segments lay
// behind the clock when viewers could first ask for them: what the way to the
// gateway, encoding and packaging took. Segments that were asked for while their
// rendition rested are not in it, nor are gaps.
type Delays struct {
	// Count is how many there were, and Sum all their delays together, in seconds.
	Count uint64
	Sum   float64
	// UpTo counts those up to each of DelayBounds.
	UpTo [9]uint64
}

// DelayBounds are in seconds: a good encoder takes less than half a second, low
// latency is over with the second one, and after four the segment is a gap.
func DelayBounds() [len(Delays{}.UpTo)]float64 {
	return [...]float64{0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4}
}

func (d *Delays) add(delay time.Duration) {
	// The media clock may run ahead of the wall clock by a moment.
	seconds := max(0, delay.Seconds())
	d.Count++
	d.Sum += seconds
	for i, bound := range DelayBounds() {
		if seconds <= bound {
			d.UpTo[i]++
		}
	}
}
