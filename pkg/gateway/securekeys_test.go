package gateway

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

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
	const secret = "a secret of more than 32 bytes for HS256"
	r := startGateway(t, fmt.Sprintf("transcode: {ladder: source}\nauth: {webhook: {url: '%s', secret: '%s'}, jwt: {secret: '%s'}}\n%s",
		backend.URL, sign.NewSecret(), secret, withRTMPS))
	r.secure = true
	if err := r.publish("paid"); err != nil {
		t.Errorf("whom the webhook allows: %v", err)
	}
	r.refused("unpaid", "Renew it at example.com")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(secret)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token := func(expires time.Time) string {
		text, err := jwt.Signed(signer).Claims(map[string]any{"stream": "by-token", "exp": expires.Unix()}).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if err := r.publish(token(time.Now().Add(time.Hour))); err != nil {
		t.Errorf("a good token: %v", err)
	}
	r.refused(token(time.Now().Add(-time.Hour)), "has expired")
}
