package config

import (
	"encoding/base64"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// AuthMode says how a stream key is turned into a stream.
type AuthMode string

// The modes of authentication.
const (
	// AuthKeys takes only keys that the gateway or the operator made.
	AuthKeys AuthMode = "keys"
	// AuthOpen takes the key itself as the name of the stream: for trusted
	// networks only.
	AuthOpen AuthMode = "open"
)

// Auth says who may publish.
type Auth struct {
	Mode    AuthMode    `key:"mode" enum:"keys,open" help:"keys: a secret key per stream. open: anybody publishes, the key is the stream's name (trusted networks only)."`
	Webhook AuthWebhook `key:"webhook"`
	JWT     AuthJWT     `key:"jwt"`
}

// WebhookFailure is what is done where the webhook gives no answer.
type WebhookFailure string

// What is done about it.
const (
	// WebhookDeny lets nobody in.
	WebhookDeny WebhookFailure = "deny"
	// WebhookAllow lets those in whom the last answer did, within a day.
	WebhookAllow WebhookFailure = "allow"
)

// AuthWebhook is a program that decides about keys which Weir does not know.
type AuthWebhook struct {
	URL       string         `key:"url" help:"A program of yours that is asked about stream keys which Weir does not know. Empty: nobody is asked."`
	Secret    Secret         `key:"secret" help:"Signs what is asked: whsec_ and the base64 of 24 to 64 random bytes."`
	Timeout   time.Duration  `key:"timeout" help:"How long the program may take to answer."`
	OnFailure WebhookFailure `key:"on_failure" enum:"deny,allow" help:"Without an answer, deny lets nobody in; allow lets those in whom the program let in within the last day."`
}

// AuthJWT says whose tokens are taken for stream keys.
type AuthJWT struct {
	Secret   Secret `key:"secret" help:"Verifies tokens (JWT) as stream keys that were signed with it (HS256): at least 32 bytes."`
	KeyFile  string `key:"key_file" help:"File with a public key (PEM) or a JSON Web Key Set that verifies tokens signed by RS256, ES256 or EdDSA."`
	Audience string `key:"audience" help:"What must be among a token's audiences (aud). Empty: anything."`
}

// Given reports whether tokens are taken.
func (j AuthJWT) Given() bool { return j.Secret != "" || j.KeyFile != "" }

func (v *validator) auth() {
	auth := v.cfg.Auth
	if auth.Mode == AuthOpen && (auth.Webhook.URL != "" || auth.JWT.Given()) {
		v.add("auth.mode", string(auth.Mode), "lets everybody in, so auth.webhook and auth.jwt would decide nothing", "Set auth.mode to keys, or remove them.")
	}
	v.authWebhook()
	const leastSecret = 32
	switch secret := auth.JWT.Secret.Reveal(); {
	case secret != "" && auth.JWT.KeyFile != "":
		v.add("auth.jwt.key_file", auth.JWT.KeyFile, "is given beside auth.jwt.secret", "Write one of the two: tokens are signed by a secret, or by a private key.")
	case secret != "" && len(secret) < leastSecret:
		v.add("auth.jwt.secret", "", "(not shown) is too short", "Write at least 32 random characters, such as the output of: openssl rand -base64 32.")
	}
}

func (v *validator) authWebhook() {
	hook := v.cfg.Auth.Webhook
	v.lasts("auth.webhook.timeout", hook.Timeout, 100*time.Millisecond, 9*time.Second)
	if hook.URL == "" {
		return
	}
	u, err := url.Parse(hook.URL)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		v.add("auth.webhook.url", "", "is not an http or https address", "Write one such as https://example.com/publish.")
	case u.Scheme == "http" && !nearby(u.Hostname()):
		v.add("auth.webhook.url", u.Redacted(), "would send stream keys over the network in plain text", "Write https://, or run the program on this machine or in a private network.")
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(hook.Secret.Reveal(), "whsec_"))
	if err != nil || !strings.HasPrefix(hook.Secret.Reveal(), "whsec_") || len(raw) < 24 || len(raw) > 64 {
		v.add("auth.webhook.secret", "", "(not shown) is no secret for signing", `Write whsec_ and the output of: openssl rand -base64 32.`)
	}
}

// nearby reports whether a host is this machine or in a private network: by its
// address, or by a name without a dot, such as a container's.
func nearby(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsLoopback() || a.IsPrivate()
	}
	return host == "localhost" || !strings.Contains(host, ".")
}
