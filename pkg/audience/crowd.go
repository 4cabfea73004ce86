package audience

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir/pkg/cmcd"
)

const (
	// shards is how many locks a stream's viewers are spread over, by address.
	shards = 16
	// maxRenditions bounds those that are counted apart; ladders have ten.
	maxRenditions = 64
	// sweepEvery is the least time between two sweeps of a shard, in ms.
	sweepEvery = 1000
)

// crowd is the viewers of one stream. Times are Unix milliseconds.
type crowd struct {
	total  *atomic.Int64 // the viewers of all streams
	window atomic.Int64
	// overflowed is when somebody was last not told apart for want of room.
	overflowed atomic.Int64
	shards     [shards]shard
	tally      tally

	naming     sync.Mutex
	renditions atomic.Pointer[[]string]

	looking sync.Mutex
	looked  int64
	last    Figures
}

// shard is the viewers of some addresses.
type shard struct {
	mu      sync.Mutex
	swept   int64
	viewers map[uint64]*viewer
	// addresses counts the viewers of each.
	addresses map[uint64]int
	_         [64]byte // no two shards' locks in one line of the CPU's cache
}

func newCrowd(total *atomic.Int64) *crowd {
	c := &crowd{total: total}
	c.window.Store(Window.Milliseconds())
	c.renditions.Store(&[]string{})
	for i := range c.shards {
		c.shards[i].viewers = make(map[uint64]*viewer)
		c.shards[i].addresses = make(map[uint64]int)
	}
	return c
}

func (c *crowd) observe(now int64, r *Request, data *cmcd.Data, n names) {
	c.stretch(r.Target)
	rendition := c.rendition(r.Rendition)
	s := &c.shards[n.address%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.viewers == nil {
		return // the stream was removed a moment ago
	}
	v, known := s.viewers[n.viewer]
	if known && now-v.touched > c.window.Load() {
		known = false // who comes back is somebody new
		c.drop(s, n.viewer, v)
	}
	if !known {
		if v = c.add(s, now, n); v == nil {
			return
		}
	}
	v.asks(now, r, rendition)
	if data.Given() {
		v.hear(now, r, data, &c.tally)
	}
}

// stretch makes the window fit the stream's target duration.
func (c *crowd) stretch(target time.Duration) {
	want := max(Window, time.Duration(windowTargets*float64(target))).Milliseconds()
	if c.window.Load() != want {
		c.window.Store(want)
	}
}

// add makes a viewer, or returns nil where there is no room. It needs s.mu.
func (c *crowd) add(s *shard, now int64, n names) *viewer {
	if now-s.swept >= sweepEvery {
		c.sweepShard(s, now)
	}
	if s.addresses[n.address] >= MaxPerAddress {
		c.overflowed.Store(now)
		return nil
	}
	if c.total.Add(1) > MaxViewers {
		c.total.Add(-1)
		c.overflowed.Store(now)
		return nil
	}
	v := &viewer{address: n.address, agent: n.agent, named: n.named}
	s.viewers[n.viewer] = v
	s.addresses[n.address]++
	return v
}

// drop forgets a viewer. It needs s.mu.
func (c *crowd) drop(s *shard, name uint64, v *viewer) {
	delete(s.viewers, name)
	c.total.Add(-1)
	if s.addresses[v.address]--; s.addresses[v.address] <= 0 {
		delete(s.addresses, v.address)
	}
}

func (c *crowd) sweep(now int64) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		c.sweepShard(s, now)
		s.mu.Unlock()
	}
}

// sweepShard needs s.mu.
func (c *crowd) sweepShard(s *shard, now int64) {
	s.swept = now
	for name, v := range s.viewers {
		if now-v.touched > c.window.Load() {
			c.drop(s, name, v)
		}
	}
}

// clear forgets everybody, for good.
func (c *crowd) clear() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for name, v := range s.viewers {
			c.drop(s, name, v)
		}
		s.viewers = nil
		s.mu.Unlock()
	}
}

// rendition is the number of a rendition, from 1; 0 for none, and for one too
// many.
func (c *crowd) rendition(id string) uint8 {
	if id == "" {
		return 0
	}
	if i := slices.Index(*c.renditions.Load(), id); i >= 0 {
		return uint8(i + 1)
	}
	c.naming.Lock()
	defer c.naming.Unlock()
	known := *c.renditions.Load()
	i := slices.Index(known, id)
	if i < 0 {
		if i = len(known); i == maxRenditions {
			return 0
		}
		changed := append(slices.Clip(slices.Clone(known)), id)
		c.renditions.Store(&changed)
	}
	return uint8(i + 1)
}
