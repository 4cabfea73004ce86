package sign_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"weir/pkg/webhook/sign"
)

// TestReceiversCanVerify holds signatures to the specification's own library.
func TestReceiversCanVerify(t *testing.T) {
	body := []byte(`{"type":"stream.started"}`)
	secret := sign.NewSecret()
	key, err := sign.Parse(secret)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	header := key.Header("evt_1", time.Now(), body)
	if err := receiver.Verify(body, header); err != nil {
		t.Errorf("a good signature is refused: %v", err)
	}
	if err := receiver.Verify([]byte(`{"type":"stream.ended"}`), header); err == nil {
		t.Error("another body has the same signature")
	}
	if err := receiver.Verify(body, key.Header("evt_1", time.Now().Add(-time.Hour), body)); err == nil {
		t.Error("a request of an hour ago is taken")
	}
	header.Set("Webhook-Id", "evt_2")
	if err := receiver.Verify(body, header); err == nil {
		t.Error("another event has the same signature")
	}
	if sign.NewSecret() == secret {
		t.Error("two secrets are the same")
	}
}

func TestSecretsThatAreRefused(t *testing.T) {
	coded := func(bytes int) string {
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", bytes)))
	}
	for secret, good := range map[string]bool{
		"": false, "whsec_": false, "whsec_???": false, coded(23): false, coded(65): false,
		strings.TrimPrefix(coded(32), "whsec_"): false,
		coded(24):                               true, coded(64): true,
	} {
		_, err := sign.Parse(secret)
		if (err == nil) != good {
			t.Errorf("%q: %v", secret, err)
		}
		if err != nil && len(secret) > 6 && strings.Contains(err.Error(), secret[6:]) {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}
