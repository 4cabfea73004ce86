package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"weir/pkg/api"
	"weir/pkg/config"
	"weir/pkg/publish"
	"weir/pkg/webhook"
	"weir/pkg/webhook/sign"
)

// posted is a webhook's body as a receiver reads it.
type posted struct {
	Type string
	Data struct {
		Stream, Reason, To, Message string
		URLs                        api.URLs
		Duration                    float64 `json:"duration_s"`
	}
}

// receive is a server that checks signatures as receivers do, and hands on what
// was posted.
func receive(t *testing.T, secret string) (url string, all <-chan posted) {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	out := make(chan posted, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if err := verifier.Verify(body, r.Header); err != nil {
			t.Errorf("%v: %s", err, body)
		}
		var p posted
		if err := json.Unmarshal(body, &p); err != nil {
			t.Error(err)
		}
		out <- p
	}))
	t.Cleanup(server.Close)
	return server.URL, out
}

// TestWebhooksOfAStream goes the whole way: a real publisher comes, is lost and
// waited for in vain, and another is refused; a real server hears of it.
func TestWebhooksOfAStream(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(clip); err != nil {
		t.Skipf("NOT TESTED: the clip is not there: %v", err)
	}
	secret := sign.NewSecret()
	url, heard := receive(t, secret)
	r := startGateway(t, fmt.Sprintf("transcode: {ladder: source}\ningest: {resume_window: 1s}\npublic_url: https://live.example.com\n"+
		"webhooks: {allow_private: [127.0.0.1], endpoints: [{url: '%s', secret: '%s'}]}\n", url, secret))
	made := r.makeKey(`{"stream":"studio"}`)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	left := make(chan error)
	go func() {
		left <- publish.Run(ctx, publish.Options{File: clip, URL: "rtmp://" + r.addresses.RTMP + "/live/" + made.Secret, Loop: true})
	}()
	next := func(want string) posted {
		p := <-heard
		if p.Type != want || p.Data.Message == "" {
			t.Errorf("it heard %+v, want %s", p, want)
		}
		return p
	}
	if p := next("publish.started"); p.Data.Stream != "studio" {
		t.Errorf("%+v", p)
	}
	if p := next("stream.started"); p.Data.Stream != "studio" || p.Data.URLs.HLS != "https://live.example.com/live/studio/index.m3u8" {
		t.Errorf("%+v", p)
	}
	scraped := r.scrape()
	for _, metric := range []string{
		`weir_events_total{kind="stream.started"} 1`, `weir_segment_publish_delay_seconds_count{rendition="`, `weir_webhook_receivers{state="ok"} 1`,
	} {
		if !strings.Contains(scraped, metric) {
			t.Errorf("%s is not among the metrics", metric)
		}
	}
	leave()
	<-left
	next("publish.ended")
	if p := next("stream.ended"); p.Data.Duration <= 0 || p.Data.Reason == "" {
		t.Errorf("%+v", p)
	}
	r.refused("wrong-key-0123456789", "No stream has this key")
	if p := next("publish.rejected"); p.Data.Reason != "wrong_key" {
		t.Errorf("%+v", p)
	}
	var list struct{ Webhooks []api.Webhook }
	r.call(http.MethodGet, "/api/v1/webhooks", "", &list)
	if len(list.Webhooks) != 1 || list.Webhooks[0].Health.LastSuccess == nil || !list.Webhooks[0].Configured {
		t.Errorf("%+v", list)
	}
	if strings.Contains(r.log.String(), secret) {
		t.Error("the log shows a secret")
	}
}

// scrape is the metrics as Prometheus reads them.
func (r *running) scrape() string {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.addresses.HTTP+"/metrics", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// TestWebhooksOfTheAPI makes one, tests it, and deletes it; and tries some that
// are refused.
func TestWebhooksOfTheAPI(t *testing.T) {
	t.Parallel()
	r := startGateway(t, "webhooks: {allow_private: [127.0.0.0/8]}\n")
	var made api.NewWebhook
	if code := r.call(http.MethodPost, "/api/v1/webhooks", `{"url":"http://127.0.0.1:1/","events":["stream.ended"]}`, &made); code != http.StatusCreated {
		t.Fatalf("answered %d", code)
	}
	url, heard := receive(t, made.Secret)
	path := "/api/v1/webhooks/" + made.Webhook.ID
	var attempt api.WebhookAttempt
	if code := r.call(http.MethodPost, path+"/test", "", &attempt); code != http.StatusOK || attempt.Delivered || attempt.Error == "" {
		t.Errorf("answered %d %+v", code, attempt)
	}
	if code := r.call(http.MethodPatch, path, fmt.Sprintf(`{"url":%q}`, url), nil); code != http.StatusOK {
		t.Errorf("answered %d", code)
	}
	if code := r.call(http.MethodPost, path+"/test", "", &attempt); code != http.StatusOK || !attempt.Delivered {
		t.Errorf("answered %d %+v", code, attempt)
	}
	if p := <-heard; p.Type != webhook.Test {
		t.Errorf("it heard %+v", p)
	}
	var sent struct{ Deliveries []api.WebhookDelivery }
	if r.call(http.MethodGet, path+"/deliveries", "", &sent); len(sent.Deliveries) != 2 || sent.Deliveries[0].State != "delivered" || sent.Deliveries[1].State != "failed" {
		t.Errorf("%+v", sent)
	}
	for _, body := range []string{`{"url":"http://192.168.0.1/"}`, `{"url":"https://example.com/","events":["stream.state"]}`} {
		if code := r.call(http.MethodPost, "/api/v1/webhooks", body, nil); code != http.StatusUnprocessableEntity {
			t.Errorf("%s: answered %d", body, code)
		}
	}
	if code := r.call(http.MethodDelete, path, "", nil); code != http.StatusNoContent {
		t.Errorf("answered %d", code)
	}
	r.add("webhooks.endpoints: [{url: 'http://10.0.0.1/', secret: '" + sign.NewSecret() + "'}]\n")
	if code := r.call(http.MethodPost, "/api/v1/config/reload", "", nil); code != http.StatusUnprocessableEntity {
		t.Errorf("a webhook that would never be delivered is taken: %d", code)
	}
}

// TestEventsOfWebhooks: what can be asked for happens, and can be asked for in
// the configuration, too.
func TestEventsOfWebhooks(t *testing.T) {
	t.Parallel()
	if all := config.WebhookEvents(); !slices.Equal(all, webhook.Types()) {
		t.Errorf("the configuration knows %v, want %v", all, webhook.Types())
	}
	var document struct {
		Components struct {
			Schemas struct {
				Event struct {
					Properties struct{ Kind struct{ Enum []string } }
				}
			}
		}
	}
	startGateway(t, "").call(http.MethodGet, "/api/openapi.json", "", &document)
	for _, kind := range webhook.Types() {
		if all := document.Components.Schemas.Event.Properties.Kind.Enum; !slices.Contains(all, kind) {
			t.Errorf("%s is not of the API's events %v", kind, all)
		}
	}
}
