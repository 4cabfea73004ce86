package live

import (
	"log/slog"
	"testing"
	"time"

	"weir/pkg/media"
	"weir/pkg/store"
)

// newRung makes a lane of 25 fps whose first segment is 10, with the
// boundaries of segments 10 to 14, 2 s each.
func newRung(t *testing.T) (*lane, *store.Stream, *history) {
	t.Helper()
	r := &media.Rendition{ID: "480p", Kind: media.Video, Timescale: media.VideoTimescale}
	st := store.New(store.Options{}).Open("main")
	st.Declare(2, 0.35, []*media.Rendition{r})
	h := newHistory(state{NextMSN: 10}, time.Unix(0, 0))
	period := &media.Period{}
	for i := range uint64(5) {
		h.add(media.Boundary{MSN: 10 + i, PTS: media.Ticks(i) * segmentLength, Period: period})
	}
	return newLane(r, 10, st, slog.New(slog.DiscardHandler)), st, &h
}

// encode pushes n pictures of segment msn, as the worker does.
func encode(t *testing.T, l *lane, h *history, msn uint64, n int) {
	t.Helper()
	slot, ok := h.find(msn)
	if !ok {
		t.Fatalf("segment %d is not known", msn)
	}
	l.skipTo(msn, h)
	l.boundary(slot.Boundary)
	track := &media.Track{
		Kind: media.Video, Codec: media.H264, Timescale: media.VideoTimescale,
		Config: []byte{1, 100, 0, 31, 0xff, 0xe0, 0}, FrameRate: media.Rational{Num: 25, Den: 1},
	}
	for i := range n {
		at := slot.PTS + media.Ticks(i)*3600
		l.push(media.AccessUnit{Track: track, DTS: at, PTS: at, Duration: 3600, Sync: i == 0, Data: []byte{1}})
	}
}

func listed(st *store.Stream) []*media.Segment { return st.Presentation().Windows[0].Segments }

func expectSegments(t *testing.T, st *store.Stream, gaps ...bool) {
	t.Helper()
	segs := listed(st)
	if len(segs) != len(gaps) {
		t.Fatalf("%d segments are listed, want %d", len(segs), len(gaps))
	}
	for i, seg := range segs {
		if seg.MSN != 10+uint64(i) || seg.Gap != gaps[i] || seg.Duration != segmentLength {
			t.Errorf("place %d holds segment %d (gap %v) of %d ticks, want %d (gap %v) of 2 s", i, seg.MSN, seg.Gap, seg.Duration, 10+i, gaps[i])
		}
	}
}

func TestLaneInOrder(t *testing.T) {
	l, st, h := newRung(t)
	for msn := uint64(10); msn < 14; msn++ {
		encode(t, l, h, msn, 50)
	}
	expectSegments(t, st, false, false, false)
}

func TestLaneSkipsWhatTheWorkerDropped(t *testing.T) {
	l, st, h := newRung(t)
	encode(t, l, h, 10, 50)
	encode(t, l, h, 13, 50)
	encode(t, l, h, 14, 1)
	expectSegments(t, st, false, true, true, false)
}

func TestLaneStartsLate(t *testing.T) {
	l, st, h := newRung(t)
	encode(t, l, h, 12, 50)
	encode(t, l, h, 13, 1)
	expectSegments(t, st, true, true, false)
}

func TestLaneStartsAgainAfterARestart(t *testing.T) {
	l, st, h := newRung(t)
	encode(t, l, h, 10, 50)
	encode(t, l, h, 11, 20)
	encode(t, l, h, 11, 50)
	encode(t, l, h, 12, 1)
	expectSegments(t, st, false, false)
}

func TestLaneGivesUpWhatIsLate(t *testing.T) {
	l, st, h := newRung(t)
	encode(t, l, h, 10, 50)
	encode(t, l, h, 11, 20)
	l.giveUpTo(13, h)
	expectSegments(t, st, false, true, true)
	if l.next != 13 {
		t.Errorf("the lane waits for segment %d, want 13", l.next)
	}
	encode(t, l, h, 13, 50)
	encode(t, l, h, 14, 1)
	expectSegments(t, st, false, true, true, false)
}
