package store_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/pkg/media"
	"weir/pkg/store"
)

// viewer remembers everything that a playlist ever listed, with how much
// media had been added when it was last listed.
type viewer struct {
	added    time.Duration
	segments map[media.Ticks]time.Duration
	parts    map[uint64]time.Duration
	inits    map[string]time.Duration
}

func newViewer() *viewer {
	return &viewer{
		segments: map[media.Ticks]time.Duration{}, parts: map[uint64]time.Duration{}, inits: map[string]time.Duration{},
	}
}

func (v *viewer) look(w *media.Window) {
	for _, seg := range w.Segments {
		if !seg.Gap {
			v.segments[seg.Start] = v.added
			v.inits[seg.Init.Hash] = v.added
		}
		for _, p := range seg.Parts {
			v.parts[p.Serial] = v.added
		}
	}
	for _, p := range w.Open {
		v.parts[p.Serial] = v.added
		v.inits[w.OpenInit.Hash] = v.added
	}
}

// check fetches all that was listed less than a window ago.
func (v *viewer) check(t *rapid.T, st *store.Stream, keep time.Duration) {
	fresh := func(last time.Duration) bool { return v.added-last < keep }
	for start, last := range v.segments {
		if seg, ok := st.Segment(video, start); fresh(last) && (!ok || seg.Start != start) {
			t.Fatalf("segment %d, listed %s ago, is gone", start, v.added-last)
		}
	}
	for serial, last := range v.parts {
		if p, ok := st.Part(video, serial); fresh(last) && (!ok || p.Serial != serial) {
			t.Fatalf("part %d, listed %s ago, is gone", serial, v.added-last)
		}
	}
	for hash, last := range v.inits {
		if _, ok := st.Init(video, hash); fresh(last) && !ok {
			t.Fatalf("init %s, listed %s ago, is gone", hash, v.added-last)
		}
	}
}

func checkListing(t *rapid.T, w *media.Window, all int, full time.Duration) {
	total := time.Duration(0)
	for i, seg := range w.Segments {
		if want := w.Segments[0].MSN + uint64(i); seg.MSN != want {
			t.Fatalf("number %d at place %d, want %d", seg.MSN, i, want)
		}
		total += scale.Duration(seg.Duration)
	}
	if len(w.Open) > 0 {
		if next, _ := w.NextMSN(); w.Open[0].MSN != next {
			t.Fatalf("open segment %d follows %d", w.Open[0].MSN, next-1)
		}
	}
	const slack = 50 * time.Millisecond
	if len(w.Segments) < all && (len(w.Segments) < 3 || total < full-slack) {
		t.Fatalf("%d segments of %s listed, of %d", len(w.Segments), total, all)
	}
	if len(w.Segments) > 3 && total-scale.Duration(w.Segments[0].Duration) >= full {
		t.Fatalf("%s listed, window is %s", total, full)
	}
}

func TestWindowKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const full = 10 * time.Second
		st := store.New(store.Options{Window: full}).Open("main")
		st.Declare(2, 0.35, []*media.Rendition{{ID: video, Kind: media.Video, Timescale: scale}})
		w, seen, all := newWriter(st), newViewer(), 0
		duration := rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.IntRange(100, 3500).Draw(t, "ms")) * time.Millisecond
		})
		version := uint64(0)
		add := func(d time.Duration) { all++; seen.added += d }
		t.Repeat(map[string]func(*rapid.T){
			"part": func(t *rapid.T) {
				w.part(time.Duration(rapid.IntRange(1, 10).Draw(t, "frames")) * 33 * time.Millisecond)
			},
			"drop": func(*rapid.T) { w.drop() },
			"segment": func(t *rapid.T) {
				w.part(duration.Draw(t, "duration"))
				add(scale.Duration(w.complete().Duration))
			},
			"gap":  func(t *rapid.T) { d := duration.Draw(t, "duration"); w.gap(d); add(d) },
			"init": func(t *rapid.T) { w.drop(); w.setInit(rapid.StringMatching(`[0-9a-f]{8}`).Draw(t, "hash")) },
			"end":  func(*rapid.T) { st.End() },
			"resume": func(*rapid.T) {
				w.drop()
				st.Resume()
				all = 0
			},
			"": func(t *rapid.T) {
				now, _ := st.Presentation().Window(video)
				if p := st.Presentation(); p.Version < version {
					t.Fatalf("version went back from %d to %d", version, p.Version)
				} else {
					version = p.Version
				}
				checkListing(t, now, all, full)
				seen.look(now)
				seen.check(t, st, full)
			},
		})
	})
}

// TestListedStaysFetchableUnderReaders has readers fetch everything that a
// presentation lists while the writer goes on as fast as it can.
func TestListedStaysFetchableUnderReaders(t *testing.T) {
	st, w := declared(t, store.Options{Window: 6 * time.Second})
	w.segment(2 * time.Second)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					fetchAll(t, st)
				}
			}
		})
	}
	for range 3000 {
		w.segment(2 * time.Second)
		runtime.Gosched()
	}
	close(done)
	readers.Wait()
}

func fetchAll(t *testing.T, st *store.Stream) {
	t.Helper()
	listed := window(t, st, video)
	last, _ := listed.NextMSN()
	// A reader that was not scheduled for a whole window may find less.
	late := func() bool {
		now, _ := window(t, st, video).NextMSN()
		return now >= last+3
	}
	for _, seg := range listed.Segments {
		if got, ok := st.Segment(video, seg.Start); (!ok || got != seg) && !late() {
			t.Errorf("segment %d is listed and not there", seg.MSN)
		}
		for _, p := range seg.Parts {
			if got, ok := st.Part(video, p.Serial); (!ok || got != p) && !late() {
				t.Errorf("part %d is listed and not there", p.Serial)
			}
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	st, w := declared(t, store.Options{})
	var starts []media.Ticks
	for i := range 2000 {
		w.part(500 * time.Millisecond)
		w.drop()
		if i%7 == 0 {
			w.setInit(string(rune('a' + i%26)))
		}
		starts = append(starts, w.segment(2*time.Second).Start)
	}
	found := 0
	for _, start := range starts {
		if _, ok := st.Segment(video, start); ok {
			found++
		}
	}
	if want := 15 + 16; found != want {
		t.Errorf("%d segments of 2 s are kept, want %d", found, want)
	}
	parts := 0
	for serial := range w.serial {
		if _, ok := st.Part(video, serial); ok {
			parts++
		}
	}
	if limit := 31*6 + 17; parts > limit {
		t.Errorf("%d parts are kept, want at most %d", parts, limit)
	}
}
