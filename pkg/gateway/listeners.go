package gateway

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"

	"weir/pkg/certificate"
	"weir/pkg/config"
	"weir/pkg/ingest/rtmp"
)

// listeners are the sockets, opened before anything is started so that a port
// in use is the first thing an operator hears of.
type listeners struct {
	plainRTMP, secureRTMP, plainHTTP, secureHTTP, admin net.Listener
	// srt is of UDP.
	srt *net.UDPConn
}

// secure may be nil where no listener speaks TLS.
func (l *listeners) open(ctx context.Context, cfg config.Config, secure *certificate.Source) error {
	for _, want := range []struct {
		key, address string
		into         *net.Listener
		tls          bool
		protocols    []string // that TLS negotiates (ALPN)
	}{
		{"rtmp.address", cfg.RTMP.Address, &l.plainRTMP, false, nil},
		{"rtmps.address", cfg.RTMPS.Address, &l.secureRTMP, true, nil},
		{"http.address", cfg.HTTP.Address, &l.plainHTTP, false, nil},
		{"https.address", cfg.HTTPS.Address, &l.secureHTTP, true, []string{"h2", "http/1.1"}},
		{"admin.address", cfg.Admin.Address, &l.admin, false, nil},
	} {
		if want.address == "" {
			continue
		}
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", want.address)
		if err != nil {
			l.close()
			return fmt.Errorf("listen on %s (%s): %w; choose another port, or 0 for any free one", want.address, want.key, err)
		}
		if want.into == &l.plainRTMP || want.into == &l.secureRTMP {
			listener = rtmp.Ticked(listener)
		}
		if want.tls {
			listener = tls.NewListener(listener, secure.Config(want.protocols...))
		}
		*want.into = listener
	}
	if cfg.SRT.Address == "" {
		return nil
	}
	socket, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", cfg.SRT.Address)
	if err != nil {
		l.close()
		return fmt.Errorf("listen on %s (srt.address): %w; choose another port, or 0 for any free one, or \"\" for no SRT", cfg.SRT.Address, err)
	}
	l.srt, _ = socket.(*net.UDPConn) // which it is, of "udp"
	return nil
}

func (l *listeners) close() {
	for _, open := range slices.Concat(l.rtmp(), l.http(), present(l.admin)) {
		_ = open.Close() // nothing was accepted on it yet
	}
	if l.srt != nil {
		_ = l.srt.Close()
	}
}

func (l *listeners) rtmp() []net.Listener { return present(l.plainRTMP, l.secureRTMP) }
func (l *listeners) http() []net.Listener { return present(l.plainHTTP, l.secureHTTP) }

func present(all ...net.Listener) []net.Listener {
	var there []net.Listener
	for _, l := range all {
		if l != nil {
			there = append(there, l)
		}
	}
	return there
}

func (l *listeners) addresses() Addresses {
	all := Addresses{
		RTMP: address(l.plainRTMP), RTMPS: address(l.secureRTMP),
		HTTP: address(l.plainHTTP), HTTPS: address(l.secureHTTP), Admin: address(l.admin),
	}
	if l.srt != nil {
		all.SRT = l.srt.LocalAddr().String()
	}
	return all
}

func address(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}
