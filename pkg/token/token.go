package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Scopes are what a token may be good for, the least first. Each one includes
// those before it.
func Scopes() []string { return []string{"viewer", "operator", "admin"} }

// Token is one token without its secret.
type Token struct {
	// ID names it for revoking: 8 hexadecimal digits.
	ID string `json:"id"`
	// Name is for people; several tokens may have the same.
	Name  string `json:"name"`
	Scope string `json:"scope"`
	// Hash is the SHA-256 of the secret, hexadecimal.
	Hash    string    `json:"sha256"`
	Created time.Time `json:"created_at"`
}

// maxName bounds a name, in bytes.
const maxName = 64

// The errors that a caller can mend.
var (
	ErrScope   = errors.New("the scope is one of viewer, operator and admin")
	ErrName    = errors.New("a token needs a name of at most 64 printable characters")
	ErrUnknown = errors.New("there is no such token")
)

// prefix tells people and secret scanners what a secret is for.
const prefix = "weir_"

// mint makes a token and its secret.
func mint(name, scope string, now time.Time) (Token, string, error) {
	if !slices.Contains(Scopes(), scope) {
		return Token{}, "", ErrScope
	}
	if !printable(name) {
		return Token{}, "", ErrName
	}
	random := make([]byte, 20)
	if _, err := rand.Read(random); err != nil {
		return Token{}, "", fmt.Errorf("make a token: %w", err)
	}
	secret := prefix + hex.EncodeToString(random)
	id := make([]byte, 4)
	if _, err := rand.Read(id); err != nil {
		return Token{}, "", fmt.Errorf("make a token: %w", err)
	}
	return Token{
		ID: hex.EncodeToString(id), Name: name, Scope: scope, Hash: hash(secret), Created: now.UTC().Truncate(time.Second),
	}, secret, nil
}

func printable(name string) bool {
	return name != "" && len(name) <= maxName && strings.TrimSpace(name) == name &&
		!strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffd' })
}

func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
