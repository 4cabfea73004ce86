package admission

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"weir/pkg/ingest"
)

const (
	// passphrasesAtOnce may be tried by an address with one key, then one each
	// passphraseEvery. An encoder whose passphrase is wrong tries again less often than
	// that, so it does not use up what one with the right passphrase needs.
	passphrasesAtOnce = 10
	passphraseEvery   = time.Second
)

// passphrases slows down those who have a key and guess its passphrase. SRT does not show
// passphrases, only what was wrapped with them: the same wrong one twice looks like two.
// So each try counts, but for its key alone: how one encoder fares is nothing to others
// behind its address. [attempts] has the address's count.
type passphrases struct {
	mu    sync.Mutex
	tried map[place]*rate.Limiter
}

// try counts a passphrase before it is looked at, so that those who come at the same time
// are counted, too, and refuses who has tried too many.
func (p *passphrases) try(at place, now time.Time) *ingest.Rejection {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.tried[at]
	if l == nil {
		p.forget(now)
		l = rate.NewLimiter(rate.Every(passphraseEvery), passphrasesAtOnce)
		p.tried[at] = l
	}
	if l.AllowN(now, 1) {
		return nil
	}
	return &ingest.Rejection{Reason: ingest.TooManyAttempts, Message: fmt.Sprintf(
		"Too many wrong passphrases came from your address for this stream key. Wait %d s, and check the passphrase in your encoder.", int(untilNext(l, now).Seconds())+1)}
}

// right takes back what try has counted.
func (p *passphrases) right(at place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.tried, at)
}

// forget makes room: first of those who have been quiet, else of all.
func (p *passphrases) forget(now time.Time) {
	if p.tried == nil {
		p.tried = make(map[place]*rate.Limiter)
	}
	if len(p.tried) < attemptsKept {
		return
	}
	for at, l := range p.tried {
		if l.TokensAt(now) >= passphrasesAtOnce {
			delete(p.tried, at)
		}
	}
	if len(p.tried) >= attemptsKept {
		clear(p.tried)
	}
}
