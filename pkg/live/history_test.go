package live

import (
	"testing"
	"time"

	"weir/pkg/media"
)

func TestNumbersNeverGoBack(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for _, c := range []struct {
		name  string
		saved uint64
		want  uint64
	}{
		{"first publish ever: the Unix time", 0, 1_700_000_000},
		{"restart: the clock has overtaken the counter", 1_600_000_000, 1_700_000_000},
		{"the clock was set back: the counter goes on", 1_800_000_000, 1_800_000_000},
	} {
		h := newHistory(state{NextMSN: c.saved, NextDiscontinuity: 7}, now)
		if h.nextMSN != c.want || h.nextSequence != 7 {
			t.Errorf("%s: next MSN %d, discontinuity %d; want %d, 7", c.name, h.nextMSN, h.nextSequence, c.want)
		}
	}
}

func TestHistoryKnowsWhereSegmentsEnd(t *testing.T) {
	h := newHistory(state{NextMSN: 10}, time.Unix(0, 0))
	first, second := &media.Period{Sequence: 0}, &media.Period{Sequence: 1}
	h.add(media.Boundary{MSN: 10, PTS: 0, Period: first})
	h.add(media.Boundary{MSN: 11, PTS: 180_000, Period: first})
	h.note(250_000)
	h.add(media.Boundary{MSN: 12, PTS: 900_000, Period: second})
	for msn, want := range map[uint64]media.Ticks{10: 180_000, 11: 250_000, 12: 0} {
		if got, ok := h.find(msn); !ok || got.end != want {
			t.Errorf("segment %d ends at %d (known %v), want %d", msn, got.end, ok, want)
		}
	}
	if h.nextMSN != 13 || h.nextSequence != 2 {
		t.Errorf("next MSN %d, discontinuity %d; want 13, 2", h.nextMSN, h.nextSequence)
	}
}

func TestHistoryReplacesAnOpenSegment(t *testing.T) {
	h := newHistory(state{}, time.Unix(100, 0))
	old, encoded := &media.Period{Sequence: 0}, &media.Period{Sequence: 1}
	h.add(media.Boundary{MSN: 100, PTS: 0, Period: old})
	h.add(media.Boundary{MSN: 100, PTS: 0, Period: encoded})
	if got := h.newest(); got.MSN != 100 || got.Period != encoded || len(h.slots) != 1 {
		t.Fatalf("newest is %+v of %d slots, want segment 100 of the new period alone", got, len(h.slots))
	}
}

func TestHistoryIsBounded(t *testing.T) {
	h := newHistory(state{}, time.Unix(0, 0))
	p := &media.Period{}
	for msn := range uint64(1000) {
		h.add(media.Boundary{MSN: msn, PTS: media.Ticks(msn) * 180_000, Period: p})
	}
	if _, ok := h.find(999 - historyLength); ok || len(h.slots) != historyLength {
		t.Fatalf("%d slots are kept, want %d", len(h.slots), historyLength)
	}
	if s, ok := h.find(1000 - historyLength); !ok || s.end != media.Ticks(1001-historyLength)*180_000 {
		t.Fatalf("the oldest kept slot is %+v, %v", s, ok)
	}
}
