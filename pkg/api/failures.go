package api

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// failuresAtOnce wrong tokens may come from an address, then one each
	// failureEvery.
	failuresAtOnce = 10
	failureEvery   = 6 * time.Second
	// failuresKept bounds the addresses that are remembered.
	failuresKept = 4096
)

// failures slows down those who guess tokens.
type failures struct {
	mu sync.Mutex
	by map[string]*rate.Limiter
}

func newFailures() *failures { return &failures{by: make(map[string]*rate.Limiter)} }

// wait is how long a client has to wait before its next guess.
func (f *failures) wait(client string) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	limiter, known := f.by[client]
	if !known {
		return 0
	}
	if missing := 1 - limiter.Tokens(); missing > 0 {
		return time.Duration(missing * float64(failureEvery))
	}
	return 0
}

// count notes that a client sent a wrong token.
func (f *failures) count(client string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	limiter, known := f.by[client]
	if !known {
		f.forget()
		limiter = rate.NewLimiter(rate.Every(failureEvery), failuresAtOnce)
		f.by[client] = limiter
	}
	limiter.Allow()
}

// forget makes room: first of those who have been quiet, else of all.
func (f *failures) forget() {
	if len(f.by) < failuresKept {
		return
	}
	for client, limiter := range f.by {
		if limiter.Tokens() >= failuresAtOnce {
			delete(f.by, client)
		}
	}
	if len(f.by) >= failuresKept {
		clear(f.by)
	}
}
