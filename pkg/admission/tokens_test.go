package admission_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"weir/pkg/admission"
	"weir/pkg/ingest"
)

const tokenSecret = "a secret of more than 32 bytes for HS256"

// issue signs claims; id names the key, if it is not empty.
func issue(t *testing.T, algorithm jose.SignatureAlgorithm, key any, id string, claims map[string]any) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT")
	if id != "" {
		options.WithHeader("kid", id)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func inAnHour() int64 { return time.Now().Add(time.Hour).Unix() }

func withTokens(t *testing.T, cfg admission.TokenConfig) *admission.Desk {
	t.Helper()
	read, err := admission.NewTokens(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return newDesk(t, func(c *admission.Config) { c.Tokens = read })
}

func TestTokens(t *testing.T) {
	d := withTokens(t, admission.TokenConfig{Secret: tokenSecret, Audience: "weir"})
	for _, c := range []struct {
		name   string
		claims map[string]any
		want   ingest.Reason
		says   string
	}{
		{"good", map[string]any{"stream": "studio", "exp": inAnHour(), "aud": "weir"}, "", ""},
		{"the subject is the stream", map[string]any{"sub": "studio", "exp": inAnHour(), "aud": []string{"x", "weir"}}, "", ""},
		{"rules", map[string]any{"stream": "studio", "exp": inAnHour(), "aud": "weir", "rules": map[string]any{"max_bitrate": 6_000_000}}, "", ""},
		{"rules that refuse", map[string]any{"stream": "studio", "exp": inAnHour(), "aud": "weir", "rules": map[string]any{"protocols": []string{"srt"}}}, ingest.ProtocolNotAllowed, "srt://"},
		{"expired", map[string]any{"stream": "studio", "exp": time.Now().Add(-time.Minute).Unix(), "aud": "weir"}, ingest.KeyExpired, "has expired"},
		{"not yet", map[string]any{"stream": "studio", "exp": inAnHour(), "nbf": time.Now().Add(time.Minute).Unix(), "aud": "weir"}, ingest.KeyNotYet, "good from"},
		{"for ever", map[string]any{"stream": "studio", "aud": "weir"}, ingest.WrongKey, "exp is missing"},
		{"for others", map[string]any{"stream": "studio", "exp": inAnHour(), "aud": "mail"}, ingest.WrongKey, "another service"},
		{"no stream", map[string]any{"exp": inAnHour(), "aud": "weir"}, ingest.WrongKey, "names no stream"},
		{"a name that is none", map[string]any{"sub": "../etc", "exp": inAnHour(), "aud": "weir"}, ingest.WrongKey, "names no stream"},
		{"a rule that is misspelt", map[string]any{"stream": "studio", "exp": inAnHour(), "aud": "weir", "rules": map[string]any{"max_bitrat": 1}}, ingest.WrongKey, "max_bitrat"},
		{"too long", map[string]any{"stream": "studio", "exp": inAnHour(), "aud": "weir", "x": strings.Repeat("x", 4000)}, ingest.WrongKey, "has signed it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			token := issue(t, jose.HS256, []byte(tokenSecret), "", c.claims)
			grant, err := d.Admit(t.Context(), request("192.0.2.1", token))
			if reasonOf(err) != c.want || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if err == nil && (grant.Stream != "studio" || (c.name == "rules") != (grant.Rules.MaxBitrate == 6_000_000)) {
				t.Errorf("it opens %+v", grant)
			}
			if err != nil && strings.Contains(err.Error(), token) {
				t.Error("the message shows the token")
			}
		})
	}
	if why := try(t, d, "192.0.2.2", goodKey); why != "" {
		t.Errorf("plain keys are refused beside tokens: %q", why)
	}
}

// keyPairs are of every algorithm, by its name.
func keyPairs(t *testing.T) map[jose.SignatureAlgorithm]crypto.Signer {
	t.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[jose.SignatureAlgorithm]crypto.Signer{jose.RS256: r, jose.ES256: e, jose.EdDSA: ed}
}

func publicPEM(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// TestTokenKeys: each kind of public key verifies what its private key signed, and
// nothing else: not the other kinds, not a token signed with the public key's
// bytes as if they were a secret, and not one without a signature.
func TestTokenKeys(t *testing.T) {
	pairs := keyPairs(t)
	claims := map[string]any{"stream": "studio", "exp": inAnHour()}
	var set jose.JSONWebKeySet
	for algorithm, key := range pairs {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: string(algorithm) + "-key", Algorithm: string(algorithm)})
		d := withTokens(t, admission.TokenConfig{Keys: publicPEM(t, key)})
		for other, signer := range pairs {
			want := ingest.WrongKey
			if other == algorithm {
				want = ""
			}
			if why := try(t, d, "192.0.2.1", issue(t, other, signer, "", claims)); why != want {
				t.Errorf("%s, signed by %s: %q", algorithm, other, why)
			}
		}
		if why := try(t, d, "192.0.2.2", issue(t, jose.HS256, publicPEM(t, key), "", claims)); why != ingest.WrongKey {
			t.Errorf("%s: the public key is taken for a secret: %q", algorithm, why)
		}
		unsigned := strings.Split(issue(t, algorithm, pairs[algorithm], "", claims), ".")
		if why := try(t, d, "192.0.2.3", "eyJhbGciOiJub25lIn0."+unsigned[1]+"."); why != ingest.WrongKey {
			t.Errorf("%s: a token without a signature: %q", algorithm, why)
		}
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	d := withTokens(t, admission.TokenConfig{Keys: text})
	for algorithm, key := range pairs {
		if why := try(t, d, "192.0.2.1", issue(t, algorithm, key, string(algorithm)+"-key", claims)); why != "" {
			t.Errorf("a set of keys, %s: %q", algorithm, why)
		}
		if why := try(t, d, "192.0.2.1", issue(t, algorithm, key, "another", claims)); why != ingest.WrongKey {
			t.Errorf("a set of keys, %s by a key that is not in it: %q", algorithm, why)
		}
	}
}

func TestTokenKeysThatAreRefused(t *testing.T) {
	pairs := keyPairs(t)
	private, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: pairs[jose.ES256]}}})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: []byte(tokenSecret)}}})
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(pairs[jose.EdDSA])
	if err != nil {
		t.Fatal(err)
	}
	for says, cfg := range map[string]admission.TokenConfig{
		"has 5 bytes":               {Secret: "short"},
		"neither a public key":      {Keys: []byte("hello")},
		"nor a JSON Web Key Set":    {Keys: []byte(`{"keys":[]}`)},
		"it is a PRIVATE KEY":       {Keys: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})},
		"private keys belong":       {Keys: private},
		"Web Key Set is not a publ": {Keys: secret},
	} {
		if _, err := admission.NewTokens(cfg); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

// Foreign text in the place of a key neither opens anything nor breaks anything.
func FuzzToken(f *testing.F) {
	read, err := admission.NewTokens(admission.TokenConfig{Secret: tokenSecret})
	if err != nil {
		f.Fatal(err)
	}
	keys, err := ingest.NewKeys([]ingest.StreamKey{{Name: "main", Key: goodKey}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("eyJhbGciOiJIUzI1NiJ9.eyJzdHJlYW0iOiJzdHVkaW8ifQ.AAAA")
	f.Add("eyJ..")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	nobodys := ring(f)
	f.Fuzz(func(t *testing.T, text string) {
		d := admission.New(nobodys, quiet(), admission.Config{Keys: keys, Tokens: read})
		if grant, err := d.Admit(t.Context(), request("192.0.2.1", "eyJ"+text)); err == nil {
			t.Errorf("it opens %+v", grant)
		}
	})
}
