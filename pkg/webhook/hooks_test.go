package webhook_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/webhook"
)

// running starts h; what it returns stops it and closes the database.
func running(t *testing.T, dir string, wishes ...webhook.Wish) (h *webhook.Hooks, stop func()) {
	t.Helper()
	h, db := hooks(t, dir, wishes...)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- h.Run(ctx) }()
	return h, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The receiver is a real server outside of the bubble: time stands still while
// a request is under way.
func TestFlakyReceiverGetsEverythingInOrder(t *testing.T) {
	r := receive(t)
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		attempt := 0
		r.will(func(w http.ResponseWriter, request *http.Request, e event) bool {
			attempt++
			switch attempt % 5 {
			case 1:
				return refuses(http.StatusInternalServerError)(w, request, e)
			case 2:
				return hangUp(w, request, e)
			case 3:
				return refuses(http.StatusServiceUnavailable)(w, request, e)
			}
			return takes(w, request, e)
		})
		h, stop := running(t, dir, r.wish())
		defer stop()
		for n := 1; n <= 20; n++ {
			publish(h, "stream.started", n)
		}
		time.Sleep(10 * time.Minute) //nolint:forbidigo // the bubble's time.
		synctest.Wait()
		if got := r.numbers(); !same(got, numbers(1, 20)) {
			t.Errorf("it got %v", got)
		}
		all, err := h.List(t.Context())
		if err != nil || len(all) != 1 || all[0].Health.Waiting != 0 || all[0].Health.Failures != 0 || all[0].Health.LastSuccess.IsZero() || all[0].Health.LastError == "" {
			t.Errorf("%+v %v", all, err)
		}
	})
}

// TestReceiverIsDownOverARestart: nothing is lost, nothing comes twice.
func TestReceiverIsDownOverARestart(t *testing.T) {
	r := receive(t)
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r.will(hangUp)
		h, stop := running(t, dir, r.wish())
		for n := 1; n <= 5; n++ {
			publish(h, "stream.started", n)
		}
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time.
		publish(h, "stream.ended", 6)
		stop() // with the last event published, but not written
		if r.requests() < 4 || len(r.numbers()) != 0 {
			t.Fatalf("the receiver was asked %d times", r.requests())
		}
		r.will(takes)
		h, stop = running(t, dir, r.wish())
		defer stop()
		publish(h, "stream.started", 7)
		time.Sleep(10 * time.Minute) //nolint:forbidigo // the bubble's time.
		if got := r.numbers(); !same(got, numbers(1, 7)) {
			t.Errorf("it got %v", got)
		}
	})
}

// TestAnEventThatIsRefusedStepsAside: an event that the receiver cannot digest
// holds up the others for minutes, not for ever, and is given up after a day.
func TestAnEventThatIsRefusedStepsAside(t *testing.T) {
	r := receive(t)
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r.will(func(w http.ResponseWriter, request *http.Request, e event) bool {
			if e.number() == 1 {
				return refuses(http.StatusBadRequest)(w, request, e)
			}
			return takes(w, request, e)
		})
		h, stop := running(t, dir, r.wish())
		defer stop()
		for n := 1; n <= 3; n++ {
			publish(h, "stream.started", n)
		}
		time.Sleep(15 * time.Minute) //nolint:forbidigo // the bubble's time.
		if got := r.numbers(); !same(got, numbers(2, 3)) {
			t.Errorf("it got %v", got)
		}
		publish(h, "stream.started", 4)
		time.Sleep(time.Second) //nolint:forbidigo // the bubble's time.
		if got := r.numbers(); !same(got, numbers(2, 4)) {
			t.Errorf("new events wait for the one that was refused: it got %v", got)
		}
		time.Sleep(24 * time.Hour) //nolint:forbidigo // the bubble's time.
		all, err := h.List(t.Context())
		if err != nil || all[0].Health.Waiting != 0 || all[0].Health.Failures == 0 {
			t.Errorf("%+v %v", all, err)
		}
		sent, err := h.Deliveries(t.Context(), all[0].ID)
		if err != nil || len(sent) != 4 || sent[3].State != webhook.Failed || sent[3].Status != http.StatusBadRequest || sent[3].Attempts < 100 {
			t.Errorf("%+v %v", sent, err)
		}
		if stats, err := h.Stats(t.Context()); err != nil || stats.GivenUp != 1 || stats.Delivered != 3 || stats.Failing != 1 {
			t.Errorf("%+v %v", stats, err)
		}
	})
}

func TestReceiverThatIsGone(t *testing.T) {
	r := receive(t)
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r.will(refuses(http.StatusGone))
		h, stop := running(t, dir, r.wish())
		defer stop()
		publish(h, "stream.started", 1)
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's time.
		publish(h, "stream.started", 2)
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's time.
		all, err := h.List(t.Context())
		if err != nil || r.requests() != 1 || all[0].Health.Disabled.IsZero() || all[0].Health.DisabledReason == "" || all[0].Health.Waiting != 1 {
			t.Fatalf("%d requests, %+v, %v", r.requests(), all, err)
		}
		r.will(takes)
		enabled, err := h.Update(t.Context(), all[0].ID, webhook.Change{Enabled: new(true)})
		if err != nil || !enabled.Health.Disabled.IsZero() {
			t.Fatalf("%+v %v", enabled, err)
		}
		time.Sleep(time.Second) //nolint:forbidigo // the bubble's time.
		publish(h, "stream.started", 3)
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's time.
		if got := r.numbers(); !same(got, []float64{1, 3}) {
			t.Errorf("it got %v", got)
		}
	})
}

func TestAReceiverThatAsksForTimeGetsIt(t *testing.T) {
	r := receive(t)
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r.will(func(w http.ResponseWriter, request *http.Request, e event) bool {
			w.Header().Set("Retry-After", "1200")
			return refuses(http.StatusTooManyRequests)(w, request, e)
		})
		h, stop := running(t, dir, r.wish())
		defer stop()
		publish(h, "stream.started", 1)
		time.Sleep(19 * time.Minute) //nolint:forbidigo // the bubble's time.
		if r.requests() != 1 {
			t.Errorf("it was asked %d times", r.requests())
		}
		r.will(takes)
		time.Sleep(2 * time.Minute) //nolint:forbidigo // the bubble's time.
		if got := r.numbers(); !same(got, numbers(1, 1)) {
			t.Errorf("it got %v", got)
		}
	})
}

// A queue is bounded: what matters of a day without receiver are the last events.
func TestFullQueueDropsTheOldest(t *testing.T) {
	r := receive(t)
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r.will(refuses(http.StatusServiceUnavailable))
		h, stop := running(t, dir, r.wish())
		defer stop()
		for n := 1; n <= 1010; n++ {
			publish(h, "stream.started", n)
			if n%100 == 0 {
				synctest.Wait()
				time.Sleep(time.Millisecond) //nolint:forbidigo // the bubble's time.
			}
		}
		time.Sleep(time.Second) //nolint:forbidigo // the bubble's time.
		if stats, err := h.Stats(t.Context()); err != nil || stats.Waiting != 1000 || stats.Dropped != 10 {
			t.Errorf("%+v %v", stats, err)
		}
		r.will(takes)
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's time.
		if got := r.numbers(); !same(got, numbers(11, 1010)) {
			t.Errorf("it got %d, from %v to %v", len(got), got[0], got[len(got)-1])
		}
	})
}

// TestSlowReceiverHoldsUpNoOther has one that never answers.
func TestSlowReceiverHoldsUpNoOther(t *testing.T) {
	slow, quick := receive(t), receive(t)
	slow.Config.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else it would not notice that the sender leaves
		<-r.Context().Done()
	})
	got := make(chan float64)
	quick.will(func(w http.ResponseWriter, r *http.Request, e event) bool {
		got <- e.number()
		return takes(w, r, e)
	})
	h, stop := running(t, t.TempDir(), slow.wish(), quick.wish("stream.ended"))
	for n := 1; n <= 4; n++ {
		publish(h, []string{"stream.started", "stream.ended"}[n%2], n)
	}
	for _, want := range []float64{1, 3} { // it asked for the ends alone
		if n := <-got; n != want {
			t.Errorf("it got %v, want %v", n, want)
		}
	}
	stop() // does not wait for the slow one's timeout
}
