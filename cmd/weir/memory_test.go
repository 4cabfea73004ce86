package main

import "testing"

func TestGarbagePercent(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, c := range []struct {
		streams      int
		inUse        uint64
		scanned      uint64
		least, most  int
		leastGarbage uint64
	}{
		{0, 0, 0, 100, 100, 0},
		{0, 5 * mib, 2 * mib, 100, 100, 0},
		{1, 25 * mib, 2 * mib, 60, 70, 12 * mib},
		{1, 40 * mib, 40 * mib, 200, 250, 80 * mib}, // and 4,000 viewers
		{1, 40 * mib, 400 * mib, 400, 400, 160 * mib},
		{100, 1900 * mib, 20 * mib, 3, 4, 52 * mib},
		{1000, 19_000 * mib, 200 * mib, 3, 4, 412 * mib},
	} {
		got := garbagePercent(c.inUse, c.scanned)
		if got < c.least || got > c.most || uint64(got)*c.inUse/100 < c.leastGarbage {
			t.Errorf("with %d streams, %d MiB in use: %d %%, want %d to %d", c.streams, c.inUse/mib, got, c.least, c.most)
		}
	}
}

// TestSoftLimit: memory is given back only beyond what the heap grows to before it is
// collected, and no collection comes forward for it.
func TestSoftLimit(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, goal := range []uint64{4 * mib, 50 * mib, 2200 * mib, 20_000 * mib} {
		const other = 60 * mib
		limit := softLimit(goal, other)
		if kept := returnedFrom * float64(limit); kept < float64(goal+other) || kept > float64(goal+other)+2*spareMemory {
			t.Errorf("goal %d MiB: %.0f MiB are kept", goal/mib, kept/mib)
		}
		// The runtime keeps 3 % or 1 MiB below the limit as headroom.
		room := limit - other
		if room -= max(room*3/100, mib); room < int64(goal) {
			t.Errorf("goal %d MiB: collected at %d MiB already", goal/mib, room/mib)
		}
	}
}
