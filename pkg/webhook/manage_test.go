package webhook_test

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"weir/pkg/webhook"
)

func TestCreateTryDelete(t *testing.T) {
	r := receive(t)
	h, db := hooks(t, t.TempDir())
	defer db.Close()
	made, secret, err := h.Create(t.Context(), webhook.Wish{URL: r.URL, Label: "bot", Events: []string{"stream.ended"}})
	if err != nil {
		t.Fatal(err)
	}
	r.secret = secret
	a, err := h.Try(t.Context(), made.ID)
	if err != nil || !a.Delivered || a.Status != http.StatusNoContent || len(r.taken) != 1 || r.taken[0].Type != webhook.Test {
		t.Errorf("%+v %v", a, err)
	}
	r.will(refuses(http.StatusTeapot))
	if a, err = h.Try(t.Context(), made.ID); err != nil || a.Delivered || a.Status != http.StatusTeapot || a.Error != "It answered 418 I'm a teapot." {
		t.Errorf("%+v %v", a, err)
	}
	sent, err := h.Deliveries(t.Context(), made.ID)
	if err != nil || len(sent) != 2 || sent[0].State != webhook.Failed || sent[1].State != webhook.Delivered || sent[0].EventID != a.EventID {
		t.Errorf("%+v %v", sent, err)
	}
	changed, err := h.Update(t.Context(), made.ID, webhook.Change{Label: new(""), Events: &[]string{}, Enabled: new(false)})
	if err != nil || changed.Label != "" || len(changed.Events) != 0 || changed.Health.Disabled.IsZero() || changed.URL != r.URL {
		t.Errorf("%+v %v", changed, err)
	}
	if err := h.Delete(t.Context(), made.ID); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{
		"delete": h.Delete(t.Context(), made.ID),
		"try":    second(h.Try(t.Context(), made.ID)),
		"change": second(h.Update(t.Context(), made.ID, webhook.Change{})),
		"list":   second(h.Deliveries(t.Context(), made.ID)),
	} {
		if !errors.Is(err, webhook.ErrUnknown) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestConfiguredWebhooksAreTheConfigurations(t *testing.T) {
	r := receive(t)
	dir := t.TempDir()
	h, stop := running(t, dir, r.wish())
	publish(h, "stream.started", 1)
	stop()
	h, stop = running(t, dir, r.wish())
	all, err := h.List(t.Context())
	if err != nil || len(all) != 1 || !all[0].Configured {
		t.Fatalf("%+v %v", all, err)
	}
	if err := h.Delete(t.Context(), all[0].ID); !errors.Is(err, webhook.ErrConfigured) {
		t.Error(err)
	}
	if _, err := h.Update(t.Context(), all[0].ID, webhook.Change{Label: new("x")}); !errors.Is(err, webhook.ErrConfigured) {
		t.Error(err)
	}
	if a, err := h.Try(t.Context(), all[0].ID); err != nil || !a.Delivered {
		t.Errorf("%+v %v", a, err)
	}
	stop()
	_, stop = running(t, dir) // without it
	stop()
	h, db := hooks(t, dir)
	defer db.Close()
	if all, err := h.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%+v %v", all, err)
	}
}

func TestWishesThatAreRefused(t *testing.T) {
	h, db := hooks(t, t.TempDir())
	defer db.Close()
	for _, wish := range []webhook.Wish{
		{URL: ""},
		{URL: "ftp://example.com/"},
		{URL: "https://"},
		{URL: "https://user:word@example.com/"},
		{URL: "https://example.com/#x"},
		{URL: "https://example.com/" + strings.Repeat("x", 2000)},
		{URL: "https://example.com/", Label: strings.Repeat("x", 65)},
		{URL: "https://example.com/", Label: "two\nlines"},
		{URL: "https://example.com/", Events: []string{"stream.born"}},
		{URL: "http://10.0.0.1/"},
		{URL: "http://[fd00::1]:8080/"},
	} {
		_, _, err := h.Create(t.Context(), wish)
		if _, ok := errors.AsType[webhook.MistakeError](err); !ok {
			t.Errorf("%.60s: %v", wish.URL, err)
		}
	}
	for n := range webhook.MostWebhooks + 1 {
		_, _, err := h.Create(t.Context(), webhook.Wish{URL: "https://example.com/"})
		if full := errors.Is(err, webhook.ErrTooMany); full != (n == webhook.MostWebhooks) {
			t.Errorf("webhook %d: %v", n, err)
		}
	}
}

// TestNamesOfPrivateAddresses: what counts is the address that a name means
// when it is dialled.
func TestNamesOfPrivateAddresses(t *testing.T) {
	r := receive(t)
	h, db := hooks(t, t.TempDir())
	defer db.Close()
	byName := strings.Replace(r.URL, "127.0.0.1", "localhost", 1)
	made, secret, err := h.Create(t.Context(), webhook.Wish{URL: byName})
	if err != nil {
		t.Fatal(err)
	}
	r.secret = secret
	h.Configure(nil, nil)
	if a, err := h.Try(t.Context(), made.ID); err != nil || a.Delivered || !strings.Contains(a.Error, "webhooks.allow_private") || r.requests() != 0 {
		t.Errorf("%+v %v", a, err)
	}
	h.Configure(nil, append(loopback(), netip.MustParsePrefix("::1/128")))
	if a, err := h.Try(t.Context(), made.ID); err != nil || !a.Delivered {
		t.Errorf("%+v %v", a, err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other, r := receive(t), receive(t)
	h, db := hooks(t, t.TempDir())
	defer db.Close()
	r.will(func(w http.ResponseWriter, request *http.Request, _ event) bool {
		http.Redirect(w, request, other.URL, http.StatusTemporaryRedirect)
		return false
	})
	made, secret, err := h.Create(t.Context(), webhook.Wish{URL: r.URL})
	if err != nil {
		t.Fatal(err)
	}
	r.secret = secret
	if a, err := h.Try(t.Context(), made.ID); err != nil || a.Delivered || a.Status != 307 || !strings.Contains(a.Error, "redirect") || other.requests() != 0 {
		t.Errorf("%+v %v", a, err)
	}
}
