package admission_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"weir/pkg/admission"
	"weir/pkg/ingest"
	"weir/pkg/webhook/sign"
)

// backend is a program that decides: it checks the signature as any receiver would.
type backend struct {
	*httptest.Server
	// answer is what it says; it may be changed.
	answer atomic.Pointer[http.HandlerFunc]
	asked  atomic.Int64
	desk   *admission.Desk
	log    bytes.Buffer
}

func newBackend(t *testing.T, change func(*admission.WebhookConfig)) *backend {
	t.Helper()
	secret := sign.NewSecret()
	key, err := sign.Parse(secret)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.asked.Add(1)
		body, _ := io.ReadAll(r.Body)
		if unsigned := receiver.Verify(body, r.Header); unsigned != nil {
			t.Errorf("the question is not signed: %v", unsigned)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		(*b.answer.Load())(w, r)
	}))
	t.Cleanup(b.Close)
	cfg := admission.WebhookConfig{URL: b.URL + "/publish?secret=in-the-url", Secret: key, Timeout: 5 * time.Second}
	if change != nil {
		change(&cfg)
	}
	keys, err := ingest.NewKeys([]ingest.StreamKey{{Name: "main", Key: goodKey}})
	if err != nil {
		t.Fatal(err)
	}
	b.desk = admission.New(ring(t), slog.New(slog.NewTextHandler(&b.log, nil)), admission.Config{Keys: keys, Webhook: admission.NewWebhook(cfg)})
	return b
}

func (b *backend) says(status int, text string) {
	b.does(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	})
}

func (b *backend) does(f http.HandlerFunc) { b.answer.Store(&f) }

func TestWebhookAnswers(t *testing.T) {
	b := newBackend(t, nil)
	for _, c := range []struct {
		name, answer string
		status       int
		want         ingest.Reason
		says         string
	}{
		{"yes", `{"allow":true,"stream":"studio","rules":{"max_bitrate":6000000},"more":1}`, 200, "", ""},
		{"yes, by rules that refuse", `{"allow":true,"stream":"studio","rules":{"protocols":["rtmps"]}}`, 200, ingest.ProtocolNotAllowed, "rtmps://"},
		{"no", `{"allow":false,"message":"Your subscription  ended\nyesterday."}`, 200, ingest.Denied, "Your subscription ended yesterday."},
		{"no, by status alone", ``, 403, ingest.Denied, "not accepted here"},
		{"no, by status and words", `{"allow":true,"message":"Pay first."}`, 401, ingest.Denied, "Pay first."},
		{"no, in very many words", `{"message":"` + strings.Repeat("é", 1000) + `"}`, 200, ingest.Denied, strings.Repeat("é", 300)},
		{"yes to nothing", `{"allow":true}`, 200, ingest.Undecided, "Try again in a minute"},
		{"yes to a name that is none", `{"allow":true,"stream":"../x"}`, 200, ingest.Undecided, "Try again"},
		{"a rule that is misspelt", `{"allow":true,"stream":"studio","rules":{"max_bitrat":1}}`, 200, ingest.Undecided, "Try again"},
		{"no JSON", `<html>`, 200, ingest.Undecided, "Try again"},
		{"an error", ``, 500, ingest.Undecided, "Try again"},
		{"not found", `{"allow":true,"stream":"studio"}`, 404, ingest.Undecided, "Try again"},
		{"far too long", `{"allow":true,"stream":"studio","x":"` + strings.Repeat("x", 100_000) + `"}`, 200, ingest.Undecided, "Try again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.says(c.status, c.answer)
			grant, err := b.desk.Admit(t.Context(), request("192.0.2.1", "their-own-secret-key"))
			if reasonOf(err) != c.want || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if err == nil && (grant.Stream != "studio" || grant.Rules.MaxBitrate != 6_000_000) {
				t.Errorf("it opens %+v", grant)
			}
		})
	}
	for _, secret := range []string{"their-own-secret-key", "in-the-url"} {
		if strings.Contains(b.log.String(), secret) {
			t.Errorf("the log shows %s", secret)
		}
	}
}

func TestWebhookIsAskedAboutStrangersAlone(t *testing.T) {
	b := newBackend(t, nil)
	asked := make(chan map[string]string, 1)
	b.does(func(w http.ResponseWriter, r *http.Request) {
		var q map[string]string
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			t.Error(err)
		}
		asked <- q
		_, _ = io.WriteString(w, `{"allow":true,"stream":"studio"}`)
	})
	if why := try(t, b.desk, "192.0.2.1", goodKey); why != "" || b.asked.Load() != 0 {
		t.Errorf("it was asked about a key of the configuration; %q", why)
	}
	if why := try(t, b.desk, "192.0.2.1", "theirs"); why != "" {
		t.Errorf("refused: %q", why)
	}
	q := <-asked
	for name, want := range map[string]string{"protocol": "rtmp", "address": "192.0.2.1", "application": "live", "key": "theirs", "encoder": "OBS"} {
		if q[name] != want {
			t.Errorf("%s is %q, want %q", name, q[name], want)
		}
	}
	b.does(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://elsewhere.invalid/", http.StatusTemporaryRedirect)
	})
	if why := try(t, b.desk, "192.0.2.1", "theirs"); why != ingest.Undecided {
		t.Errorf("the key was sent elsewhere: %q", why)
	}
}

// TestWebhookThatFails: deny lets nobody in, allow those whom it let in before, as
// it did; a no is remembered, too.
func TestWebhookThatFails(t *testing.T) {
	for _, remembered := range []bool{false, true} {
		b := newBackend(t, func(c *admission.WebhookConfig) { c.Remembered = remembered })
		b.says(200, `{"allow":true,"stream":"studio","rules":{"max_bitrate":6000000}}`)
		for _, key := range []string{"known", "denied-later"} {
			if why := try(t, b.desk, "192.0.2.1", key); why != "" {
				t.Fatalf("refused: %q", why)
			}
		}
		b.says(403, "")
		try(t, b.desk, "192.0.2.1", "denied-later")
		b.says(502, "")
		want := map[string]ingest.Reason{"known": ingest.Undecided, "stranger": ingest.Undecided, "denied-later": ingest.Undecided}
		if remembered {
			want["known"] = ""
		}
		for key, reason := range want {
			if why := try(t, b.desk, "192.0.2.1", key); why != reason {
				t.Errorf("remembered %v, %s: %q, want %q", remembered, key, why, reason)
			}
		}
		if grant, err := b.desk.Admit(t.Context(), request("192.0.2.1", "known")); remembered && (err != nil || grant.Rules.MaxBitrate != 6_000_000) {
			t.Errorf("it comes in by other rules: %+v %v", grant, err)
		}
	}
}

// TestWebhookThatHangs: whoever waits is told within the timeout, no more than 16
// questions are open at a time, and keys that Weir knows wait for nothing.
func TestWebhookThatHangs(t *testing.T) {
	b := newBackend(t, func(c *admission.WebhookConfig) { c.Timeout = 300 * time.Millisecond })
	var open, most atomic.Int64
	b.does(func(_ http.ResponseWriter, r *http.Request) {
		for now := open.Add(1); ; {
			if before := most.Load(); now <= before || most.CompareAndSwap(before, now) {
				break
			}
		}
		<-r.Context().Done()
		open.Add(-1)
	})
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if why := try(t, b.desk, "192.0.2.1", "theirs"); why != ingest.Undecided {
				t.Errorf("it is told %q", why)
			}
		})
	}
	if why := try(t, b.desk, "192.0.2.1", goodKey); why != "" {
		t.Errorf("a key that Weir knows: %q", why)
	}
	all.Wait()
	if n := most.Load(); n == 0 || n > 16 {
		t.Errorf("%d questions were open at once", n)
	}
}

// TestGuessesAtOnce: however many guesses wait for a slow answer together, no more of
// them are told that they are wrong than if they had come one by one.
func TestGuessesAtOnce(t *testing.T) {
	b := newBackend(t, nil)
	var asked sync.WaitGroup
	const together = 16
	asked.Add(together)
	b.does(func(w http.ResponseWriter, _ *http.Request) {
		asked.Done()
		asked.Wait()
		w.WriteHeader(http.StatusForbidden)
	})
	var denied, refused atomic.Int64
	var all sync.WaitGroup
	for n := range together {
		all.Go(func() {
			why := try(t, b.desk, "192.0.2.1", fmt.Sprint("guess-", n))
			if why == ingest.Denied {
				denied.Add(1)
			}
			if why == ingest.TooManyAttempts {
				refused.Add(1)
			}
		})
	}
	all.Wait()
	if denied.Load() != 10 || refused.Load() != together-10 {
		t.Errorf("%d are told that they are wrong, %d that they are too many", denied.Load(), refused.Load())
	}
}
