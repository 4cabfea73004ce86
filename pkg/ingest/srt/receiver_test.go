package srt

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// noon is when the tests' senders start to count.
var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// microseconds is a time as packets have it.
func microseconds(d time.Duration) uint32 { return uint32(d / time.Microsecond) }

// payload is that of the n-th packet.
func payload(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

// drain takes what is ripe.
func drain(r *receiver, now time.Time) (got []int) {
	for {
		p, ok := r.take(now)
		if !ok {
			return got
		}
		got = append(got, int(binary.BigEndian.Uint32(p)))
		r.release(p)
	}
}

// TestOrderAndTime: whatever the network does, packets leave in order, each once,
// none before its time, and none is missing that came in time.
func TestOrderAndTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const step, latency = 2 * time.Millisecond, 100 * time.Millisecond
		first := sequence(rapid.Uint32Range(0, sequenceMask).Draw(t, "first"))
		clock := time.Duration(rapid.Uint32().Draw(t, "clock")) * time.Microsecond // may wrap on the way
		r := newReceiver(first, latency, noon.Add(-clock))
		r.clock = clock
		count := rapid.IntRange(1, 300).Draw(t, "count")
		type arrival struct {
			n  int
			at time.Duration
		}
		var arrivals []arrival
		inTime := make(map[int]bool)
		for n := range count {
			sent := time.Duration(n) * step
			for range rapid.IntRange(0, 2).Draw(t, "copies") {
				at := sent + time.Duration(rapid.IntRange(0, 150).Draw(t, "delay"))*time.Millisecond
				arrivals = append(arrivals, arrival{n, at})
				inTime[n] = inTime[n] || at <= sent+latency
			}
		}
		slices.SortStableFunc(arrivals, func(a, b arrival) int { return int(a.at - b.at) })
		var got []int
		take := func(now time.Duration) {
			for _, n := range drain(r, noon.Add(now)) {
				if due := time.Duration(n)*step + latency; now < due {
					t.Fatalf("packet %d left at %v, due at %v", n, now, due)
				}
				got = append(got, n)
			}
		}
		last := time.Duration(0)
		for _, a := range arrivals {
			for ; last < a.at; last += time.Millisecond {
				take(last)
			}
			h := header{seq: first.plus(a.n), timestamp: microseconds(clock + time.Duration(a.n)*step)}
			r.push(h, payload(a.n), nil)
		}
		take(time.Hour)
		if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Fatalf("out of order: %v", got)
		}
		for n := range count {
			if inTime[n] && !slices.Contains(got, n) {
				t.Fatalf("packet %d came in time and did not leave: %v", n, got)
			}
		}
		if len(r.ring) > maxWindow || r.head.since(r.tail) > 0 || r.acked.since(r.head) < 0 {
			t.Fatalf("%d slots, head %d, acked %d, tail %d", len(r.ring), r.head, r.acked, r.tail)
		}
	})
}

// TestRequests: what is missing is asked for at once, and again when the answer
// should have come; not what the sender gave up.
func TestRequests(t *testing.T) {
	t.Parallel()
	r := newReceiver(10, time.Second, noon)
	r.rtt, r.rttVar = 40*time.Millisecond, 5*time.Millisecond
	for _, n := range []int{10, 13, 14, 16} {
		r.push(header{seq: sequence(n)}, payload(n), nil)
	}
	ask := func(after time.Duration) (all [][2]sequence) {
		r.missing(noon.Add(after), func(first, last sequence) { all = append(all, [2]sequence{first, last}) })
		return all
	}
	want := [][2]sequence{{11, 12}, {15, 15}}
	if got := ask(0); !slices.Equal(got, want) {
		t.Errorf("asked for %v", got)
	}
	if got := ask(49 * time.Millisecond); got != nil {
		t.Errorf("asked again too early: %v", got)
	}
	r.giveUp(0, 11)
	r.push(header{seq: 15, again: true}, payload(15), nil)
	if got := ask(50 * time.Millisecond); !slices.Equal(got, [][2]sequence{{12, 12}}) {
		t.Errorf("asked again for %v", got)
	}
	if got := drain(r, noon.Add(time.Second)); !slices.Equal(got, []int{10, 13, 14, 15, 16}) {
		t.Errorf("left %v", got)
	}
	if s := r.stats; s.lost != 3 || s.again != 1 || s.dropped != 2 {
		t.Errorf("%+v", s)
	}
}

// TestDrift: a day with a clock that goes wrong by 50 ppm either way, on a network
// that delays by 0 to 40 ms, leaves the latency what it was.
func TestDrift(t *testing.T) {
	t.Parallel()
	for _, ppm := range []int64{-50, 50} {
		const latency = 120 * time.Millisecond
		r := newReceiver(0, latency, noon)
		random := rand.New(rand.NewPCG(1, 2))
		const every = 200 * time.Millisecond // more often would only take longer
		for now := noon; now.Before(noon.Add(24 * time.Hour)); now = now.Add(every) {
			jitter := time.Duration(random.IntN(40)) * time.Millisecond
			sent := now.Sub(noon) - jitter
			r.answered(now, 20*time.Millisecond, microseconds(sent+sent*time.Duration(ppm)/1_000_000))
		}
		now := 24 * time.Hour
		sender := now + now*time.Duration(ppm)/1_000_000
		left := noon.Add(now).Sub(r.base.Add(sender))
		if left < -10*time.Millisecond || left > 10*time.Millisecond {
			t.Errorf("at %d ppm packets are %v off after a day", ppm, left)
		}
	}
}

// TestBounds: a jump of the numbers or of the time costs media, not memory.
func TestBounds(t *testing.T) {
	t.Parallel()
	r := newReceiver(0, time.Second, noon)
	for n := range 3 * maxWindow { // with times that never come
		r.push(header{seq: sequence(n), timestamp: 1 << 31}, payload(n), nil)
	}
	if len(r.ring) != maxWindow || r.room() != 0 || r.stats.dropped != 2*maxWindow {
		t.Errorf("%d slots, room for %d, %+v", len(r.ring), r.room(), r.stats)
	}
	r.push(header{seq: 1 << 29}, payload(1), nil)
	if len(r.ring) != maxWindow || r.tail.since(r.head) > maxWindow {
		t.Errorf("after a jump %d slots from %d to %d", len(r.ring), r.head, r.tail)
	}
	r.giveUp(0, sequenceMask)
	r.giveUp(1<<30, 1<<28)
}
