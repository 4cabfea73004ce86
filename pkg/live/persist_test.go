package live

import (
	"testing"
	"time"

	"weir/pkg/media"
)

// TestNumbersAreSavedAhead: what is on disk is above every number in use, and is
// written seldom.
func TestNumbersAreSavedAhead(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	var disk []state
	s := &stream{history: newHistory(state{}, now), save: func(st state) { disk = append(disk, st) }}
	period := &media.Period{}
	for i := range uint64(200) {
		if i == 150 {
			period = &media.Period{Sequence: 1}
		}
		s.history.add(media.Boundary{MSN: s.history.nextMSN, PTS: media.Ticks(i) * segmentLength, Period: period})
		s.persistAhead()
		last := disk[len(disk)-1]
		if last.NextMSN < s.history.nextMSN || last.NextDiscontinuity != s.history.nextSequence || !last.Live {
			t.Fatalf("after boundary %d there is %+v on disk; the next number is %d", i, last, s.history.nextMSN)
		}
	}
	if len(disk) > 5 {
		t.Errorf("%d writes for 200 boundaries", len(disk))
	}
	s.persist(false)
	if last := disk[len(disk)-1]; last.NextMSN != s.history.nextMSN || last.Live {
		t.Errorf("at the end there is %+v on disk, the next number is %d", last, s.history.nextMSN)
	}
}
