package admission

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"weir/pkg/ingest"
)

const (
	// leastTokenSecret is in bytes (RFC 7518, 3.2: at least the hash's length).
	leastTokenSecret = 32
	// mostToken bounds a token, in bytes.
	mostToken = 4096
	// leeway is by how much the clocks of issuer and gateway may differ.
	leeway = 30 * time.Second
)

// TokenConfig says whose tokens are taken.
type TokenConfig struct {
	// Secret verifies HS256; empty where Keys does.
	Secret string
	// Keys is a file's contents: a public key or certificate (PEM), or a JSON Web
	// Key Set (RFC 7517), for RS256, ES256 and EdDSA.
	Keys []byte
	// Audience must be among the token's; empty for any.
	Audience string
	// Check has more to say about rules than ingest.Rules.Validate; nil for no.
	Check func(ingest.Rules) error
}

// Tokens reads JSON Web Tokens (RFC 7519) that somebody else issues as stream
// keys. It is immutable.
type Tokens struct {
	cfg        TokenConfig
	algorithms []jose.SignatureAlgorithm
	keys       []jose.JSONWebKey
}

// NewTokens reads the keys.
func NewTokens(cfg TokenConfig) (*Tokens, error) {
	t := &Tokens{cfg: cfg}
	if cfg.Secret != "" {
		if len(cfg.Secret) < leastTokenSecret {
			return nil, fmt.Errorf("the secret for tokens has %d bytes: HS256 needs %d random ones", len(cfg.Secret), leastTokenSecret)
		}
		t.algorithms = []jose.SignatureAlgorithm{jose.HS256}
		t.keys = []jose.JSONWebKey{{Key: []byte(cfg.Secret)}}
		return t, nil
	}
	t.algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA}
	var err error
	t.keys, err = publicKeys(cfg.Keys)
	return t, err
}

func publicKeys(file []byte) ([]jose.JSONWebKey, error) {
	if block, _ := pem.Decode(file); block != nil {
		key, err := publicKey(block)
		if err != nil {
			return nil, err
		}
		return []jose.JSONWebKey{{Key: key}}, nil
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(file, &set); err != nil || len(set.Keys) == 0 {
		return nil, errors.New("the file has neither a public key (PEM) nor a JSON Web Key Set")
	}
	for _, key := range set.Keys {
		if !key.Valid() || !key.IsPublic() {
			return nil, fmt.Errorf("the key %q of the JSON Web Key Set is not a public one: private keys belong to who issues the tokens", key.KeyID)
		}
	}
	return set.Keys, nil
}

func publicKey(block *pem.Block) (crypto.PublicKey, error) {
	var key crypto.PublicKey
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "CERTIFICATE":
		var certificate *x509.Certificate
		if certificate, err = x509.ParseCertificate(block.Bytes); err == nil {
			key = certificate.PublicKey
		}
	default:
		err = fmt.Errorf("it is a %s", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("the file has no public key that can be read: %w", err)
	}
	switch key.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return key, nil
	}
	return nil, errors.New("the file's public key is neither RSA nor ECDSA nor Ed25519")
}

// isToken tells a token from other keys: three parts, the first of which is JSON
// in base64.
func isToken(key string) bool { return strings.HasPrefix(key, "eyJ") && strings.Count(key, ".") == 2 }

// own are the claims that are Weir's.
type own struct {
	Stream string          `json:"stream"`
	Rules  json.RawMessage `json:"rules"`
}

// open is what a token opens. The error is an *ingest.Rejection.
func (t *Tokens) open(token string, now time.Time) (ingest.Grant, error) {
	claims, more, ok := t.verify(token)
	if !ok {
		return ingest.Grant{}, badToken("No issuer that this server trusts has signed it.")
	}
	stream := more.Stream
	if stream == "" {
		stream = claims.Subject
	}
	why := &ingest.Rejection{Stream: stream}
	switch {
	case !ingest.ValidName(stream):
		return ingest.Grant{}, badToken("It names no stream: the claim stream (or sub) has to be a stream's name.")
	case claims.Expiry == nil:
		return ingest.Grant{}, badToken("It has no end: the claim exp is missing.")
	case now.After(claims.Expiry.Time().Add(leeway)):
		why.Reason, why.Message = ingest.KeyExpired, fmt.Sprintf("This stream key has expired (%s). Get a new one from where you got it.", claims.Expiry.Time().UTC().Format(time.RFC3339))
		return ingest.Grant{}, why
	case claims.NotBefore != nil && now.Before(claims.NotBefore.Time().Add(-leeway)):
		why.Reason, why.Message = ingest.KeyNotYet, fmt.Sprintf("This stream key is good from %s on. Start then.", claims.NotBefore.Time().UTC().Format(time.RFC3339))
		return ingest.Grant{}, why
	case t.cfg.Audience != "" && !claims.Audience.Contains(t.cfg.Audience):
		return ingest.Grant{}, badToken("It was made for another service (the claim aud).")
	}
	rules, err := parseRules(more.Rules, t.cfg.Check)
	if err != nil {
		return ingest.Grant{}, badToken("Its rules cannot be used: " + err.Error() + ".")
	}
	return ingest.Grant{Stream: stream, Rules: rules}, nil
}

// verify tries the keys that may have signed the token.
func (t *Tokens) verify(token string) (claims jwt.Claims, more own, ok bool) {
	if len(token) > mostToken {
		return claims, more, false
	}
	parsed, err := jwt.ParseSigned(token, t.algorithms)
	if err != nil || len(parsed.Headers) != 1 {
		return claims, more, false
	}
	header := parsed.Headers[0]
	for _, key := range t.keys {
		if key.KeyID != "" && header.KeyID != "" && key.KeyID != header.KeyID || key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		claims, more = jwt.Claims{}, own{}
		if parsed.Claims(key.Key, &claims, &more) == nil {
			return claims, more, true
		}
	}
	return claims, more, false
}

func badToken(what string) *ingest.Rejection {
	return &ingest.Rejection{
		Reason:  ingest.WrongKey,
		Message: "This stream key (a token) is not good. " + what + " Get a new one from where you got it.",
	}
}

// parseRules reads rules that another program wrote. One that is not known may be a
// limit that is misspelt, so it is a mistake.
func parseRules(text json.RawMessage, check func(ingest.Rules) error) (rules ingest.Rules, err error) {
	if len(text) == 0 {
		return rules, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&rules); err != nil {
		return rules, fmt.Errorf("read the rules: %w", err)
	}
	if err := rules.Validate(); err != nil {
		return rules, err //nolint:wrapcheck // it says what is wrong.
	}
	if check == nil {
		return rules, nil
	}
	return rules, check(rules)
}
