package ingest

import (
	"fmt"
	"net/netip"
	"sync"
)

// Admission counts the connections of publishers, whatever protocol they speak,
// so that neither all together nor one address takes more than its share. It is
// safe for concurrent use.
type Admission struct {
	mu                   sync.Mutex
	most, mostPerAddress int
	active               int
	perAddress           map[netip.Prefix]int
}

// NewAdmission lets nobody in before Limit.
func NewAdmission() *Admission { return &Admission{perAddress: make(map[netip.Prefix]int)} }

// Limit sets how many there may be from now on, in all and from one IPv4 address
// or IPv6 /64.
func (a *Admission) Limit(most, mostPerAddress int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.most, a.mostPerAddress = most, mostPerAddress
}

// Enter counts a connection from remote, or says with a *Rejection why there is
// no room; Leave must be called for each that was counted.
func (a *Admission) Enter(remote netip.Addr) error {
	key := Neighbourhood(remote)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.active >= a.most {
		return tooMany("The gateway has %d connections of publishers, its limit (ingest.max_connections).", a.active)
	}
	if n := a.perAddress[key]; n >= a.mostPerAddress {
		return tooMany("The address has %d connections of publishers, its limit (ingest.max_connections_per_address).", n)
	}
	a.active++
	a.perAddress[key]++
	return nil
}

func tooMany(format string, count int) error {
	return &Rejection{Reason: LimitExceeded, Message: fmt.Sprintf(format, count)}
}

// Leave takes back an Enter.
func (a *Admission) Leave(remote netip.Addr) {
	key := Neighbourhood(remote)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.active--
	if a.perAddress[key]--; a.perAddress[key] == 0 {
		delete(a.perAddress, key)
	}
}

// Count is how many are in.
func (a *Admission) Count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.active
}
