package httpserve

import (
	"sync"
	"sync/atomic"

	"weir/pkg/store"
)

// texts caches the newest rendering of every playlist and manifest. A text is
// rendered when the first viewer asks for a version, and never twice.
type texts struct {
	store      *store.Store
	compressor *compressor
	metrics    *metrics
	// streams maps *store.Stream to *shelf.
	streams sync.Map
}

func newTexts(st *store.Store, c *compressor, m *metrics) *texts {
	return &texts{store: st, compressor: c, metrics: m}
}

// shelf holds the texts of one stream: a *slot by name, as many as the stream
// has playlists and manifests.
type shelf struct{ slots sync.Map }

// slot holds the newest rendering of one text.
type slot struct{ newest atomic.Pointer[rendering] }

// rendering is one version of a text, made by whoever asks first while the
// others wait.
type rendering struct {
	version uint64
	make    func() (*document, error)
}

// get returns the text called name of st, rendered by render if there is none
// of this version or a newer one.
func (t *texts) get(st *store.Stream, k kind, name string, version uint64, render func() ([]byte, error)) (*document, error) {
	s := t.slot(st, string(k)+"/"+name)
	for {
		newest := s.newest.Load()
		if newest != nil && newest.version >= version {
			return newest.make()
		}
		next := &rendering{version: version, make: sync.OnceValues(func() (*document, error) {
			t.metrics.renders.WithLabelValues(string(k)).Inc()
			body, err := render()
			if err != nil {
				return nil, err
			}
			return newDocument(body, t.compressor), nil
		})}
		if s.newest.CompareAndSwap(newest, next) {
			return next.make()
		}
	}
}

func (t *texts) slot(st *store.Stream, name string) *slot {
	found, ok := t.streams.Load(st)
	if !ok {
		t.sweep()
		found, _ = t.streams.LoadOrStore(st, &shelf{})
	}
	slots := &found.(*shelf).slots //nolint:forcetypeassert // streams holds nothing else.
	one, ok := slots.Load(name)
	if !ok {
		one, _ = slots.LoadOrStore(name, &slot{})
	}
	return one.(*slot) //nolint:forcetypeassert // slots holds nothing else.
}

// sweep forgets the texts of streams that are gone. It runs whenever a stream
// comes, so that there are never more shelves than streams by much.
func (t *texts) sweep() {
	t.streams.Range(func(key, _ any) bool {
		st := key.(*store.Stream) //nolint:forcetypeassert // streams holds nothing else.
		if now, ok := t.store.Stream(st.Name()); !ok || now != st {
			t.streams.Delete(key)
		}
		return true
	})
}
