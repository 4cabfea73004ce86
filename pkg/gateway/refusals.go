package gateway

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"weir/pkg/api"
	"weir/pkg/ingest"
)

const (
	// refusalQuiet is how long the same refusal of the same address makes no
	// other event: encoders try again and again.
	refusalQuiet = 30 * time.Second
	// refusalPace is the least time between any two events: strangers who try keys
	// must not push everything else out of the events that are kept.
	refusalPace = 2 * time.Second
	// refusalsKept bounds the list. Those whose key was known may fill all of it,
	// strangers strangersKept: however many come, creators find their own.
	refusalsKept  = 200
	strangersKept = 100
)

// refusals lists the publishers that were refused lately, and makes events of some.
// It is safe for concurrent use.
type refusals struct {
	feed *api.Feed

	mu sync.Mutex
	// events is when the last event was made.
	events time.Time
	// kept is in the order of each entry's last attempt, the newest last.
	kept []refusal
}

// refusal is one or more attempts that are alike.
type refusal struct {
	what  ingest.Refusal
	count int
	// first and last are the times of the attempts, told that of the last event.
	first, last, told time.Time
}

func newRefusals(feed *api.Feed) *refusals { return &refusals{feed: feed} }

func (r *refusals) tell(what ingest.Refusal) {
	now := time.Now()
	if !r.add(now, what) {
		return
	}
	// Viewers' tokens read events, too: no address.
	r.feed.Publish(api.Event{
		Time: now.UTC(), Kind: api.PublishRejected, Stream: what.Why.Stream, Reason: string(what.Why.Reason), Message: what.Why.Message,
	})
}

// add notes an attempt and reports whether it is worth an event.
func (r *refusals) add(now time.Time, what ingest.Refusal) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.kept, func(old refusal) bool { return alike(old.what, what) })
	entry := refusal{first: now}
	if i >= 0 {
		entry = r.kept[i]
		r.kept = slices.Delete(r.kept, i, i+1)
	} else {
		r.makeRoom(what)
	}
	entry.what, entry.last = what, now
	entry.count++
	news := now.Sub(entry.told) >= refusalQuiet && now.Sub(r.events) >= refusalPace
	if news {
		entry.told, r.events = now, now
	}
	r.kept = append(r.kept, entry)
	return news
}

// alike reports whether two attempts are one in the list: the same publisher with
// the same trouble.
func alike(a, b ingest.Refusal) bool {
	return a.Remote.Addr() == b.Remote.Addr() && a.Why.Reason == b.Why.Reason && a.Why.Stream == b.Why.Stream && a.Protocol == b.Protocol
}

// makeRoom forgets the oldest of the strangers if there are too many, or if they
// are to give way; else the oldest of all.
func (r *refusals) makeRoom(next ingest.Refusal) {
	stranger := func(e refusal) bool { return e.what.Why.Stream == "" }
	strangers := 0
	for _, e := range r.kept {
		if stranger(e) {
			strangers++
		}
	}
	switch full := len(r.kept) >= refusalsKept; {
	case strangers > 0 && (full || next.Why.Stream == "" && strangers >= strangersKept):
		oldest := slices.IndexFunc(r.kept, stranger)
		r.kept = slices.Delete(r.kept, oldest, oldest+1)
	case full:
		r.kept = slices.Delete(r.kept, 0, 1)
	}
}

// list is the newest first.
func (r *refusals) list() []api.Refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]api.Refusal, 0, len(r.kept))
	for _, e := range slices.Backward(r.kept) {
		all = append(all, api.Refusal{
			Time: e.last.UTC(), FirstAt: e.first.UTC(), Count: e.count,
			Stream: e.what.Why.Stream, Protocol: e.what.Protocol, Application: e.what.Application, Encoder: e.what.Encoder,
			Remote: host(e.what.Remote), Reason: string(e.what.Why.Reason), Message: e.what.Why.Message,
		})
	}
	return all
}

func host(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.Addr().String()
}
