package webhook

import (
	"net/http"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	firstRetry = 2 * time.Second
	lastRetry  = 5 * time.Minute
	// giveUpAfter is how old an event may be: later, nobody acts on it.
	giveUpAfter = 24 * time.Hour
	// asideAfter attempts that the receiver answered, an event lets others pass.
	asideAfter = 8
	// disableAfter is how long attempts may fail in a row.
	disableAfter = 5 * 24 * time.Hour
)

// retryIn is how long to wait after so many attempts: twice as long each time,
// and half of that more or less, so that not all receivers that were down are
// asked at once.
func retryIn(attempts int, o outcome) time.Duration {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.Multiplier, b.MaxInterval = firstRetry, 2, lastRetry
	wait := b.NextBackOff()
	for range attempts - 1 {
		wait = b.NextBackOff()
	}
	return max(wait, o.retryAfter)
}

// stepsAside reports whether the receiver itself refuses just this event, for
// what one can tell: it answered, and not that it or what is behind it is down.
func stepsAside(attempts int, o outcome) bool {
	down := []int{
		0, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
	}
	return attempts >= asideAfter && !slices.Contains(down, o.status)
}
