package webhook_test

import (
	"database/sql"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	"weir/pkg/database"
	"weir/pkg/webhook"
	"weir/pkg/webhook/sign"
)

func TestMain(m *testing.M) {
	if dir := crashDir(); dir != "" {
		publishUntilKilled(dir)
	}
	goleak.VerifyTestMain(m)
}

// receiver is a real server that behaves as it is told.
type receiver struct {
	*httptest.Server
	t      *testing.T
	secret string

	mu sync.Mutex
	// behave answers a request; true means that the receiver has taken it.
	behave func(w http.ResponseWriter, r *http.Request, e event) bool
	taken  []event
	asked  int
}

// event is a body as receivers read it.
type event struct {
	ID        string         `json:"id"`
	Type      string         `json:"type"`
	Timestamp time.Time      `json:"timestamp"`
	Data      map[string]any `json:"data"`
}

func (e event) number() float64 {
	n, _ := e.Data["n"].(float64)
	return n
}

func takes(w http.ResponseWriter, _ *http.Request, _ event) bool {
	w.WriteHeader(http.StatusNoContent)
	return true
}

func refuses(status int) func(http.ResponseWriter, *http.Request, event) bool {
	return func(w http.ResponseWriter, _ *http.Request, _ event) bool {
		w.WriteHeader(status)
		return false
	}
}

// hangUp closes the connection without an answer.
func hangUp(http.ResponseWriter, *http.Request, event) bool { panic(http.ErrAbortHandler) }

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t, secret: sign.NewSecret(), behave: takes}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // the sender was stopped
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	verifier, err := standardwebhooks.NewWebhook(r.secret)
	if err != nil {
		r.t.Error(err)
	}
	// Times are the bubble's.
	if err := verifier.VerifyIgnoringTimestamp(body, request.Header); err != nil {
		r.t.Errorf("the signature is wrong: %v", err)
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil || e.ID != request.Header.Get("Webhook-Id") || e.Timestamp.IsZero() {
		r.t.Errorf("%v in %s", err, body)
	}
	if r.behave(w, request, e) {
		r.taken = append(r.taken, e)
	}
}

// will changes how it behaves.
func (r *receiver) will(behave func(http.ResponseWriter, *http.Request, event) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behave = behave
}

// numbers are those of the events that were taken, in that order.
func (r *receiver) numbers() []float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []float64
	for _, e := range r.taken {
		all = append(all, e.number())
	}
	return all
}

func (r *receiver) requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func (r *receiver) wish(events ...string) webhook.Wish {
	return webhook.Wish{URL: r.URL, Secret: r.secret, Events: events}
}

func numbers(from, to int) []float64 {
	var all []float64
	for n := from; n <= to; n++ {
		all = append(all, float64(n))
	}
	return all
}

func loopback() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

// hooks are of the database in dir; the caller closes it.
func hooks(t *testing.T, dir string, wishes ...webhook.Wish) (*webhook.Hooks, *sql.DB) {
	t.Helper()
	db, err := database.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	h := webhook.New(db, "weir/test", slog.New(slog.DiscardHandler))
	h.Configure(wishes, loopback())
	return h, db
}

func publish(h *webhook.Hooks, kind string, n int) {
	h.Publish(webhook.Event{Type: kind, Time: time.Now(), Data: map[string]any{"n": n}})
}

func same(a, b []float64) bool { return slices.Equal(a, b) }
