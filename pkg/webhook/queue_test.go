package webhook

import (
	"fmt"
	"testing"
	"time"

	"weir/pkg/database"
)

// TestWhatGaveWayStaysGone: an event that is being posted while newer ones push it out of
// a full queue does not come back when the receiver does not take it.
func TestWhatGaveWayStaysGone(t *testing.T) {
	t.Parallel()
	db, err := database.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	b, w, now := book{db}, Webhook{ID: "one", URL: "https://example.com/", Created: time.Unix(0, 0)}, time.Unix(1000, 0)
	if err = b.add(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	enqueue := func(from, to int) {
		t.Helper()
		var all []message
		for n := from; n <= to; n++ {
			all = append(all, message{id: fmt.Sprint("event-", n), kind: "stream.started", body: []byte("{}"), created: now})
		}
		if _, err = b.enqueue(t.Context(), all, []Webhook{w}, now); err != nil {
			t.Fatal(err)
		}
	}
	enqueue(1, 1)
	posted, _, err := b.due(t.Context(), w.ID, now)
	if err != nil || posted == nil {
		t.Fatal(posted, err)
	}
	enqueue(2, 1+mostWaiting)
	if _, err = b.settle(t.Context(), w.ID, posted, outcome{status: 503, trouble: "busy"}, now); err != nil {
		t.Fatal(err)
	}
	kept, err := b.webhook(t.Context(), w.ID)
	if err != nil || kept.Health.Waiting != mostWaiting || kept.Health.Failures != 1 {
		t.Errorf("%+v %v", kept.Health, err)
	}
}
