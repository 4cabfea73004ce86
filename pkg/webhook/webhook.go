package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"weir/pkg/webhook/sign"
)

const (
	// MostWebhooks bounds how many the configuration has, and how many the API
	// makes.
	MostWebhooks = 20
	maxURL       = 2000
	maxLabel     = 64
)

// The errors that a caller can mend.
var (
	ErrUnknown    = errors.New("there is no such webhook")
	ErrTooMany    = fmt.Errorf("there are %d webhooks, no more can be added", MostWebhooks)
	ErrConfigured = errors.New("this webhook is in the configuration: change it there")
)

// MistakeError is what is wrong with a webhook that somebody asks for, as a sentence.
type MistakeError string

// Error is the sentence.
func (e MistakeError) Error() string { return string(e) }

// Webhook is where events are posted to.
type Webhook struct {
	// ID is 8 hexadecimal digits.
	ID  string
	URL string
	// Events are the types that it asks for; empty for all.
	Events []string
	// Label is for people.
	Label string
	// Configured is one of the configuration; the others are of the API.
	Configured bool
	Created    time.Time
	Health     Health

	secret string
}

// Health is how a webhook's receiver fares. Times may be zero.
type Health struct {
	// Failures counts the attempts that failed in a row.
	Failures     int
	FailingSince time.Time
	LastSuccess  time.Time
	// LastError is of the last attempt that failed.
	LastError string
	// Disabled is when nothing was posted any more, and why.
	Disabled       time.Time
	DisabledReason string
	// Waiting counts the deliveries that are not done.
	Waiting int
}

// Wish is a webhook as somebody asks for it.
type Wish struct {
	URL    string
	Events []string
	Label  string
	// Secret signs, see package sign; the API's wishes have none, and get one.
	Secret string
}

// wants reports whether the webhook asks for that type of event.
func (w Webhook) wants(kind string) bool {
	return len(w.Events) == 0 || slices.Contains(w.Events, kind)
}

// Check tells what is wrong with a wish; private are the networks beside the
// public ones that may be posted to.
func (w Wish) Check(private []netip.Prefix) error {
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || len(w.URL) > maxURL || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		return MistakeError("The URL is not an http or https address.")
	case u.User != nil:
		return MistakeError("The URL has a user or password: receivers tell Weir by its signature.")
	case u.Fragment != "":
		return MistakeError("The URL has a fragment (#), which is never sent.")
	case len(w.Label) > maxLabel || strings.ContainsFunc(w.Label, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return MistakeError(fmt.Sprintf("The label has more than %d bytes, or control characters.", maxLabel))
	}
	for _, kind := range w.Events {
		if !slices.Contains(Types(), kind) {
			return MistakeError(fmt.Sprintf("There is no event %q, only %s.", kind, strings.Join(Types(), ", ")))
		}
	}
	if address, err := netip.ParseAddr(u.Hostname()); err == nil {
		return permit(address, private)
	}
	return nil
}

// configuredID names a webhook of the configuration: it stays while its URL does.
func configuredID(address string) string {
	sum := sha256.Sum256([]byte("configured " + address))
	return hex.EncodeToString(sum[:4])
}

// receiver is what a sender needs of a webhook.
type receiver struct {
	id, url string
	key     sign.Key
}

func (w Webhook) receiver() (receiver, error) {
	key, err := sign.Parse(w.secret)
	if err != nil {
		return receiver{}, fmt.Errorf("webhook %s: %w", w.ID, err)
	}
	return receiver{id: w.ID, url: w.URL, key: key}, nil
}

// same reports whether requests to both are alike.
func (r receiver) same(other receiver) bool { return r.url == other.url && r.key.Equal(other.key) }
