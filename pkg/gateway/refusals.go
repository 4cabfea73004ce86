package gateway

import (
	"net/netip"
	"sync"
	"time"

	"weir/pkg/api"
	"weir/pkg/ingest"
)

const (
	// refusalQuiet is how long the same refusal of the same address is not
	// repeated: encoders try again and again.
	refusalQuiet = 30 * time.Second
	// refusalPace is the least time between any two: strangers who try keys must
	// not push everything else out of the events that are kept.
	refusalPace = 2 * time.Second
	// refusalsKnown bounds what is remembered.
	refusalsKnown = 100
)

// refusals makes events of publishers that were refused, but not of each. It is
// safe for concurrent use.
type refusals struct {
	feed *api.Feed

	mu   sync.Mutex
	last time.Time
	told map[refusal]time.Time
}

type refusal struct {
	from netip.Addr
	why  ingest.Reason
}

func newRefusals(feed *api.Feed) *refusals {
	return &refusals{feed: feed, told: make(map[refusal]time.Time)}
}

func (r *refusals) tell(remote netip.AddrPort, why *ingest.Rejection) {
	now := time.Now()
	if !r.isNews(now, refusal{remote.Addr(), why.Reason}) {
		return
	}
	// Viewers' tokens read events, too: no address.
	r.feed.Publish(api.Event{
		Time: now.UTC(), Kind: api.PublishRejected, Reason: string(why.Reason), Message: why.Message,
	})
}

func (r *refusals) isNews(now time.Time, what refusal) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.told[what]) < refusalQuiet || now.Sub(r.last) < refusalPace {
		return false
	}
	if len(r.told) >= refusalsKnown {
		clear(r.told)
	}
	r.told[what], r.last = now, now
	return true
}
