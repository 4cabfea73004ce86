package store

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultWindow is how much complete media a playlist lists: 30 s, which is
// also the MPD's timeShiftBufferDepth.
const DefaultWindow = 30 * time.Second

// Options are the settings of a Store; the zero value is ready to use.
type Options struct {
	// Window is how much complete media a playlist lists, in media time;
	// DefaultWindow if 0. Segments stay fetchable for another window and one
	// segment more.
	Window time.Duration
}

// Store holds streams by name. Its methods may be called from any goroutine.
type Store struct {
	window time.Duration
	// writing guards the replacement of streams, never its reading.
	writing sync.Mutex
	streams atomic.Pointer[map[string]*Stream]
}

// New makes an empty store.
func New(opts Options) *Store {
	s := &Store{window: opts.Window}
	if s.window <= 0 {
		s.window = DefaultWindow
	}
	s.streams.Store(&map[string]*Stream{})
	return s
}

// Open returns the stream of that name and makes it if there is none.
func (s *Store) Open(name string) *Stream {
	s.writing.Lock()
	defer s.writing.Unlock()
	streams := *s.streams.Load()
	if st, ok := streams[name]; ok {
		return st
	}
	st := newStream(name, s.window)
	changed := maps.Clone(streams)
	changed[name] = st
	s.streams.Store(&changed)
	return st
}

// Stream returns the stream of that name; ok is false if there is none.
func (s *Store) Stream(name string) (st *Stream, ok bool) {
	st, ok = (*s.streams.Load())[name]
	return st, ok
}

// Names lists the streams in alphabetical order.
func (s *Store) Names() []string {
	return slices.Sorted(maps.Keys(*s.streams.Load()))
}

// Remove forgets a stream with everything in it and wakes whoever waits for
// it. A stream opened under the same name later is another one.
func (s *Store) Remove(name string) {
	s.writing.Lock()
	defer s.writing.Unlock()
	streams := *s.streams.Load()
	st, ok := streams[name]
	if !ok {
		return
	}
	changed := maps.Clone(streams)
	delete(changed, name)
	s.streams.Store(&changed)
	st.remove()
}
