package live

import (
	"testing"
	"time"
)

// TestDamageOfTheLastMinute: the pictures of all workers count, those of a session's
// beginning and those of long ago do not.
func TestDamageOfTheLastMinute(t *testing.T) {
	t.Parallel()
	var d damageTrend
	now := time.Unix(1_800_000_000, 0)
	counted := func(second int) uint64 {
		switch {
		case second < 5:
			return 0
		case second < 20:
			return 3
		case second < 30:
			return 10
		}
		return 2 // of another worker
	}
	want := map[int]float64{6: 0, 15: 0, 25: 7, 40: 9, 79: 9, 82: 2, 92: 0}
	for second := range 93 {
		d.add(now.Add(time.Duration(second)*time.Second), counted(second))
		if n, ok := want[second]; ok && d.all.grown() != n {
			t.Errorf("after %d s there are %v, want %v", second, d.all.grown(), n)
		}
	}
}
