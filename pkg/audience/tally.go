package audience

import (
	"sort"
	"sync"
	"time"

	"weir/pkg/cmcd"
)

// Totals are what a stream's players have told since its first viewer. They
// only grow.
type Totals struct {
	// Sessions counts playbacks whose players tell how they fare.
	Sessions uint64
	// Stalls counts waits for data while playing, StallTime is how long they
	// lasted, of players that say so.
	Stalls    uint64
	StallTime time.Duration
	// Dropped counts frames that came too late to be shown.
	Dropped uint64
	// Startup has one sample for each playback, the others one for each 5 s of
	// it. Times are in seconds, bitrates in bits per second.
	Startup, Latency, Buffer, Bitrate, Throughput Histogram
}

// Histogram is a distribution of samples.
type Histogram struct {
	Count uint64
	Sum   float64
	// Buckets counts the samples up to each bound.
	Buckets map[float64]uint64
}

// tally is Totals as they are counted. It is safe for concurrent use.
type tally struct {
	mu                                            sync.Mutex
	sessions, stalls, dropped                     uint64
	stallTime                                     time.Duration
	startup, latency, buffer, bitrate, throughput counts
}

func (t *tally) session() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sessions++
}

func (t *tally) started(after time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.startup.add(startupBounds(), after.Seconds())
}

func (t *tally) stall() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stalls++
}

func (t *tally) stood(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stallTime += d
}

// drop adds more dropped frames, which are not negative.
func (t *tally) drop(more int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dropped += uint64(more)
}

// sample adds what an account has news of.
func (t *tally) sample(a *account) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a.news&cmcd.LiveLatency != 0 {
		t.latency.add(latencyBounds(), a.latency.Seconds())
	}
	if a.news&cmcd.BufferLength != 0 {
		t.buffer.add(bufferBounds(), a.buffer.Seconds())
	}
	if a.news&cmcd.Bitrate != 0 {
		t.bitrate.add(bitrateBounds(), float64(a.bitrate))
	}
	if a.news&cmcd.Throughput != 0 {
		t.throughput.add(bitrateBounds(), float64(a.throughput))
	}
}

func (t *tally) read() Totals {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Totals{
		Sessions: t.sessions, Stalls: t.stalls, StallTime: t.stallTime, Dropped: t.dropped,
		Startup: t.startup.read(startupBounds()), Latency: t.latency.read(latencyBounds()),
		Buffer: t.buffer.read(bufferBounds()), Bitrate: t.bitrate.read(bitrateBounds()),
		Throughput: t.throughput.read(bitrateBounds()),
	}
}

// maxBounds is the most bounds that a histogram has.
const maxBounds = 12

// bounds are the upper ones of a histogram's buckets; those behind the last that
// is not 0 are not used.
type bounds [maxBounds]float64

// The bounds lie close where it matters: a picture within a second of opening
// the page, two seconds behind the publisher, a rung of the ladder apart.
func startupBounds() bounds { return bounds{0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 10, 20} }
func latencyBounds() bounds { return bounds{0.75, 1, 1.5, 2, 2.5, 3, 4, 6, 8, 12, 20, 30} }
func bufferBounds() bounds  { return bounds{0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 10, 20, 30} }
func bitrateBounds() bounds {
	return bounds{250e3, 500e3, 1e6, 1.5e6, 2.5e6, 4e6, 6e6, 8e6, 12e6, 20e6, 50e6, 100e6}
}

// counts are those of a histogram's buckets, the last for what lies above all
// bounds.
type counts struct {
	of  [maxBounds + 1]uint64
	sum float64
}

func (c *counts) add(b bounds, v float64) {
	c.of[sort.Search(b.len(), func(i int) bool { return v <= b[i] })]++
	c.sum += v
}

func (c *counts) read(b bounds) Histogram {
	h := Histogram{Sum: c.sum, Buckets: make(map[float64]uint64, maxBounds)}
	for i := range b.len() {
		h.Count += c.of[i]
		h.Buckets[b[i]] = h.Count
	}
	h.Count += c.of[b.len()]
	return h
}

func (b bounds) len() int {
	n := maxBounds
	for n > 0 && b[n-1] == 0 {
		n--
	}
	return n
}
