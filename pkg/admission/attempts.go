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
	// attemptsKept bounds the addresses that are remembered, the keys that were right,
	// and those whose passphrase was wrong.
	attemptsKept = 4096
)

// digest stands for a key that is remembered.
type digest [sha256.Size]byte

func digestOf(key string) digest { return sha256.Sum256([]byte(key)) }

// attempts slows down those who guess keys, and nobody else: an encoder that tries
// one wrong key again and again uses up nothing of what its neighbours behind the
// same address have, and who has published from there before comes in again at any
// time. A good key that came with a wrong passphrase counts as a wrong one.
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

// place is a key, and where it comes from.
type place struct {
	from netip.Prefix
	key  digest
}

// check refuses who has tried too many keys.
func (a *attempts) check(at place, now time.Time) *ingest.Rejection {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.guesses[at.from]
	if g == nil || a.known[at] {
		return nil
	}
	if untilNext(g.limiter, now) == 0 {
		return nil
	}
	return g.refuse(now)
}

func (g *guesser) refuse(now time.Time) *ingest.Rejection {
	return &ingest.Rejection{Reason: ingest.TooManyAttempts, Message: fmt.Sprintf(
		"Too many wrong stream keys came from your address. Wait %d s, and check the key in your encoder.", int(untilNext(g.limiter, now).Seconds())+1)}
}

// untilNext is how long a limiter has nothing to give.
func untilNext(l *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - l.TokensAt(now)
	return max(time.Duration(missing/float64(l.Limit())*float64(time.Second)), 0)
}

// wrong notes a wrong key. It refuses who must not even be told so: others that came at
// the same time have used up what there was.
func (a *attempts) wrong(at place, now time.Time) *ingest.Rejection {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.guesses[at.from]
	switch {
	case g == nil:
		a.forget(now)
		g = &guesser{limiter: rate.NewLimiter(rate.Every(wrongEvery), wrongAtOnce)}
		a.guesses[at.from] = g
	case g.last == at.key:
		return nil
	}
	g.last = at.key
	if g.limiter.AllowN(now, 1) || a.known[at] {
		return nil
	}
	return g.refuse(now)
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
func (a *attempts) right(at place) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil || len(a.known) >= attemptsKept {
		a.known = make(map[place]bool)
	}
	a.known[at] = true
}
