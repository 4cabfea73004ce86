package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
)

// keeper has certificates, and knows how to get new ones. Its methods are safe
// for concurrent use.
type keeper interface {
	// get chooses the certificate for one handshake.
	get(hello *tls.ClientHelloInfo) (*tls.Certificate, error)
	// check looks for a new certificate, and replaces the one in use only by
	// one that works. With insist it says at once what is wrong; else it may
	// wait whether it mends itself, and says it once.
	check(now time.Time, insist bool) error
	// leaves are the certificates in use, nil for one that is not there yet.
	leaves() map[string]*x509.Certificate
}

// Source gives listeners their certificate. It is safe for concurrent use.
type Source struct {
	mode   string
	keeper keeper
	log    *slog.Logger

	mu sync.Mutex
	// warned is when each certificate's end was last warned of.
	warned map[string]time.Time
}

func newSource(mode string, k keeper, log *slog.Logger) *Source {
	return &Source{mode: mode, keeper: k, log: log, warned: make(map[string]time.Time)}
}

// Config is for one listener that speaks protocols (ALPN), none where it speaks
// none; certificates are chosen anew at each handshake.
func (s *Source) Config(protocols ...string) *tls.Config {
	if _, ok := s.keeper.(*acme); ok && len(protocols) > 0 {
		protocols = append(protocols[:len(protocols):len(protocols)], acmeProtocol)
	}
	return &tls.Config{GetCertificate: s.keeper.get, MinVersion: tls.VersionTLS12, NextProtos: protocols}
}

// Challenges answers what an ACME CA asks over HTTP, and leaves the rest to
// next.
func (s *Source) Challenges(next http.Handler) http.Handler {
	a, ok := s.keeper.(*acme)
	if !ok {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !certmagic.LooksLikeHTTPChallenge(r) || !a.issuer.HandleHTTPChallenge(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}

// Run looks for new certificates at each tick, whose value is the time, and
// warns of those that end soon, until ctx ends.
func (s *Source) Run(ctx context.Context, ticks <-chan time.Time) error {
	if a, ok := s.keeper.(*acme); ok {
		if err := a.manage(ctx); err != nil {
			return err
		}
		defer a.stop()
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticks:
			if err := s.keeper.check(now, false); err != nil {
				s.log.LogAttrs(ctx, slog.LevelError, "the new TLS certificate is not used; the one before it stays", slog.Any("error", err))
			}
			s.warn(ctx, now)
		}
	}
}

// Reload looks for a new certificate at once and says what is wrong with it; the
// one in use then stays.
func (s *Source) Reload(now time.Time) error {
	if err := s.keeper.check(now, true); err != nil {
		return fmt.Errorf("reload the TLS certificate (the one in use stays): %w", err)
	}
	return nil
}

// Expiry is when a certificate ends.
type Expiry struct {
	// Mode is where it comes from: "files", "self_signed" or "acme".
	Mode string
	// Name is the first host that it is for.
	Name string
	// NotAfter is zero for a certificate that is not there yet.
	NotAfter time.Time
}

// Expiries are those of the certificates in use.
func (s *Source) Expiries() []Expiry {
	var all []Expiry
	for name, leaf := range s.keeper.leaves() {
		e := Expiry{Mode: s.mode, Name: name}
		if leaf != nil {
			e.NotAfter = leaf.NotAfter
		}
		all = append(all, e)
	}
	return all
}

// warnBefore is how long before its end a certificate is warned of, at least;
// one of short life is when a quarter of it is left. warnAgain is the time
// between two warnings.
const (
	warnBefore = 14 * 24 * time.Hour
	warnAgain  = 24 * time.Hour
)

// warn writes of certificates that end soon.
func (s *Source) warn(ctx context.Context, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, leaf := range s.keeper.leaves() {
		if leaf == nil || leaf.NotAfter.Sub(now) > min(warnBefore, leaf.NotAfter.Sub(leaf.NotBefore)/4) {
			delete(s.warned, name)
			continue
		}
		if last, ok := s.warned[name]; ok && now.Sub(last) < warnAgain {
			continue
		}
		s.warned[name] = now
		attrs := []slog.Attr{slog.String("name", name), slog.String("mode", s.mode), slog.Time("not_after", leaf.NotAfter)}
		if now.Before(leaf.NotAfter) {
			s.log.LogAttrs(ctx, slog.LevelWarn, "the TLS certificate ends soon", attrs...)
		} else {
			s.log.LogAttrs(ctx, slog.LevelError, "the TLS certificate has expired: players and encoders refuse it", attrs...)
		}
	}
}

// firstName is the first host that a certificate is for.
func firstName(leaf *x509.Certificate) string {
	switch {
	case len(leaf.DNSNames) > 0:
		return leaf.DNSNames[0]
	case len(leaf.IPAddresses) > 0:
		return leaf.IPAddresses[0].String()
	default:
		return leaf.Subject.CommonName
	}
}
