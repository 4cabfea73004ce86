package live

import (
	"testing"

	"weir/pkg/media"
	"weir/pkg/store"
)

// others is what the top rendition has of segments 10 up to, not including, to.
func others(h *history, to uint64) (recent []media.Segment) {
	for _, s := range h.slots {
		if s.MSN < to {
			recent = append(recent, media.Segment{MSN: s.MSN, Start: s.PTS, Duration: segmentLength, Period: s.Period})
		}
	}
	return recent
}

// kindsOf is one letter for each listed segment: made, pending, lost or gap.
func kindsOf(segments []*media.Segment) string {
	var text []byte
	for _, seg := range segments {
		switch {
		case seg.Gap:
			text = append(text, 'g')
		case seg.Pending:
			text = append(text, 'p')
		case seg.Lost:
			text = append(text, 'l')
		default:
			text = append(text, 'm')
		}
	}
	return string(text)
}

func expectKinds(t *testing.T, st *store.Stream, want string) {
	t.Helper()
	if got := kindsOf(listed(st)); got != want {
		t.Fatalf("listed are %q, want %q", got, want)
	}
	for i, seg := range listed(st) {
		if seg.MSN != 10+uint64(i) || seg.Start != media.Ticks(i)*segmentLength || seg.Duration != segmentLength {
			t.Errorf("place %d holds segment %d at %d of %d ticks", i, seg.MSN, seg.Start, seg.Duration)
		}
	}
}

func TestRestingLaneKeepsItsPromises(t *testing.T) {
	l, st, h := newRung(t)
	encode(t, l, h, 10, 50)
	encode(t, l, h, 11, 20)
	if len(st.Presentation().Windows[0].Open) == 0 {
		t.Fatal("no part is there")
	}
	l.rest(others(h, 12))
	expectKinds(t, st, "mp")
	if len(st.Presentation().Windows[0].Open) != 0 {
		t.Error("parts of a segment that is not made any more are listed")
	}
	l.follow(others(h, 13), false)
	expectKinds(t, st, "mpp")
	version := st.Presentation().Version
	l.wake(12)
	expectKinds(t, st, "mpp")
	encode(t, l, h, 12, 50)
	if !l.behind() || st.Presentation().Version != version || len(st.Presentation().Windows[0].Open) != 0 {
		t.Error("what keeps a promise changes lists")
	}
	encode(t, l, h, 13, 30)
	expectKinds(t, st, "mpm")
	if l.behind() || len(st.Presentation().Windows[0].Open) == 0 {
		t.Error("having caught up, the lane lists its open segment")
	}
	encode(t, l, h, 14, 1)
	expectKinds(t, st, "mpmm")
}

func TestLaneFollowsWhileItCatchesUp(t *testing.T) {
	l, st, h := newRung(t)
	encode(t, l, h, 10, 50)
	encode(t, l, h, 11, 1)
	l.rest(others(h, 12))
	l.wake(11)
	encode(t, l, h, 11, 30)
	l.follow(others(h, 13), false)
	encode(t, l, h, 12, 1)
	expectKinds(t, st, "mmp")
	encode(t, l, h, 12, 50)
	encode(t, l, h, 13, 50)
	encode(t, l, h, 14, 1)
	expectKinds(t, st, "mmmm")
}

func TestLaneForfeitsWhatTheWorkerDropped(t *testing.T) {
	l, st, h := newRung(t)
	encode(t, l, h, 10, 50)
	encode(t, l, h, 11, 1)
	l.rest(others(h, 13))
	l.wake(11)
	encode(t, l, h, 13, 50)
	encode(t, l, h, 14, 1)
	expectKinds(t, st, "mllm")
}

func TestNobodyKeepsPromisesAfterTheEnd(t *testing.T) {
	l, st, h := newRung(t)
	encode(t, l, h, 10, 50)
	encode(t, l, h, 11, 1)
	l.rest(others(h, 12))
	l.giveUpTo(12, h)
	l.finish()
	l.follow(others(h, 13), true)
	l.wake(l.listed)
	expectKinds(t, st, "mlg")
	if l.next != 13 || l.behind() {
		t.Errorf("the lane waits for segment %d, want 13", l.next)
	}
}

func TestAnotherInitBreaksThePromise(t *testing.T) {
	l, st, h := newRung(t)
	encode(t, l, h, 10, 50)
	encode(t, l, h, 11, 1)
	l.rest(others(h, 12))
	other := *l.init
	other.Hash = "other"
	l.init = &other
	l.follow(others(h, 13), false)
	l.wake(11)
	encode(t, l, h, 11, 50)
	encode(t, l, h, 12, 50)
	encode(t, l, h, 13, 1)
	expectKinds(t, st, "mml")
}
