package httpserve

import (
	"fmt"
	"testing"

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
