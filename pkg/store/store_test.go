package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"weir/pkg/media"
	"weir/pkg/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStoreOpensNamesAndRemoves(t *testing.T) {
	s := store.New(store.Options{})
	b, a := s.Open("b"), s.Open("a")
	if s.Open("b") != b || a == b {
		t.Error("Open makes a second stream of the same name")
	}
	if got := s.Names(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("Names() = %v", got)
	}
	s.Remove("b")
	s.Remove("nobody")
	if _, ok := s.Stream("b"); ok || s.Open("b") == b {
		t.Error("a removed stream is still there")
	}
}

func TestWindowSlides(t *testing.T) {
	for _, c := range []struct {
		name     string
		duration time.Duration
		count    int
		listed   int
	}{
		{"first", 2 * time.Second, 1, 1},
		{"not full", 2 * time.Second, 15, 15},
		{"full at 30 s", 2 * time.Second, 16, 15},
		{"after an hour", 2 * time.Second, 1800, 15},
		{"audio, a little shorter", 1_999 * time.Millisecond, 100, 15},
		{"uneven, never below the window", 1_670 * time.Millisecond, 100, 18},
		{"long segments, never fewer than three", 16 * time.Second, 10, 3},
		{"no duration at all", 0, 1000, 300},
	} {
		t.Run(c.name, func(t *testing.T) {
			st, w := declared(t, store.Options{})
			for range c.count {
				w.segment(c.duration)
			}
			got := window(t, st, video)
			if len(got.Segments) != c.listed {
				t.Fatalf("%d segments are listed, want %d", len(got.Segments), c.listed)
			}
			if next, ok := got.NextMSN(); !ok || next != w.msn {
				t.Errorf("next number %d, want %d", next, w.msn)
			}
		})
	}
}

func TestPartsOfTheOpenSegment(t *testing.T) {
	st, w := declared(t, store.Options{})
	first := w.part(time.Second)
	before := window(t, st, video)
	second := w.part(time.Second)
	if len(before.Open) != 1 || before.Open[0] != first {
		t.Fatal("a view that was handed out has changed")
	}
	now := window(t, st, video)
	if !slices.Equal(now.Open, []*media.Part{first, second}) || now.OpenPeriod != w.period || now.OpenInit != w.init {
		t.Fatalf("open: %v %v %v", now.Open, now.OpenPeriod, now.OpenInit)
	}
	if now.Version <= before.Version {
		t.Error("the version did not grow")
	}
	if now.NextSerial != second.Serial+1 {
		t.Errorf("part %d is said to come next", now.NextSerial)
	}
	seg := w.complete()
	now = window(t, st, video)
	if len(now.Open) != 0 || now.OpenPeriod != nil || now.OpenInit != nil || !slices.Equal(now.Segments, []*media.Segment{seg}) {
		t.Fatalf("after the segment: %+v", now)
	}
	for _, p := range []*media.Part{first, second} {
		if got, ok := st.Part(video, p.Serial); !ok || got != p {
			t.Errorf("part %d is gone", p.Serial)
		}
	}
	if got, ok := st.Segment(video, seg.Start); !ok || got != seg {
		t.Error("the segment is not found by its start")
	}
}

func TestDroppedPartsStayForOneWindow(t *testing.T) {
	st, w := declared(t, store.Options{})
	early := w.part(300 * time.Millisecond)
	w.drop()
	if now := window(t, st, video); len(now.Open) != 0 {
		t.Fatal("dropped parts are still open")
	}
	for range 15 {
		w.segment(2 * time.Second)
		if _, ok := st.Part(video, early.Serial); !ok {
			t.Fatalf("a dropped part is gone after %s", scale.Duration(w.at-early.Start))
		}
	}
	for range 2 {
		w.segment(2 * time.Second)
	}
	if _, ok := st.Part(video, early.Serial); ok {
		t.Fatal("a dropped part is kept for ever")
	}
}

// TestBytes: parts have one byte here and init segments two.
func TestBytes(t *testing.T) {
	st, w := declared(t, store.Options{})
	w.part(300 * time.Millisecond)
	w.drop()
	w.segment(2 * time.Second)
	w.part(300 * time.Millisecond)
	if got := st.Bytes(); got != 2+1+6+1 {
		t.Errorf("an init segment, a dropped part, a segment and an open part have %d bytes", got)
	}
	w.complete()
	for range 40 {
		w.segment(2 * time.Second)
	}
	full := st.Bytes()
	for range 40 {
		w.segment(2 * time.Second)
	}
	if again := st.Bytes(); again != full || full < 2+30*6 || full > 2+33*6 {
		t.Errorf("a full window has %d bytes, and later %d", full, again)
	}
}

func TestGapsAreListedButHaveNoBytes(t *testing.T) {
	st, w := declared(t, store.Options{})
	half := w.part(time.Second)
	start := w.open[0].Start
	w.gap(2 * time.Second)
	now := window(t, st, video)
	if len(now.Segments) != 1 || !now.Segments[0].Gap || len(now.Open) != 0 {
		t.Fatalf("window %+v", now)
	}
	if _, ok := st.Segment(video, start); ok {
		t.Error("a gap is served")
	}
	if _, ok := st.Part(video, half.Serial); !ok {
		t.Error("a part that was published before the gap is gone")
	}
}

func TestNumbersStayConsecutiveWhateverIsAdded(t *testing.T) {
	st, w := declared(t, store.Options{})
	w.segment(2 * time.Second)
	old := w.segment(2 * time.Second)
	st.AddSegment(video, old)
	if n := len(window(t, st, video).Segments); n != 2 {
		t.Fatalf("%d segments after one came twice", n)
	}
	w.msn += 5
	newest := w.segment(2 * time.Second)
	if got := window(t, st, video).Segments; !slices.Equal(got, []*media.Segment{newest}) {
		t.Fatalf("after a number was left out: %d segments are listed", len(got))
	}
	if _, ok := st.Segment(video, old.Start); !ok {
		t.Error("what was listed before is not fetchable any more")
	}
}

func TestInitsStayAsLongAsTheirSegments(t *testing.T) {
	st, w := declared(t, store.Options{})
	w.segment(2 * time.Second)
	w.setInit("b1")
	for range 15 + 15 {
		w.segment(2 * time.Second)
	}
	if _, ok := st.Init(video, "a0"); !ok {
		t.Fatal("an init segment left before its last segment")
	}
	for range 2 {
		w.segment(2 * time.Second)
	}
	if _, ok := st.Init(video, "a0"); ok {
		t.Fatal("an init segment is kept for ever")
	}
	if got, ok := st.Init(video, "b1"); !ok || got != w.init {
		t.Fatal("the newest init segment is not found")
	}
}

func TestAnotherSamplingRateCountsInItsOwnTimescale(t *testing.T) {
	st, _ := declared(t, store.Options{})
	st.UpdateRendition(&media.Rendition{ID: audio, Kind: media.Audio, Timescale: 44_100})
	init := &media.Init{Hash: "c2", Track: &media.Track{Kind: media.Audio, Timescale: 96_000}}
	for msn := range uint64(40) {
		st.AddSegment(audio, &media.Segment{MSN: msn, Start: media.Ticks(msn), Duration: 192_000, Init: init})
	}
	if n := len(window(t, st, audio).Segments); n != 15 {
		t.Fatalf("%d segments of 2 s are listed, want 15", n)
	}
}

func TestEndAndResume(t *testing.T) {
	st, w := declared(t, store.Options{})
	old := w.segment(2 * time.Second)
	st.End()
	p := st.Presentation()
	if !p.Ended || !p.Windows[0].Ended || !p.Windows[1].Ended {
		t.Fatal("End ended nothing")
	}
	st.Resume()
	if p = st.Presentation(); p.Ended || p.Windows[0].Ended || len(p.Windows[0].Segments) != 0 {
		t.Fatalf("after Resume: %+v", p.Windows[0])
	}
	for range 15 {
		w.segment(2 * time.Second)
		if _, ok := st.Segment(video, old.Start); !ok {
			t.Fatalf("what was listed before is gone %s after Resume", scale.Duration(w.at-old.Start))
		}
	}
	if got := window(t, st, video).Segments; len(got) != 15 || got[0].MSN != old.MSN+1 {
		t.Fatalf("%d segments are listed, from %d on", len(got), got[0].MSN)
	}
	st.AddSegment(video, old)
	if got := window(t, st, video).Segments; len(got) != 15 {
		t.Fatal("a number went back")
	}
}

func TestExpect(t *testing.T) {
	st := store.New(store.Options{}).Open("main")
	st.End() // nothing to end yet
	if st.Expected() || st.Presentation() != nil {
		t.Fatal("a new stream is expected or has a presentation")
	}
	if st.Expect(); !st.Expected() {
		t.Fatal("not expected")
	}
	st.Declare(2, 0.35, []*media.Rendition{{ID: video}})
	if st.Expected() {
		t.Fatal("still expected after it came back")
	}
	before := st.Presentation().Version
	st.Declare(4, 0.35, []*media.Rendition{{ID: audio}})
	if p := st.Presentation(); p.Version <= before || p.TargetDuration != 4 || len(p.Windows) != 1 {
		t.Fatalf("second declaration: %+v", p)
	}
}

func TestUnknownRenditionsAreNotFound(t *testing.T) {
	st, w := declared(t, store.Options{})
	seg := w.segment(2 * time.Second)
	before := st.Presentation()
	st.AddSegment("8k", seg)
	if st.Presentation() != before {
		t.Error("a rendition that was never declared changed the stream")
	}
	_, segment := st.Segment("8k", seg.Start)
	_, part := st.Part("8k", 0)
	_, init := st.Init("8k", "a0")
	if segment || part || init {
		t.Error("something was found in a rendition that was never declared")
	}
}

func TestAsked(t *testing.T) {
	st, _ := declared(t, store.Options{})
	now := time.Unix(1_795_000_000, 500)
	st.Asked("8k", now)
	if !st.LastAsked(video).IsZero() || !st.LastAsked("8k").IsZero() {
		t.Fatal("nobody has asked yet")
	}
	st.Asked(video, now)
	if got := st.LastAsked(video); !got.Equal(now) {
		t.Fatalf("last asked at %v", got)
	}
	if !st.LastAsked(audio).IsZero() {
		t.Fatal("nobody has asked for audio")
	}
}

func hasSegment(p *media.Presentation) bool { return len(p.Windows[0].Segments) > 0 }

func TestWaitReturnsAtThePublishItWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := store.New(store.Options{}).Open("main")
		got := make(chan *media.Presentation, 1)
		go func() {
			p, err := st.Wait(t.Context(), hasSegment)
			if err != nil {
				t.Error(err)
			}
			got <- p
		}()
		synctest.Wait()
		st.Declare(2, 0.35, []*media.Rendition{{ID: video, Timescale: scale}})
		w := newWriter(st)
		w.part(time.Second)
		synctest.Wait()
		if len(got) != 0 {
			t.Fatal("woke up and returned before a segment was there")
		}
		w.complete()
		if p := <-got; len(p.Windows[0].Segments) != 1 {
			t.Fatalf("returned %+v", p)
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	st, _ := declared(t, store.Options{})
	reason := errors.New("viewer left")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	p, err := st.Wait(ctx, hasSegment)
	if !errors.Is(err, reason) || p == nil {
		t.Fatalf("Wait = %v, %v", p, err)
	}
}

func TestRemoveWakesWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.New(store.Options{})
		st := s.Open("main")
		done := make(chan error, 1)
		go func() {
			_, err := st.Wait(t.Context(), hasSegment)
			done <- err
		}()
		synctest.Wait()
		s.Remove("main")
		if err := <-done; !errors.Is(err, store.ErrRemoved) {
			t.Fatalf("Wait = %v", err)
		}
	})
}

// TestOnlyWhoIsConcernedIsWoken: a part of one rendition wakes nobody who waits for
// another, and what concerns the stream wakes all.
func TestOnlyWhoIsConcernedIsWoken(t *testing.T) {
	st, w := declared(t, store.Options{})
	woken := func(ch <-chan struct{}) bool {
		select {
		case <-ch:
			return true
		default:
			return false
		}
	}
	for name, c := range map[string]struct {
		change             func()
		video, audio, none bool
	}{
		"a part of video":   {func() { w.part(time.Second / 3) }, true, false, true},
		"the end":           {st.End, true, true, true},
		"another beginning": {st.Resume, true, true, true},
	} {
		ofVideo, ofAudio, ofAny := st.Now(video).Changed, st.Now(audio).Changed, st.Now("").Changed
		c.change()
		if woken(ofVideo) != c.video || woken(ofAudio) != c.audio || woken(ofAny) != c.none {
			t.Errorf("%s: video %v, audio %v, any %v", name, woken(ofVideo), woken(ofAudio), woken(ofAny))
		}
	}
}
