package webhook

import (
	"context"
	"database/sql"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// intakeLength bounds the events that are not in the database yet.
const intakeLength = 256

// Hooks posts events to webhooks. It is safe for concurrent use.
type Hooks struct {
	book   book
	poster *poster
	log    *slog.Logger
	events chan message
	// changed asks Run to look at the webhooks anew.
	changed chan struct{}

	mu sync.Mutex
	// configured are the wishes of the configuration.
	configured []Wish

	counts counts
}

// counts are of what was done since the start.
type counts struct{ delivered, failed, givenUp, dropped atomic.Uint64 }

// New keeps webhooks in db, which stays the caller's; requests carry agent as
// User-Agent. Nothing is posted before Run.
func New(db *sql.DB, agent string, log *slog.Logger) *Hooks {
	return &Hooks{
		book: book{db}, poster: newPoster(agent), log: log,
		events: make(chan message, intakeLength), changed: make(chan struct{}, 1),
	}
}

// Configure says which webhooks the configuration has, and to which networks
// beside the public ones it lets Weir post. The wishes have passed Check.
func (h *Hooks) Configure(all []Wish, private []netip.Prefix) {
	h.poster.private.Store(new(slices.Clone(private)))
	h.mu.Lock()
	h.configured = slices.Clone(all)
	h.mu.Unlock()
	h.change()
}

func (h *Hooks) change() {
	select {
	case h.changed <- struct{}{}:
	default: // Run will look anyway
	}
}

// Publish takes an event. It never waits: where the disk is so slow that too
// many are not written yet, the event is lost, and counted as dropped.
func (h *Hooks) Publish(e Event) {
	m, err := e.message()
	if err != nil {
		h.log.Error("an event cannot be posted to webhooks", slog.String("type", e.Type), slog.Any("error", err))
		return
	}
	select {
	case h.events <- m:
	default:
		h.counts.dropped.Add(1)
		h.log.Error("an event is lost to webhooks, since the database takes too long", slog.String("type", e.Type))
	}
}

// Stats is what Hooks did since the start, and what it has to do.
type Stats struct {
	// Delivered, Failed are attempts; GivenUp and Dropped are deliveries.
	Delivered, Failed, GivenUp, Dropped uint64
	// Waiting counts events, the others webhooks.
	Waiting, Well, Failing, Disabled int
}

// Stats counts.
func (h *Hooks) Stats(ctx context.Context) (Stats, error) {
	s := Stats{
		Delivered: h.counts.delivered.Load(), Failed: h.counts.failed.Load(),
		GivenUp: h.counts.givenUp.Load(), Dropped: h.counts.dropped.Load(),
	}
	all, err := h.book.webhooks(ctx)
	for _, w := range all {
		s.Waiting += w.Health.Waiting
		switch {
		case !w.Health.Disabled.IsZero():
			s.Disabled++
		case w.Health.Failures > 0:
			s.Failing++
		default:
			s.Well++
		}
	}
	return s, err
}
