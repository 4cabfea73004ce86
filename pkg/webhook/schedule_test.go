package webhook

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"weir/pkg/database"
	"weir/pkg/webhook/sign"
)

func TestRetriesGetRarer(t *testing.T) {
	for attempts, want := range map[int]time.Duration{
		1: 2 * time.Second, 2: 4 * time.Second, 5: 32 * time.Second, 8: 256 * time.Second, 9: 5 * time.Minute, 300: 5 * time.Minute,
	} {
		for range 20 {
			if got := retryIn(attempts, outcome{}); got < want/2 || got > want*3/2+time.Millisecond {
				t.Errorf("after %d attempts it waits %s, not about %s", attempts, got, want)
			}
		}
	}
	if got := retryIn(1, outcome{retryAfter: time.Hour}); got != time.Hour {
		t.Errorf("a receiver asks for an hour, and gets %s", got)
	}
}

// TestFiveDaysOfFailures are too many.
func TestFiveDaysOfFailures(t *testing.T) {
	db, err := database.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	b := book{db}
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	w := Webhook{ID: "0a1b2c3d", URL: "https://example.com/", Created: at, secret: sign.NewSecret()}
	if err := b.add(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	for day := range 6 {
		now := at.Add(time.Duration(day) * 24 * time.Hour)
		if _, err := b.enqueue(t.Context(), []message{{id: "evt_1", kind: "stream.ended", created: now, body: []byte("{}")}}, []Webhook{w}, now); err != nil {
			t.Fatal(err)
		}
		d, wait, err := b.due(t.Context(), w.ID, now)
		if err != nil || d == nil || wait > 0 {
			t.Fatalf("%v %s %v", d, wait, err)
		}
		disabled, err := b.settle(t.Context(), w.ID, d, outcome{trouble: "It could not be reached."}, now)
		if err != nil || (disabled != "") != (day == 5) {
			t.Errorf("day %d: %q %v", day, disabled, err)
		}
	}
}

// TestAttemptsEnd shortens the time that an attempt may take.
func TestAttemptsEnd(t *testing.T) {
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else it would not notice that the sender leaves
		<-r.Context().Done()
	}))
	defer hang.Close()
	p := newPoster("weir/test")
	p.client.Timeout = 20 * time.Millisecond
	key, err := sign.Parse(sign.NewSecret())
	if err != nil {
		t.Fatal(err)
	}
	to := receiver{url: hang.URL, key: key}
	if o := p.post(t.Context(), to, "evt_1", nil); o.status != 0 || o.trouble != "The address 127.0.0.1 is not a public one: to post there, list it in webhooks.allow_private." {
		t.Errorf("%+v", o)
	}
	p.private.Store(new(append(*p.private.Load(), netip.MustParsePrefix("127.0.0.0/8"))))
	if o := p.post(t.Context(), to, "evt_1", []byte("{}")); o.status != 0 || o.trouble != "It did not answer within 10s." {
		t.Errorf("%+v", o)
	}
	hang.Close()
	if o := p.post(t.Context(), to, "evt_1", []byte("{}")); o.status != 0 || o.trouble == "" {
		t.Errorf("%+v", o)
	}
}
