// Package sign signs what Weir posts to other servers, so that they can tell
// that it came from Weir, is whole and is not old: the symmetric scheme of the
// Standard Webhooks specification 1.0.0, for which there are libraries in most
// languages (standardwebhooks.com).
package sign

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// prefix tells people and secret scanners what a secret is for.
const prefix = "whsec_"

// The bounds of a secret, in bytes (Standard Webhooks, "Signature scheme").
const (
	leastBytes = 24
	mostBytes  = 64
	madeBytes  = 32
)

// Key signs. The zero Key must not be used: anybody could sign the same.
type Key struct{ secret []byte }

// NewSecret makes a secret, which Parse and the receivers' libraries take.
func NewSecret() string {
	random := make([]byte, madeBytes)
	_, _ = rand.Read(random) // it never fails
	return prefix + base64.StdEncoding.EncodeToString(random)
}

// Parse reads a secret: whsec_ and the base64 of 24 to 64 random bytes. The
// error does not hold it.
func Parse(secret string) (Key, error) {
	text, ok := strings.CutPrefix(secret, prefix)
	if !ok {
		return Key{}, fmt.Errorf("a webhook's secret begins with %s", prefix)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) < leastBytes || len(raw) > mostBytes {
		return Key{}, fmt.Errorf("a webhook's secret is %s and the base64 of %d to %d random bytes", prefix, leastBytes, mostBytes)
	}
	return Key{secret: raw}, nil
}

// Header is the header of a request that posts body at the time of this attempt.
// The id is the same for each attempt, and has no full stop.
func (k Key) Header(id string, at time.Time, body []byte) http.Header {
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, k.secret)
	_, _ = mac.Write([]byte(id + "." + seconds + "."))
	_, _ = mac.Write(body)
	return http.Header{
		"Webhook-Id":        {id},
		"Webhook-Timestamp": {seconds},
		"Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}
}

// Equal reports whether both make the same signatures.
func (k Key) Equal(other Key) bool { return hmac.Equal(k.secret, other.secret) }
