package srt

import (
	"maps"
	"sync"
	"sync/atomic"

	"weir/pkg/ingest"
)

// Stats are a server's counters since its start.
type Stats struct {
	// Accepted counts handshakes that came to a decision, Active the connections
	// that are open now.
	Accepted uint64
	Active   int64
	// Ended counts callers and sessions that the gateway ended, by reason.
	Ended map[ingest.Reason]uint64
	// Bytes counts what came as payload. AccessUnits counts those handed on,
	// BadUnits those thrown away, and OtherUnits those of tracks that are passed
	// over.
	Bytes, AccessUnits, BadUnits, OtherUnits uint64
	// Packets counts data packets. Lost were missing when a later one came, Again
	// came on request, Dropped never came in time, and Sealed could not be
	// decrypted. Rekeyed counts the keys that callers changed to in mid-stream.
	Packets, Lost, Again, Dropped, Sealed, Rekeyed uint64
	// Gaps counts where packets of a track of MPEG-TS were missing, Damaged those
	// that were broken.
	Gaps, Damaged uint64
}

// counters are Stats in the making.
type counters struct {
	accepted, bytes, units, bad, others, gaps, damaged atomic.Uint64
	packets, lost, again, dropped, sealed, rekeyed     atomic.Uint64
	active                                             atomic.Int64

	mu    sync.Mutex
	ended map[ingest.Reason]uint64
}

func (c *counters) end(reason ingest.Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended[reason]++
}

// add adds what a caller has counted since the last time.
func (c *counters) add(now, last receiverStats) {
	c.packets.Add(now.packets - last.packets)
	c.lost.Add(now.lost - last.lost)
	c.again.Add(now.again - last.again)
	c.dropped.Add(now.dropped - last.dropped)
	c.sealed.Add(now.sealed - last.sealed)
	c.rekeyed.Add(now.rekeyed - last.rekeyed)
	c.bytes.Add(now.bytes - last.bytes)
}

// Stats is a snapshot of the server's counters.
func (s *Server) Stats() Stats {
	c := &s.counters
	c.mu.Lock()
	ended := maps.Clone(c.ended)
	c.mu.Unlock()
	return Stats{
		Accepted: c.accepted.Load(), Active: c.active.Load(), Ended: ended,
		Bytes: c.bytes.Load(), AccessUnits: c.units.Load(), BadUnits: c.bad.Load(), OtherUnits: c.others.Load(),
		Packets: c.packets.Load(), Lost: c.lost.Load(), Again: c.again.Load(), Dropped: c.dropped.Load(),
		Sealed: c.sealed.Load(), Rekeyed: c.rekeyed.Load(), Gaps: c.gaps.Load(), Damaged: c.damaged.Load(),
	}
}
