package gateway

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"weir/pkg/api"
	"weir/pkg/live"
)

// drainLook is how often a drain looks whether the last publisher has left.
const drainLook = time.Second

// drainer lets publishers go on for a while before it tells them to leave, and
// lets no new ones in. A drain is not taken back; a second one may be shorter or
// longer, or ask for the end of the streams besides.
type drainer struct {
	manager *live.Manager
	log     *slog.Logger
	// begun is closed when a drain begins, left when no publisher is there any
	// more and everything is flushed. changed wakes run.
	begun, left chan struct{}
	changed     chan struct{}

	mu sync.Mutex
	// at is when publishers are told to leave; zero before a drain.
	at   time.Time
	ends bool
}

func newDrainer(manager *live.Manager, log *slog.Logger) *drainer {
	return &drainer{
		manager: manager, log: log,
		begun: make(chan struct{}), left: make(chan struct{}), changed: make(chan struct{}, 1),
	}
}

// begin begins a drain, or changes the one that goes on.
func (d *drainer) begin(end bool, wait time.Duration) api.Drain {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at.IsZero() {
		d.manager.Refuse()
		close(d.begun)
	}
	d.at, d.ends = time.Now().Add(wait), d.ends || end
	select {
	case d.changed <- struct{}{}:
	default: // run will look anyway
	}
	now := api.Drain{LeaveAt: d.at.UTC(), End: d.ends, Publishers: d.manager.Publishing()}
	d.log.Info("draining: no publisher is let in",
		slog.Int("publishers", now.Publishers), slog.Duration("wait", wait), slog.Bool("end", d.ends))
	return now
}

// run drains when it is time, until ctx ends.
func (d *drainer) run(ctx context.Context) error {
	tick := time.NewTicker(drainLook)
	defer tick.Stop()
	var look <-chan time.Time // nil where there is nothing to wait for
	for {
		select {
		case <-d.changed:
			look = tick.C
		case <-look:
		case <-ctx.Done():
			return nil
		}
		if look != nil && d.leave(ctx) {
			look = nil
		}
	}
}

// leave drains the streams if it is time to; it reports whether it was.
func (d *drainer) leave(ctx context.Context) bool {
	d.mu.Lock()
	at, end := d.at, d.ends
	d.mu.Unlock()
	if time.Now().Before(at) && d.manager.Publishing() > 0 {
		return false
	}
	if err := d.manager.Drain(ctx, end); err != nil {
		return false // ctx has ended
	}
	d.log.Info("drained: no publisher is left")
	if !closed(d.left) {
		close(d.left)
	}
	return true
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// drain is the API's.
func (g *gateway) drain(end bool, wait *time.Duration) api.Drain {
	if wait == nil {
		return g.drainer.begin(end, g.cfg.Load().Drain.Wait)
	}
	return g.drainer.begin(end, *wait)
}

// notReady is why no more viewers or publishers should be sent here; "" if they
// should.
func (g *gateway) notReady() string {
	if closed(g.drainer.begun) {
		return "Weir is being restarted."
	}
	if most := g.cfg.Load().Ingest.MaxConnections; g.connections.Count() >= most {
		return "Weir is full: it has as many connections of publishers as ingest.max_connections allows."
	}
	return ""
}
