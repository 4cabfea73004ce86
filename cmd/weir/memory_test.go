package main

import "testing"

func TestGarbagePercent(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, c := range []struct {
		streams      int
		inUse        uint64
		least, most  int
		leastGarbage uint64
	}{
		{0, 0, 100, 100, 0},
		{0, 5 * mib, 100, 100, 0},
		{1, 25 * mib, 40, 60, 12 * mib},
		{100, 1900 * mib, 3, 4, 57 * mib},
		{1000, 19_000 * mib, 3, 3, 500 * mib},
	} {
		got := garbagePercent(c.inUse)
		if got < c.least || got > c.most || uint64(got)*c.inUse/100 < c.leastGarbage {
			t.Errorf("with %d streams, %d MiB in use: %d %%, want %d to %d", c.streams, c.inUse/mib, got, c.least, c.most)
		}
	}
}
