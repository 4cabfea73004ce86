package audience

import (
	"slices"
	"time"

	"weir/pkg/cmcd"
)

const (
	// figuresEvery is how old figures may be, in ms: whoever asks for them, they
	// are counted once a second.
	figuresEvery = 1000
	// maxMeasured bounds how many players the medians are of.
	maxMeasured = 2000
	// recently is how long a player counts as one that has stalled, in ms.
	recently = 30_000
)

// Figures are of those who watch a stream now. They are shared: nobody changes
// them.
type Figures struct {
	Viewers int
	// AtLeast is true if there was no room to tell all of them apart.
	AtLeast bool
	// Renditions counts those who ask for each, by its id.
	Renditions map[string]int
	// Reporting are the viewers whose players tell how they fare, Stalled those
	// of them that have stood still in the last half minute.
	Reporting, Stalled int
	// The medians are of those players that tell the figure; below 0 if none
	// does. Bitrates are in bits per second.
	Startup, Latency, Buffer time.Duration
	Bitrate, Throughput      int64
}

// nobody is the figures of a stream that nobody has asked for.
func nobody() Figures {
	return Figures{Startup: -1, Latency: -1, Buffer: -1, Bitrate: -1, Throughput: -1}
}

func (c *crowd) figures(now int64) Figures {
	c.looking.Lock()
	defer c.looking.Unlock()
	if c.looked == 0 || now-c.looked >= figuresEvery || now < c.looked {
		c.last, c.looked = c.count(now), now
	}
	return c.last
}

// count looks at everybody.
func (c *crowd) count(now int64) Figures {
	window := c.window.Load()
	f := Figures{AtLeast: now-c.overflowed.Load() <= window, Renditions: make(map[string]int)}
	var playing [maxRenditions + 1]int
	var m medians
	for i := range c.shards {
		c.shards[i].each(now, window, func(v *viewer) {
			f.Viewers++
			for _, r := range v.playing {
				playing[r]++
			}
			if v.tells == nil {
				return
			}
			f.Reporting++
			if v.tells.stalled != 0 && now-v.tells.stalled <= recently {
				f.Stalled++
			}
			m.add(v.tells)
		})
	}
	for i, id := range *c.renditions.Load() {
		f.Renditions[id] = playing[i+1]
	}
	m.into(&f)
	return f
}

// each calls visit for everybody who watches. An address and user agent that
// gives session ids is watching by them alone, though its player sends them not
// with every request.
func (s *shard) each(now, window int64, visit func(*viewer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	watches := func(v *viewer) bool { return v.watched != 0 && now-v.watched <= window }
	named := make(map[uint64]struct{})
	for _, v := range s.viewers {
		if v.named && watches(v) {
			named[v.agent] = struct{}{}
		}
	}
	for _, v := range s.viewers {
		if _, told := named[v.agent]; watches(v) && (v.named || !told) {
			visit(v)
		}
	}
}

// medians collects what players tell.
type medians struct {
	startup, latency, buffer, bitrate, throughput []int64
}

func (m *medians) add(a *account) {
	add := func(to *[]int64, known bool, v int64) {
		if known && len(*to) < maxMeasured {
			*to = append(*to, v)
		}
	}
	add(&m.startup, a.startup >= 0, int64(a.startup))
	add(&m.latency, a.known&cmcd.LiveLatency != 0, int64(a.latency))
	add(&m.buffer, a.known&cmcd.BufferLength != 0, int64(a.buffer))
	add(&m.bitrate, a.known&cmcd.Bitrate != 0, a.bitrate)
	add(&m.throughput, a.known&cmcd.Throughput != 0, a.throughput)
}

func (m *medians) into(f *Figures) {
	f.Startup = time.Duration(median(m.startup))
	f.Latency = time.Duration(median(m.latency))
	f.Buffer = time.Duration(median(m.buffer))
	f.Bitrate, f.Throughput = median(m.bitrate), median(m.throughput)
}

func median(all []int64) int64 {
	if len(all) == 0 {
		return -1
	}
	slices.Sort(all)
	return all[len(all)/2]
}
