package ingest

import "time"

// Tick is how often the sockets of publishers are looked at, whatever the protocol. All
// look at the same moments, so that the process is woken once for all of them.
const Tick = 10 * time.Millisecond

// UntilTick is how long it is from now to the next of the moments that are every apart,
// a multiple of Tick.
func UntilTick(now time.Time, every time.Duration) time.Duration {
	return every - time.Duration(now.UnixNano())%every
}
