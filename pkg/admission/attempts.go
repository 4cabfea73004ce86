package admission

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"weir/pkg/ingest"
)

const (
	// wrongAtOnce different wrong keys may come from an address, then one each
	// wrongEvery.
	wrongAtOnce = 10
	wrongEvery  = 6 * time.Second
	// attemptsKept bounds the addresses that are remembered, and the keys that
	// were right.
	attemptsKept = 4096
)

// digest stands for a key that is remembered.
type digest [sha256.Size]byte

func digestOf(key string) digest { return sha256.Sum256([]byte(key)) }

// attempts slows down those who guess keys, and nobody else: an encoder that tries
// one wrong key again and again uses up nothing of what its neighbours behind the
// same address have, and who has published from there before comes in again at any
// time.
type attempts struct {
	mu      sync.Mutex
	guesses map[netip.Prefix]*guesser
	known   map[place]bool
}

// guesser is an address that wrong keys came from.
type guesser struct {
	limiter *rate.Limiter
	// last is the last wrong key.
	last digest
}

// place is a key that was right, and where it came from.
type place struct {
	from netip.Prefix
	key  digest
}

// check refuses who has tried too many keys.
func (a *attempts) check(from netip.Prefix, key digest, now time.Time) *ingest.Rejection {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.guesses[from]
	if g == nil || a.known[place{from, key}] {
		return nil
	}
	missing := 1 - g.limiter.TokensAt(now)
	if missing <= 0 {
		return nil
	}
	wait := time.Duration(missing * float64(wrongEvery))
	return &ingest.Rejection{Reason: ingest.TooManyAttempts, Message: fmt.Sprintf(
		"Too many wrong stream keys came from your address. Wait %d s, and check the key in your encoder.", int(wait.Seconds())+1)}
}

// wrong notes a wrong key.
func (a *attempts) wrong(from netip.Prefix, key digest, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.guesses[from]
	switch {
	case g == nil:
		a.forget(now)
		g = &guesser{limiter: rate.NewLimiter(rate.Every(wrongEvery), wrongAtOnce)}
		a.guesses[from] = g
	case g.last == key:
		return
	}
	g.last = key
	g.limiter.AllowN(now, 1)
}

// forget makes room: first of those who have been quiet, else of all.
func (a *attempts) forget(now time.Time) {
	if a.guesses == nil {
		a.guesses = make(map[netip.Prefix]*guesser)
	}
	if len(a.guesses) < attemptsKept {
		return
	}
	for from, g := range a.guesses {
		if g.limiter.TokensAt(now) >= wrongAtOnce {
			delete(a.guesses, from)
		}
	}
	if len(a.guesses) >= attemptsKept {
		clear(a.guesses)
	}
}

// right remembers a key that let somebody in.
func (a *attempts) right(from netip.Prefix, key digest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil || len(a.known) >= attemptsKept {
		a.known = make(map[place]bool)
	}
	a.known[place{from, key}] = true
}
