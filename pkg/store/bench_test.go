package store_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/pkg/media"
	"weir/pkg/store"
)

func BenchmarkPublishSegment(b *testing.B) {
	_, w := declared(b, store.Options{})
	b.ReportAllocs()
	for b.Loop() {
		w.segment(2 * time.Second)
	}
}

func BenchmarkLookUp(b *testing.B) {
	st, w := declared(b, store.Options{})
	var seg *media.Segment
	for i := range 40 {
		if s := w.segment(2 * time.Second); i == 10 {
			seg = s
		}
	}
	b.Run("segment", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := st.Segment(video, seg.Start); !ok {
				b.Fatal("gone")
			}
		}
	})
	b.Run("part", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := st.Part(video, seg.Parts[3].Serial); !ok {
				b.Fatal("gone")
			}
		}
	})
}

// BenchmarkWake publishes one part to 5000 waiters and ends when each of them
// has looked at it.
func BenchmarkWake(b *testing.B) {
	const waiters = 5000
	st, w := declared(b, store.Options{})
	ctx, cancel := context.WithCancel(b.Context())
	var looked atomic.Int64
	var all sync.WaitGroup
	turn := make(chan struct{}, 1)
	for range waiters {
		all.Go(func() {
			_, _ = st.Wait(ctx, func(*media.Presentation) bool {
				if looked.Add(1)%waiters == 0 {
					turn <- struct{}{}
				}
				return false
			})
		})
	}
	<-turn
	b.ReportAllocs()
	for b.Loop() {
		w.part(350 * time.Millisecond)
		<-turn
		w.open = w.open[:0]
	}
	cancel()
	all.Wait()
}
