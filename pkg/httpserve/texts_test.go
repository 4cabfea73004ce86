package httpserve

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"testing"

	"weir/pkg/media"
	"weir/pkg/plainhttp"
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

// TestAnswersGoWithTheirSegments looks inside, too.
func TestAnswersGoWithTheirSegments(t *testing.T) {
	made := &answers{log: slog.New(slog.DiscardHandler)}
	s := &server{}
	asked := func() {
		seg := &media.Segment{Parts: []*media.Part{{Bytes: bytes.Repeat([]byte("first"), leastFile)}, {Bytes: []byte("second")}}}
		makes := 0
		by := func() *plainhttp.Answer {
			makes++
			f := segmentFile(seg)
			return s.compose(func(w http.ResponseWriter) { f.serve(w, &http.Request{Method: http.MethodGet}, media.Video) })
		}
		for i := range 3 * worthCopying {
			answer := answerOf(made, seg, by)
			if inFile := answer.Body() == nil; inFile != (i+1 >= worthCopying) {
				t.Fatalf("asked %d times, it is in a file: %v", i+1, inFile)
			}
			if answer.Size() != 5*leastFile+6 || answer.Code() != http.StatusOK {
				t.Fatalf("%d, %d bytes", answer.Code(), answer.Size())
			}
		}
		if makes != 1 {
			t.Errorf("made %d times", makes)
		}
	}
	asked()
	for range 100 {
		runtime.GC()
		left := 0
		made.all.Range(func(_, _ any) bool { left++; return true })
		if left == 0 {
			return
		}
		runtime.Gosched()
	}
	t.Error("the answer for a segment that is gone is kept")
}
