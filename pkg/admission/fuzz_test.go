package admission

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"weir/pkg/config"
	"weir/pkg/ingest"
	"weir/pkg/webhook/sign"
)

// ladder checks rules as the gateway does.
func ladder(rules ingest.Rules) error {
	if rules.Ladder == "" {
		return nil
	}
	_, err := config.ParseLadder(rules.Ladder)
	return err
}

// checkDecision holds what every decision promises, whatever it was made of: a
// grant that can be followed, or words that are in proportion to what was read.
func checkDecision(t *testing.T, grant ingest.Grant, err error, read int) {
	t.Helper()
	if err != nil {
		const own, quoted = 16 << 10, 5
		if text := err.Error(); text == "" || !utf8.ValidString(text) || len(text) > own+quoted*read {
			t.Fatalf("%d bytes were answered with %d: %.200q", read, len(text), text)
		}
		if grant.Stream != "" {
			t.Fatalf("%+v beside %v", grant, err)
		}
		return
	}
	if !ingest.ValidName(grant.Stream) || grant.Rules.Validate() != nil || ladder(grant.Rules) != nil {
		t.Fatalf("it opens %+v", grant)
	}
}

// sealed is a token of a payload.
func sealed(tb testing.TB, algorithm jose.SignatureAlgorithm, key any, payload []byte) string {
	tb.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		tb.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// FuzzClaims signs whatever it is given: what is read behind the signature is
// foreign all the same.
func FuzzClaims(f *testing.F) {
	secret := bytes.Repeat([]byte("secret"), 8)
	tokens, err := NewTokens(TokenConfig{Secret: string(secret), Audience: "weir", Check: ladder})
	if err != nil {
		f.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	for _, claims := range []string{
		`{"stream":"studio","exp":1800000060,"aud":"weir"}`,
		`{"sub":"studio","exp":1.8e9,"nbf":1800000000,"iat":1,"aud":["x","weir"],"rules":{}}`,
		`{"stream":"studio","exp":1700000000,"aud":"weir"}`,
		`{"stream":"studio","exp":1900000000,"nbf":1800009999,"aud":"weir","rules":null}`,
		`{"stream":"studio","exp":1900000000,"aud":"weir","rules":{"protocols":["srt","rtmps"],"addresses":["10.0.0.0/8","::1"],` +
			`"max_bitrate":6000000,"max_resolution":"1920x1080","max_frame_rate":29.97,"max_duration_s":3600,"takeover":"forbid",` +
			`"ladder":"720p30:2500k,480p","backup":true,"record":true}}`,
		`{"stream":"studio","exp":1900000000,"aud":"weir","rules":{"ladder":"` + strings.Repeat("96p:1k,", 300) + `"}}`,
		`{"stream":"studio","exp":1900000000,"aud":"weir","rules":{"protocols":[` + strings.Repeat(`"",`, 900) + `""]}}`,
	} {
		f.Add([]byte(claims))
	}
	f.Fuzz(func(t *testing.T, claims []byte) {
		grant, err := tokens.open(sealed(t, jose.HS256, secret, claims), now)
		checkDecision(t, grant, err, len(claims))
		if why, ok := errors.AsType[*ingest.Rejection](err); err != nil && (!ok || why.Message == "") {
			t.Fatalf("it is refused by %v", err)
		}
	})
}

// No file of keys opens the door to who has none of their private halves, or takes
// what is public for a secret.
func FuzzTokenKeys(f *testing.F) {
	claims := []byte(`{"stream":"studio","exp":1900000000}`)
	var strangers []string
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	modulus, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.Fatal(err)
	}
	for algorithm, key := range map[jose.SignatureAlgorithm]any{jose.EdDSA: ed, jose.ES256: ec, jose.RS256: modulus} {
		strangers = append(strangers, sealed(f, algorithm, key, claims))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		tokens, err := NewTokens(TokenConfig{Keys: file})
		if err != nil {
			checkDecision(t, ingest.Grant{}, err, len(file))
			return
		}
		forged := strangers
		if len(file) >= leastTokenSecret {
			forged = append(forged[:len(forged):len(forged)], sealed(t, jose.HS256, file, claims))
		}
		for _, token := range forged {
			if grant, err := tokens.open(token, time.Unix(1_800_000_000, 0)); err == nil {
				t.Fatalf("the token %s of somebody else opens %+v", token, grant)
			}
		}
	})
}

// says is a webhook that gives one answer.
type says struct {
	status int
	body   []byte
}

func (s says) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		Status: "Whatever", StatusCode: s.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), Body: io.NopCloser(bytes.NewReader(s.body)), Request: r,
	}, nil
}

func FuzzWebhookAnswer(f *testing.F) {
	secret, err := sign.Parse(sign.NewSecret())
	if err != nil {
		f.Fatal(err)
	}
	hook := NewWebhook(WebhookConfig{URL: "http://localhost/publish", Secret: secret, Timeout: time.Minute, Check: ladder})
	f.Add(uint16(200), []byte(`{"allow":true,"stream":"studio","rules":{"max_bitrate":6000000,"protocols":["rtmp"],"ladder":"480p"}}`))
	f.Add(uint16(200), []byte(`{"allow":false,"message":"This account is not paid.\u0000\u2028\n It ended \ud800 yesterday."}`))
	f.Add(uint16(200), []byte(`{"allow":true,"stream":"../etc"}`))
	f.Add(uint16(403), []byte("<html>Forbidden</html>"))
	f.Add(uint16(302), []byte(`{"allow":true,"stream":"studio"}`))
	request := ingest.Request{Protocol: "rtmp", Remote: netip.MustParseAddrPort("192.0.2.1:1"), Key: "key"}
	f.Fuzz(func(t *testing.T, status uint16, body []byte) {
		hook.client.Transport = says{int(status), body}
		grant, err := hook.decide(t.Context(), request)
		checkDecision(t, grant, err, len(body))
		if err == nil && status != http.StatusOK {
			t.Fatalf("status %d opens %+v", status, grant)
		}
		if why, ok := errors.AsType[*ingest.Rejection](err); ok {
			checkWords(t, why.Message)
		}
	})
}

// checkWords holds what an encoder and a log are told.
func checkWords(t *testing.T, words string) {
	t.Helper()
	if words == "" || utf8.RuneCountInString(words) > mostMessage {
		t.Fatalf("a message of %d characters", utf8.RuneCountInString(words))
	}
	for _, r := range words {
		if !unicode.IsPrint(r) {
			t.Fatalf("%q is in the message %q", r, words)
		}
	}
}
