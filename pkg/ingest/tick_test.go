package ingest

import (
	"testing"
	"time"
)

func TestUntilTick(t *testing.T) {
	t.Parallel()
	second := time.Unix(1_790_000_000, 0)
	for _, c := range []struct{ past, every, want time.Duration }{
		{0, Tick, Tick},
		{1, Tick, Tick - 1},
		{Tick - 1, Tick, 1},
		{Tick, 2 * Tick, Tick},
		{5*Tick + 4*time.Millisecond, 2 * Tick, 6 * time.Millisecond},
	} {
		if got := UntilTick(second.Add(c.past), c.every); got != c.want {
			t.Errorf("%v past, every %v: %v, want %v", c.past, c.every, got, c.want)
		}
	}
}
