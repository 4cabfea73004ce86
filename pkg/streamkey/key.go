package streamkey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"weir/pkg/ingest"
)

// Key is a stream key without its secrets.
type Key struct {
	// ID names the key for people and logs: 8 hexadecimal digits.
	ID string
	// Stream is the name of what it publishes, see ingest.ValidName. A stream may
	// have several keys.
	Stream string
	// Label is for people: whose it is. It may be empty.
	Label string
	Rules ingest.Rules
	// Passphrase encrypts SRT (10 to 79 characters); empty for none. SRT derives
	// its key from the words themselves, so they are kept as they are.
	Passphrase string
	Created    time.Time
	// Expires and Revoked are zero where the key does not end, or was not ended.
	Expires, Revoked time.Time
	// Secrets are the newest first; there are several while a key is rotated.
	Secrets []Secret
}

// Secret is one secret of a key, without the secret itself.
type Secret struct {
	digest  digest
	Created time.Time
	// ValidUntil is zero while the secret is as good as the key.
	ValidUntil time.Time
}

// State is whether a key opens its stream.
type State string

// The states of a key.
const (
	Active  State = "active"
	Expired State = "expired"
	Revoked State = "revoked"
)

// State is the key's at a time.
func (k Key) State(now time.Time) State {
	switch {
	case !k.Revoked.IsZero():
		return Revoked
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return Expired
	}
	return Active
}

// The errors of a Store that its caller can mend; also every *InvalidError.
var (
	ErrUnknown = errors.New("there is no such stream key")
	ErrRevoked = errors.New("the stream key was revoked, which cannot be taken back: make another")
)

// InvalidError says what is wrong with what somebody wants of a key.
type InvalidError struct{ why error }

// Error lists all mistakes, a line each.
func (e *InvalidError) Error() string { return e.why.Error() }

// Unwrap is the mistakes.
func (e *InvalidError) Unwrap() error { return e.why }

const (
	maxLabel = 100
	// The bounds of an SRT passphrase (SRT RFC draft, 6.1.5).
	minPassphrase, maxPassphrase = 10, 79
)

// validate reports every mistake in what people choose of a key.
func (k Key) validate() error {
	var mistakes []error
	if !ingest.ValidName(k.Stream) {
		mistakes = append(mistakes, fmt.Errorf("%q is not a stream name: write 1 to 64 of a-z, 0-9, '-' and '_', a letter or digit first", k.Stream))
	}
	if len(k.Label) > maxLabel || strings.ContainsFunc(k.Label, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		mistakes = append(mistakes, fmt.Errorf("the label has more than %d bytes, or characters that do not print", maxLabel))
	}
	if n := len(k.Passphrase); n != 0 && (n < minPassphrase || n > maxPassphrase) {
		mistakes = append(mistakes, fmt.Errorf("the SRT passphrase has %d bytes: write %d to %d", n, minPassphrase, maxPassphrase))
	}
	mistakes = append(mistakes, k.Rules.Validate())
	if why := errors.Join(mistakes...); why != nil {
		return &InvalidError{why}
	}
	return nil
}

// digest is what is kept of a secret. A secret has 138 random bits, so SHA-256
// needs neither salt nor stretching.
type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

// newID is 8 random hexadecimal digits.
func newID() string {
	var raw [4]byte
	_, _ = rand.Read(raw[:]) // It never fails: the program ends if there is no randomness.
	return hex.EncodeToString(raw[:])
}
