package certificate

import (
	"net"
	"net/netip"
	"os"
	"slices"
)

// Hosts are the names and addresses by which clients may reach this machine:
// localhost, the machine's own name and addresses, and more, such as the host of
// its public URL. Empty ones are left out.
func Hosts(more ...string) []string {
	hosts := []string{"localhost", netip.AddrFrom4([4]byte{127, 0, 0, 1}).String(), netip.IPv6Loopback().String()}
	if name, err := os.Hostname(); err == nil {
		hosts = append(hosts, name)
	}
	// Without addresses the certificate is still good for localhost.
	addresses, _ := net.InterfaceAddrs()
	for _, a := range addresses {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().IsGlobalUnicast() {
			hosts = append(hosts, prefix.Addr().Unmap().String())
		}
	}
	hosts = append(more, hosts...)
	var all []string
	for _, host := range hosts {
		if usable(host) && !slices.Contains(all, host) {
			all = append(all, host)
		}
	}
	return all
}

// usable reports whether a certificate can be for host: an address, or a name
// of letters, digits, hyphens and dots.
func usable(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	for _, c := range host {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.':
		default:
			return false
		}
	}
	return host != ""
}
