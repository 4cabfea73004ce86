package httpserve

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"testing"

	"weir/pkg/media"
	"weir/pkg/store"
)

// TestTextsOfStreamsThatAreGoneAreForgotten looks inside: what is forgotten
// cannot be seen from outside.
func TestTextsOfStreamsThatAreGoneAreForgotten(t *testing.T) {
	streams := store.New(store.Options{})
	cache := newTexts(streams, newCompressor(), newMetrics(nil))
	for i := range 100 {
		name := fmt.Sprintf("stream-%d", i)
		if _, err := cache.get(streams.Open(name), kindManifest, "", 1, func() ([]byte, error) { return []byte("text"), nil }); err != nil {
			t.Fatal(err)
		}
		streams.Remove(name)
	}
	shelves := 0
	cache.streams.Range(func(_, _ any) bool { shelves++; return true })
	if shelves > 1 {
		t.Errorf("the texts of %d streams are kept after they are gone", shelves)
	}
}

// TestCopiesGoWithTheirSegments looks inside, too.
func TestCopiesGoWithTheirSegments(t *testing.T) {
	copies := &memfiles{log: slog.New(slog.DiscardHandler)}
	asked := func() {
		seg := &media.Segment{Parts: []*media.Part{{Bytes: []byte("first ")}, {Bytes: []byte("second")}}, Size: 12}
		for i := range 3 * worthCopying {
			whole := copies.of(seg)
			if there := i+1 >= worthCopying; (whole != nil) != there {
				t.Fatalf("asked %d times, there is a file: %v", i+1, whole != nil)
			}
			if whole == nil {
				continue
			}
			got := make([]byte, 13)
			if n, err := whole.ReadAt(got, 0); !errors.Is(err, io.EOF) || string(got[:n]) != "first second" {
				t.Fatalf("%q, %v", got[:n], err)
			}
		}
	}
	asked()
	for range 100 {
		runtime.GC()
		left := 0
		copies.all.Range(func(_, _ any) bool { left++; return true })
		if left == 0 {
			return
		}
		runtime.Gosched()
	}
	t.Error("the copy of a segment that is gone is kept")
}
