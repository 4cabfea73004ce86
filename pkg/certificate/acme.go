package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// acmeProtocol is what a CA negotiates to see that we hold a name (RFC 8737,
// section 6.2).
const acmeProtocol = "acme-tls/1"

// ACMEConfig says who issues certificates for what.
type ACMEConfig struct {
	// Domains are the host names, at least one.
	Domains []string
	// Email is whom the CA writes to; may be empty.
	Email string
	// Directory is the URL of the CA's directory (RFC 8555, section 7.1.1);
	// empty is Let's Encrypt. Roots is a file with the certificates by which the
	// directory itself is trusted (PEM); empty for those of the system.
	Directory, Roots string
	// Folder keeps the account, the certificates and their keys.
	Folder string
	// Host, HTTPPort and TLSPort are where this gateway listens; port 0 is where
	// it does not. The CA itself comes to ports 80 and 443.
	Host              string
	HTTPPort, TLSPort int
}

// acme has certificates that a CA gave. certmagic keeps, renews and retries.
type acme struct {
	domains []string
	cache   *certmagic.Cache
	config  *certmagic.Config
	issuer  *certmagic.ACMEIssuer
	log     *slog.Logger
}

// ACME gets certificates from a CA and renews them at two thirds of their life.
// Using it is agreeing to the CA's terms. Until the first one is there,
// handshakes fail. It proves to hold the names by TLS-ALPN-01 on the listener
// that speaks HTTPS, and by HTTP-01 through Source.Challenges.
func ACME(cfg ACMEConfig, log *slog.Logger) (*Source, error) {
	roots, err := readRoots(cfg.Roots)
	if err != nil {
		return nil, err
	}
	a := &acme{domains: cfg.Domains, log: log}
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return a.config, nil },
		Logger:           zap.NewNop(), // what matters are events
	})
	a.config = certmagic.New(a.cache, certmagic.Config{
		Storage:           &certmagic.FileStorage{Path: cfg.Folder},
		DefaultServerName: cfg.Domains[0], // for encoders that name none
		OnEvent:           a.event,
		Logger:            zap.NewNop(),
	})
	a.issuer = certmagic.NewACMEIssuer(a.config, certmagic.ACMEIssuer{
		CA: cfg.Directory, TrustedRoots: roots, Email: cfg.Email, Agreed: true,
		ListenHost:           cfg.Host, // certmagic listens there itself if nobody does
		DisableHTTPChallenge: cfg.HTTPPort == 0, AltHTTPPort: cfg.HTTPPort,
		DisableTLSALPNChallenge: cfg.TLSPort == 0, AltTLSALPNPort: cfg.TLSPort,
		Logger: zap.NewNop(),
	})
	a.config.Issuers = []certmagic.Issuer{a.issuer}
	return newSource("acme", a, log), nil
}

func readRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // nil is the system's.
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names it.
	if err != nil {
		return nil, fmt.Errorf("read tls.acme.ca_root: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("read tls.acme.ca_root: %s holds no certificate in PEM", path)
	}
	return pool, nil
}

// manage starts to get and to renew certificates, until ctx ends.
func (a *acme) manage(ctx context.Context) error {
	if err := a.config.ManageAsync(ctx, a.domains); err != nil {
		return fmt.Errorf("get certificates for %v: %w", a.domains, err)
	}
	return nil
}

func (a *acme) stop() { a.cache.Stop() }

func (a *acme) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return a.config.GetCertificate(hello) //nolint:wrapcheck // it becomes an alert.
}

// check implements keeper: certmagic looks by itself.
func (*acme) check(time.Time, bool) error { return nil }

func (a *acme) leaves() map[string]*x509.Certificate {
	all := make(map[string]*x509.Certificate, len(a.domains))
	for _, name := range a.domains {
		all[name] = nil
		for _, c := range a.cache.AllMatchingCertificates(name) {
			if old := all[name]; c.Leaf != nil && (old == nil || c.Leaf.NotAfter.After(old.NotAfter)) {
				all[name] = c.Leaf
			}
		}
	}
	return all
}

// event writes what certmagic does into our log.
func (a *acme) event(ctx context.Context, event string, data map[string]any) error {
	name := slog.Any("name", data["identifier"])
	switch event {
	case "cert_obtaining":
		a.log.LogAttrs(ctx, slog.LevelInfo, "asking the CA for a certificate", name, slog.Any("renewal", data["renewal"]))
	case "cert_obtained":
		a.log.LogAttrs(ctx, slog.LevelInfo, "the CA gave a certificate", name, slog.Any("renewal", data["renewal"]))
	case "cert_failed":
		a.log.LogAttrs(ctx, slog.LevelError, "the CA gave no certificate; trying again later", name, slog.Any("error", data["error"]))
	}
	return nil
}
