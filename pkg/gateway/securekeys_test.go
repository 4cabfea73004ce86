package gateway

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"weir/pkg/webhook/sign"
)

// TestKeysOverRTMPS: a key that may only come encrypted does, and does not without.
func TestKeysOverRTMPS(t *testing.T) {
	r := startGateway(t, "transcode: {ladder: source}\n"+withRTMPS)
	made := r.makeKey(`{"stream":"studio","rules":{"protocols":["rtmps"]}}`)
	r.secure = true
	if err := r.publish(made.Secret); err != nil {
		t.Errorf("over RTMPS: %v", err)
	}
	r.secure = false
	r.refused(made.Secret, "begins with rtmps://")
	if strings.Contains(r.log.String(), made.Secret) {
		t.Error("the log shows a key")
	}
}

// TestOutsideDecisionsOverRTMPS: a webhook, which hears of the protocol, and tokens
// decide, and the encoder hears their words.
func TestOutsideDecisionsOverRTMPS(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch asked := string(body); {
		case !strings.Contains(asked, `"protocol":"rtmps"`):
			_, _ = io.WriteString(w, `{"allow":false,"message":"It was not over RTMPS."}`)
		case strings.Contains(asked, `"key":"paid"`):
			_, _ = io.WriteString(w, `{"allow":true,"stream":"paid-stream"}`)
		default:
			_, _ = io.WriteString(w, `{"allow":false,"message":"Renew it at example.com."}`)
		}
	}))
	defer backend.Close()
	r := startGateway(t, fmt.Sprintf("transcode: {ladder: source}\nauth: {webhook: {url: '%s', secret: '%s'}, jwt: {secret: '%s'}}\n%s",
		backend.URL, sign.NewSecret(), tokenSecret, withRTMPS))
	r.secure = true
	if err := r.publish("paid"); err != nil {
		t.Errorf("whom the webhook allows: %v", err)
	}
	r.refused("unpaid", "Renew it at example.com")
	if err := r.publish(signed(t, time.Hour)); err != nil {
		t.Errorf("a good token: %v", err)
	}
	r.refused(signed(t, -time.Hour), "has expired")
}
