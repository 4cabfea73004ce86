package rtmp

import (
	"fmt"
	"net/netip"
	"sync"

	"weir/pkg/ingest"
)

// admission counts connections, so that neither all together nor one address
// takes more than its share.
type admission struct {
	mu                   sync.Mutex
	most, mostPerAddress int
	active               int
	perAddress           map[netip.Prefix]int
}

// limit sets how many there may be from now on.
func (a *admission) limit(most, mostPerAddress int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.most, a.mostPerAddress = most, mostPerAddress
}

// enter counts a connection from remote, or says why there is no room; leave
// must be called for each that was counted.
func (a *admission) enter(remote netip.Addr) error {
	key := ingest.Neighbourhood(remote)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.active >= a.most {
		return limitExceeded(fmt.Sprintf("The gateway has %d RTMP connections, its limit (ingest.max_connections).", a.active))
	}
	if n := a.perAddress[key]; n >= a.mostPerAddress {
		return limitExceeded(fmt.Sprintf("The address has %d RTMP connections, its limit (ingest.max_connections_per_address).", n))
	}
	a.active++
	a.perAddress[key]++
	return nil
}

func (a *admission) leave(remote netip.Addr) {
	key := ingest.Neighbourhood(remote)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.active--
	if a.perAddress[key]--; a.perAddress[key] == 0 {
		delete(a.perAddress, key)
	}
}

func (a *admission) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.active
}
