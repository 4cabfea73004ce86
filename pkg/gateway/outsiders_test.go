package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/sync/errgroup"

	"weir/pkg/publish"
	"weir/pkg/webhook/sign"
)

// TestOutsideDecisions: a webhook and tokens decide, through the real server, and
// the encoder hears their words.
func TestOutsideDecisions(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), `"key":"paid"`) {
			_, _ = io.WriteString(w, `{"allow":true,"stream":"paid-stream","rules":{"max_resolution":"640x360"}}`)
			return
		}
		_, _ = io.WriteString(w, `{"allow":false,"message":"Your subscription has ended. Renew it at example.com."}`)
	}))
	defer backend.Close()
	const secret = "a secret of more than 32 bytes for HS256"
	r := startGateway(t, fmt.Sprintf("transcode: {ladder: source}\nauth: {webhook: {url: '%s', secret: '%s'}, jwt: {secret: '%s'}}\n", backend.URL, sign.NewSecret(), secret))
	r.refused("unpaid", "Renew it at example.com")
	r.refused("paid", "takes at most 640x360")

	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(secret)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token := func(claims map[string]any) string {
		// RTMP has room for more than plain keys may have.
		claims["note"] = strings.Repeat("x", 500)
		text, err := jwt.Signed(signer).Claims(claims).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	good := token(map[string]any{"stream": "by-token", "exp": time.Now().Add(time.Hour).Unix()})
	if err := r.publish(good); err != nil {
		t.Errorf("a good token: %v", err)
	}
	var stream struct{ Name string }
	if code := r.call(http.MethodGet, "/api/v1/streams/by-token", "", &stream); code != http.StatusOK || stream.Name != "by-token" {
		t.Errorf("the token's stream: %d %+v", code, stream)
	}
	r.refused(token(map[string]any{"stream": "by-token", "exp": time.Now().Add(-time.Hour).Unix()}), "has expired")
	r.refused(good[:len(good)-4]+"AAAA", "No issuer that this server trusts")
	for _, text := range []string{r.log.String(), r.text("/api/v1/refusals"), r.text("/api/v1/config")} {
		if strings.Contains(text, good[:40]) || strings.Contains(text, secret) || strings.Contains(text, "whsec_") {
			t.Error("a secret is shown")
		}
	}
}

// from publishes from a loopback address.
func (r *running) from(ctx context.Context, local, key string) error {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}}
	return publish.Run(ctx, publish.Options{
		File: clip, URL: "rtmp://" + r.addresses.RTMP + "/live/" + key, Speed: 100,
		Dial: func(ctx context.Context, target publish.Target) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", target.Address)
		},
	})
}

// TestKeyFlood: wrong keys from many addresses are refused, past some of them
// without a look; others publish on, and whoever was let in before comes back in the
// middle of it.
func TestKeyFlood(t *testing.T) {
	r := startGateway(t, "transcode: {ladder: source}\n")
	made := r.makeKey(`{"stream":"main"}`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	live := r.keepPublishing(ctx, r.makeKey(`{"stream":"other"}`).Secret)
	if err := r.from(ctx, "127.0.0.9", made.Secret); err != nil {
		t.Fatalf("before the flood: %v", err)
	}
	const addresses, guesses = 10, 30
	limited := make([]int, addresses)
	var flood errgroup.Group
	for i := range addresses {
		flood.Go(func() error {
			for n := range guesses {
				err := r.from(ctx, fmt.Sprintf("127.0.0.%d", i+1), fmt.Sprintf("main_guess-number-%d", n))
				why, ok := errors.AsType[*publish.RejectedError](err)
				switch {
				case !ok:
					return fmt.Errorf("guess %d of address %d: %w", n, i, err)
				case strings.Contains(why.Description, "Too many wrong stream keys came from your address. Wait"):
					limited[i]++
				}
			}
			return nil
		})
	}
	if err := flood.Wait(); err != nil {
		t.Error(err)
	}
	for i, n := range limited {
		if n < guesses/3 {
			t.Errorf("address %d was told %d times of %d that it tries too much", i, n, guesses)
		}
	}
	if err := r.from(ctx, "127.0.0.9", made.Secret); err != nil {
		t.Errorf("who was let in before does not come back: %v", err)
	}
	if err := r.from(ctx, "127.0.0.99", made.Secret); err != nil {
		t.Errorf("another address: %v", err)
	}
	cancel()
	if err := <-live; err != nil {
		t.Errorf("the other publisher was disturbed: %v", err)
	}
}
