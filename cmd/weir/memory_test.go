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
		{100, 1900 * mib, 20 * mib, 5, 6, 57 * mib},
		{1000, 19_000 * mib, 200 * mib, 5, 5, 500 * mib},
	} {
		got := garbagePercent(c.inUse, c.scanned)
		if got < c.least || got > c.most || uint64(got)*c.inUse/100 < c.leastGarbage {
			t.Errorf("with %d streams, %d MiB in use: %d %%, want %d to %d", c.streams, c.inUse/mib, got, c.least, c.most)
		}
	}
}
