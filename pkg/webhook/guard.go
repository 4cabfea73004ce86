package webhook

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// special lists the networks that are not of the public internet, beside those
// that netip knows (the IANA special-purpose address registries; RFC 6890).
func special() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8",                                        // this network
		"100.64.0.0/10",                                    // carriers' NAT (RFC 6598)
		"192.0.0.0/24",                                     // protocol assignments
		"192.0.2.0/24",                                     // examples
		"192.88.99.0/24",                                   // 6to4 relays
		"198.18.0.0/15",                                    // benchmarks
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", // examples, reserved
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", // IPv4-compatible, NAT64: an IPv4 address is inside
		"2001::/23", "2002::/16", // Teredo and others, 6to4: the same
		"100::/64", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// permit refuses addresses that strangers cannot reach, but Weir perhaps can:
// who may add a webhook must not be able to ask this machine's neighbours
// (server-side request forgery). private are networks that are let in anyway.
func permit(address netip.Addr, private []netip.Prefix) error {
	address = address.Unmap().WithZone("")
	holds := func(p netip.Prefix) bool { return p.Contains(address) }
	switch {
	case slices.ContainsFunc(private, holds):
		return nil
	case !address.IsGlobalUnicast(), address.IsPrivate(), slices.ContainsFunc(special(), holds):
		return MistakeError(fmt.Sprintf("The address %s is not a public one: to post there, list it in webhooks.allow_private.", address))
	}
	return nil
}

// control is called with each address that is about to be dialled, after names
// were resolved: a name that means another address the next time gains nothing.
func (p *poster) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial %s: %w", address, err)
	}
	return permit(to.Addr(), *p.private.Load())
}
