package gateway

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"weir/pkg/certificate"
	"weir/pkg/config"
)

// lookForCertificate is how often the certificate's files are looked at, and its
// end.
const lookForCertificate = 10 * time.Second

// openCertificate opens the certificate of the TLS listeners; nil where there
// are none.
func openCertificate(cfg config.Config, log *slog.Logger) (*certificate.Source, error) {
	if cfg.HTTPS.Address == "" && cfg.RTMPS.Address == "" {
		return nil, nil //nolint:nilnil // there is nothing to have a certificate for.
	}
	switch cfg.TLS.Mode {
	case config.TLSFiles:
		return certificate.Files(cfg.TLS.Cert, cfg.TLS.Key, time.Now(), log)
	case config.TLSSelfSigned:
		return certificate.SelfSigned(filepath.Join(cfg.DataDir, "self-signed.pem"), certificate.Hosts(hostOf(cfg.PublicURL)), time.Now(), log)
	case config.TLSACME:
		web, webPort := hostAndPort(cfg.HTTP.Address)
		secure, securePort := hostAndPort(cfg.HTTPS.Address)
		return certificate.ACME(certificate.ACMEConfig{
			Domains: cfg.TLS.ACME.Domains, Email: cfg.TLS.ACME.Email,
			Directory: cfg.TLS.ACME.CA, Roots: cfg.TLS.ACME.CARoot,
			Folder: filepath.Join(cfg.DataDir, "acme"),
			Host:   cmp.Or(secure, web), HTTPPort: webPort, TLSPort: securePort,
		}, log)
	default:
		return nil, fmt.Errorf("tls.mode %q is unknown", cfg.TLS.Mode)
	}
}

// hostOf is a URL's host without its port, "" if it has none.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// hostAndPort are those of a listener; port 0 if it is off.
func hostAndPort(address string) (host string, port int) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0
	}
	port, err = strconv.Atoi(text)
	if err != nil {
		return "", 0
	}
	return host, port
}

// keepCertificate follows the certificate until ctx ends.
func (g *gateway) keepCertificate(ctx context.Context) error {
	ticker := time.NewTicker(lookForCertificate)
	defer ticker.Stop()
	return g.certificate.Run(ctx, ticker.C)
}
