package store_test

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/pkg/media"
	"weir/pkg/store"
)

// pending promises the next segment of 2 s.
func (w *writer) pending() *media.Segment {
	seg := &media.Segment{
		MSN: w.msn, Start: w.at, Duration: scale.Ticks(2 * time.Second), Period: w.period, Init: w.init, Pending: true,
	}
	w.msn++
	w.at += seg.Duration
	w.st.AddSegment(w.id, seg)
	return seg
}

// made is the promised segment with bytes.
func (w *writer) made(promised *media.Segment) *media.Segment {
	seg := *promised
	seg.Pending = false
	seg.Parts = []*media.Part{{Serial: w.serial, MSN: seg.MSN, Start: seg.Start, Duration: seg.Duration, Bytes: []byte{1}}}
	seg.Size = 1
	w.serial++
	return &seg
}

func TestPendingSegmentsAreFilled(t *testing.T) {
	st, w := declared(t, store.Options{})
	w.segment(2 * time.Second)
	promised, next := w.pending(), w.pending()
	before, all := window(t, st, video), st.Presentation()
	if got, ok := st.Segment(video, promised.Start); !ok || !got.Pending {
		t.Fatalf("a pending segment is %+v, %v", got, ok)
	}
	seg := w.made(promised)
	seg.Duration += 3 // what is listed has been promised
	if !st.Fill(video, seg) {
		t.Fatal("not filled")
	}
	now := window(t, st, video)
	if now.Version != before.Version || st.Presentation().Version != all.Version {
		t.Error("the version grew, although the lists say the same")
	}
	if before.Segments[1].Parts != nil || !before.Segments[1].Pending {
		t.Error("a view that was handed out has changed")
	}
	got, ok := st.Segment(video, promised.Start)
	if !ok || got.Pending || len(got.Parts) != 1 || got.Duration != promised.Duration || now.Segments[1] != got {
		t.Errorf("filled: %+v, %v", got, ok)
	}
	if p, ok := st.Part(video, seg.Parts[0].Serial); !ok || p != seg.Parts[0] {
		t.Error("its part is not found")
	}
	for name, wrong := range map[string]func(*media.Segment){
		"twice":              func(s *media.Segment) { s.MSN, s.Start = promised.MSN, promised.Start },
		"with another start": func(s *media.Segment) { s.Start++ },
		"with another init":  func(s *media.Segment) { s.Init = &media.Init{Hash: "b"} },
	} {
		other := w.made(next)
		wrong(other)
		if st.Fill(video, other) {
			t.Errorf("filled %s", name)
		}
	}
	if !st.Fill(video, w.made(next)) {
		t.Error("the next one is not filled")
	}
}

func TestForfeitedSegmentsStayListed(t *testing.T) {
	st, w := declared(t, store.Options{})
	first, second, third := w.segment(2*time.Second), w.pending(), w.pending()
	before := window(t, st, video)
	waiting := make(chan bool)
	go func() {
		found := true
		_, err := st.Wait(t.Context(), func(*media.Presentation) bool {
			_, found = st.Segment(video, second.Start)
			return !found
		})
		waiting <- err == nil && !found
	}()
	st.Forfeit(video, second.MSN, third.MSN)
	if !<-waiting {
		t.Error("whoever waited for it was not let go")
	}
	now := window(t, st, video)
	if len(now.Segments) != 3 || now.Version != before.Version {
		t.Error("the listing has changed")
	}
	if got, ok := st.Segment(video, first.Start); !ok || got != first {
		t.Error("a segment with bytes was given up")
	}
	if got, ok := st.Segment(video, third.Start); !ok || !got.Pending {
		t.Error("a segment that can still be made was given up")
	}
	if st.Fill(video, w.made(second)) {
		t.Error("what was lost came back")
	}
}

// TestFillChangesNoListing fills and forfeits promises in any order.
func TestFillChangesNoListing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		st := store.New(store.Options{Window: 10 * time.Second}).Open("main")
		st.Declare(2, 0.35, []*media.Rendition{{ID: video, Kind: media.Video, Timescale: scale}})
		w := newWriter(st)
		var promised []*media.Segment
		quietly := func(change func()) {
			before, _ := st.Presentation().Window(video)
			change()
			after, _ := st.Presentation().Window(video)
			if after.Version != before.Version || len(after.Segments) != len(before.Segments) {
				t.Fatal("the listing has changed")
			}
			for i, a := range before.Segments {
				b := after.Segments[i]
				if a.MSN != b.MSN || a.Start != b.Start || a.Duration != b.Duration || a.Init != b.Init || a.Gap != b.Gap {
					t.Fatalf("segment %+v became %+v", a, b)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"segment": func(*rapid.T) { w.segment(2 * time.Second) },
			"pending": func(*rapid.T) { promised = append(promised, w.pending()) },
			"fill": func(t *rapid.T) {
				if len(promised) > 0 {
					seg := rapid.SampledFrom(promised).Draw(t, "segment")
					quietly(func() { st.Fill(video, w.made(seg)) })
				}
			},
			"forfeit": func(t *rapid.T) {
				if len(promised) > 0 {
					seg := rapid.SampledFrom(promised).Draw(t, "segment")
					quietly(func() { st.Forfeit(video, 0, seg.MSN) })
				}
			},
		})
	})
}

func TestAskingWakesOnlyForWhatRests(t *testing.T) {
	st, _ := declared(t, store.Options{})
	woken := func() bool {
		select {
		case <-st.Awake():
			return true
		default:
			return false
		}
	}
	now := time.Unix(1_795_000_000, 0)
	st.Asked(video, now)
	if woken() {
		t.Error("woken for a rendition that is encoded")
	}
	st.Rest(video, true)
	st.AskedFor("8k", 1, now)
	st.Asked(audio, now)
	if woken() {
		t.Error("woken for another rendition")
	}
	for _, start := range []media.Ticks{900, 300, 600} {
		st.AskedFor(video, start, now.Add(time.Second))
	}
	if !woken() || woken() {
		t.Error("want to be woken once, whatever was asked")
	}
	if got := st.LastAsked(video); !got.Equal(now.Add(time.Second)) {
		t.Errorf("last asked at %v", got)
	}
	if start, ok := st.TakeWanted(video); !ok || start != 300 {
		t.Errorf("wanted from %d, %v; want 300", start, ok)
	}
	if _, ok := st.TakeWanted(video); ok {
		t.Error("what was taken is wanted still")
	}
	if !st.Resting(video) || st.Resting(audio) || st.Resting("8k") {
		t.Error("what rests is not told")
	}
	st.Rest(video, false)
	st.Asked(video, now)
	if woken() {
		t.Error("woken after the rest")
	}
}

func TestWaitForASegmentEndsWithItsContext(t *testing.T) {
	st, w := declared(t, store.Options{})
	promised := w.pending()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := st.Wait(ctx, func(*media.Presentation) bool {
		seg, ok := st.Segment(video, promised.Start)
		return !ok || !seg.Pending
	}); err == nil {
		t.Error("no error although nothing came")
	}
}
