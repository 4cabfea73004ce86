package rtmp

import (
	"maps"
	"sync"
	"sync/atomic"

	"weir/pkg/ingest"
)

// Stats are a server's counters since its start.
type Stats struct {
	// Accepted counts connections, Active those open now and Publishing those
	// with a session.
	Accepted   uint64
	Active     int
	Publishing int64
	// Ended counts connections and sessions that the gateway ended, by reason.
	Ended map[ingest.Reason]uint64
	// Bytes and Messages count what was received.
	Bytes, Messages uint64
	// AccessUnits counts those handed on, BadUnits those thrown away, and
	// OtherUnits those of tracks that are passed over.
	AccessUnits, BadUnits, OtherUnits uint64
}

// counters are Stats in the making.
type counters struct {
	accepted, bytes, messages, units, bad, others atomic.Uint64
	publishing, active                            atomic.Int64

	mu    sync.Mutex
	ended map[ingest.Reason]uint64
}

func (c *counters) end(reason ingest.Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended[reason]++
}

func (c *counters) reasons() map[ingest.Reason]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.ended)
}
