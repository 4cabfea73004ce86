package store

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir/pkg/media"
)

// Stream is one stream's windows. The methods in this file write: they belong
// to one goroutine, in pkg/live. Those in read.go may be called from any.
type Stream struct {
	name   string
	window time.Duration
	// writing keeps Store.Remove apart from the writer. Readers never take it.
	writing sync.Mutex
	view    atomic.Pointer[view]
	// awake holds a word while somebody waits for what is not encoded.
	awake chan struct{}
}

// view is what readers see of a stream at one moment. Nothing in it is ever
// written again, but for what is counted in demands.
type view struct {
	// presentation is nil before Declare.
	presentation *media.Presentation
	// shelves and demands are in the order of presentation.Windows.
	shelves []*shelf
	demands []*demand
	// expected is true for a stream that was live before a restart, until it
	// is declared again.
	expected bool
	removed  bool
	// wake is closed when another view has replaced this one, wakes, in the order of
	// presentation.Windows, when one has in which that rendition is another.
	wake  chan struct{}
	wakes []chan struct{}
}

func newStream(name string, window time.Duration) *Stream {
	st := &Stream{name: name, window: window, awake: make(chan struct{}, 1)}
	st.view.Store(&view{wake: make(chan struct{})})
	return st
}

// publish replaces the view by what change makes of it and wakes all waiters.
func (st *Stream) publish(change func(next *view)) {
	st.writing.Lock()
	defer st.writing.Unlock()
	old := st.view.Load()
	next := *old
	next.wake = make(chan struct{})
	change(&next)
	next.wakes = nil
	if next.presentation != nil {
		next.wakes = make([]chan struct{}, len(next.presentation.Windows))
		for i := range next.wakes {
			next.wakes[i] = make(chan struct{})
		}
	}
	st.view.Store(&next)
	for _, wake := range old.wakes {
		close(wake)
	}
	close(old.wake)
}

// publishOne is publish for a change in the rendition at i alone: who waits for
// another one sleeps on.
func (st *Stream) publishOne(old *view, i int, change func(next *view)) {
	next := *old
	next.wake, next.wakes = make(chan struct{}), slices.Clone(old.wakes)
	next.wakes[i] = make(chan struct{})
	change(&next)
	st.view.Store(&next)
	close(old.wakes[i])
	close(old.wake)
}

// Expect says that the stream was live before a restart: requests for its
// playlists are held until it is declared, not refused.
func (st *Stream) Expect() {
	st.publish(func(next *view) { next.expected = true })
}

// Declare fixes the set of renditions, video best first, then audio, with the
// target duration and the part target, both in seconds. It is called once, at
// the first publish; a second call starts the windows anew.
func (st *Stream) Declare(targetDuration int, partTarget float64, renditions []*media.Rendition) {
	st.publish(func(next *view) {
		p := &media.Presentation{
			Name: st.name, TargetDuration: targetDuration, PartTarget: partTarget, Version: 1,
		}
		if next.presentation != nil {
			p.Version = next.presentation.Version + 1
		}
		next.shelves, next.demands = nil, nil
		for _, r := range renditions {
			p.Windows = append(p.Windows, &media.Window{Rendition: r, Version: p.Version})
			next.shelves = append(next.shelves, &shelf{})
			next.demands = append(next.demands, &demand{})
		}
		next.presentation = p
		next.expected = false
	})
}

// Extend puts renditions before those that are there, whose windows stay as
// they are: a stream of audio alone gets video.
func (st *Stream) Extend(renditions []*media.Rendition) {
	st.publish(func(next *view) {
		p := *next.presentation
		p.Version++
		var windows []*media.Window
		var shelves []*shelf
		var demands []*demand
		for _, r := range renditions {
			windows = append(windows, &media.Window{Rendition: r, Version: p.Version})
			shelves = append(shelves, &shelf{})
			demands = append(demands, &demand{})
		}
		p.Windows = append(windows, p.Windows...)
		next.presentation = &p
		next.shelves, next.demands = append(shelves, next.shelves...), append(demands, next.demands...)
	})
}

// UpdateRendition replaces the description of a rendition: codecs become
// known, the promised bandwidth is raised.
func (st *Stream) UpdateRendition(r *media.Rendition) {
	st.change(r.ID, func(w *media.Window, _ *shelf) { w.Rendition = r })
}

// SetInit is the init segment of the parts and segments that follow; it is
// not changed inside a segment.
func (st *Stream) SetInit(id string, init *media.Init) {
	st.change(id, func(_ *media.Window, s *shelf) { s.setInit(init) })
}

// AddPart appends a part to the open segment of the rendition id.
func (st *Stream) AddPart(id string, part *media.Part, period *media.Period) {
	st.change(id, func(w *media.Window, s *shelf) {
		w.Open = append(slices.Clip(w.Open), part)
		w.OpenPeriod, w.OpenInit = period, s.newestInit()
		w.NextSerial = part.Serial + 1
	})
}

// DropParts takes back the parts of the open segment, which starts again. They
// stay fetchable like a segment that has left the playlist.
func (st *Stream) DropParts(id string) {
	st.change(id, func(w *media.Window, s *shelf) {
		s.stray(w.Open, nil)
		closeOpen(w)
	})
}

// AddSegment completes the open segment of the rendition id, or announces it
// as a gap or as pending. Numbers follow each other; one that was added before is ignored,
// and after one that was left out the playlist starts anew, since numbers in
// it are counted.
func (st *Stream) AddSegment(id string, seg *media.Segment) {
	st.change(id, func(w *media.Window, s *shelf) {
		if newest, ok := s.newest(); ok && seg.MSN <= newest {
			return
		}
		s.stray(w.Open, seg.Parts)
		closeOpen(w)
		w.Segments = s.add(w.Segments, seg, st.window, w.Rendition.Timescale)
	})
}

func closeOpen(w *media.Window) { w.Open, w.OpenPeriod, w.OpenInit = nil, nil, nil }

// End says that no segment follows: ENDLIST and a static MPD.
func (st *Stream) End() {
	st.changeAll(func(p *media.Presentation) { p.Ended = true }, func(w *media.Window, _ *shelf) { w.Ended = true })
}

// Resume takes End back: the stream is published anew with the same
// renditions. Its playlists begin anew as well: whoever played what was there
// before has seen its end, and whoever comes now wants what is live. What was
// listed stays fetchable for its time.
func (st *Stream) Resume() {
	st.changeAll(func(p *media.Presentation) { p.Ended = false }, func(w *media.Window, s *shelf) {
		w.Ended = false
		s.stray(w.Open, nil)
		closeOpen(w)
		w.Segments = nil
		s.retire()
	})
}

// changeAll publishes a stream in which copies of the presentation and of all
// windows and shelves were changed.
func (st *Stream) changeAll(edit func(p *media.Presentation), each func(w *media.Window, s *shelf)) {
	st.publish(func(next *view) {
		if next.presentation == nil {
			return
		}
		p := *next.presentation
		edit(&p)
		p.Version++
		p.Windows = slices.Clone(p.Windows)
		next.shelves = slices.Clone(next.shelves)
		for i := range p.Windows {
			w, s := *p.Windows[i], *next.shelves[i]
			each(&w, &s)
			w.Version++
			p.Windows[i], next.shelves[i] = &w, &s
		}
		next.presentation = &p
	})
}

// change publishes a stream in which copies of one window and its shelf were
// changed. An id that was never declared changes nothing.
func (st *Stream) change(id string, edit func(w *media.Window, s *shelf)) {
	st.swap(id, func(p *media.Presentation, w *media.Window, s *shelf) {
		edit(w, s)
		w.Version++
		p.Version++
	})
}

// swap is change without a new version: what lists say stays the same.
func (st *Stream) swap(id string, edit func(p *media.Presentation, w *media.Window, s *shelf)) {
	st.writing.Lock()
	defer st.writing.Unlock()
	old := st.view.Load()
	i := old.find(id)
	if i < 0 {
		return
	}
	st.publishOne(old, i, func(next *view) {
		p := *next.presentation
		w, s := *p.Windows[i], *next.shelves[i]
		edit(&p, &w, &s)
		p.Windows = slices.Clone(p.Windows)
		p.Windows[i] = &w
		next.presentation = &p
		next.shelves = slices.Clone(next.shelves)
		next.shelves[i] = &s
	})
}

func (st *Stream) remove() {
	st.publish(func(next *view) { next.removed = true })
}

// find is the place of the rendition id, -1 if there is none.
func (v *view) find(id string) int {
	if v.presentation == nil {
		return -1
	}
	for i, w := range v.presentation.Windows {
		if w.Rendition.ID == id {
			return i
		}
	}
	return -1
}
