package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// selfSignedLife is short enough for what browsers allow of a certificate
	// (398 days), and selfSignedRenew is left of it when a new one is made.
	selfSignedLife  = 365 * 24 * time.Hour
	selfSignedRenew = 30 * 24 * time.Hour
	// clockSkew is how far a client's clock may be behind.
	clockSkew = time.Hour
)

// selfSigned is a certificate that is nobody's but ours. Its key stays when a
// new one is made, so that whoever pinned it goes on.
type selfSigned struct {
	path    string
	hosts   []string
	log     *slog.Logger
	current atomic.Pointer[tls.Certificate]
	mu      sync.Mutex
}

// SelfSigned keeps a certificate for hosts (names and addresses) and its key in
// the file at path, readable by its owner alone. It is made where there is none,
// where it is not for all of the hosts, and before it ends.
func SelfSigned(path string, hosts []string, now time.Time, log *slog.Logger) (*Source, error) {
	s := &selfSigned{path: path, hosts: hosts, log: log}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names it.
	switch pair, wrong := parse(text, text); {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read the self-signed certificate: %w", err)
	case err == nil && wrong != nil:
		log.Warn("the self-signed certificate cannot be read; making a new one", slog.String("file", path), slog.Any("error", wrong))
	case err == nil:
		s.current.Store(pair)
	}
	if err := s.check(now, true); err != nil {
		return nil, err
	}
	leaf := s.current.Load().Leaf
	log.Warn("TLS uses a self-signed certificate, which is for trying: browsers warn of it, and encoders may refuse it",
		slog.String("file", path), slog.String("sha256", Fingerprint(leaf)), slog.Time("not_after", leaf.NotAfter))
	return newSource("self_signed", s, log), nil
}

// Fingerprint is the digest by which browsers show a certificate.
func Fingerprint(leaf *x509.Certificate) string {
	sum := sha256.Sum256(leaf.Raw)
	return hex.EncodeToString(sum[:])
}

func (s *selfSigned) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return s.current.Load(), nil
}

func (s *selfSigned) leaves() map[string]*x509.Certificate {
	leaf := s.current.Load().Leaf
	return map[string]*x509.Certificate{firstName(leaf): leaf}
}

// check implements keeper.
func (s *selfSigned) check(now time.Time, _ bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.current.Load()
	if old != nil && s.serves(old.Leaf, now) {
		return nil
	}
	key, err := keyOf(old)
	if err != nil {
		return err
	}
	text, err := sign(key, s.hosts, now)
	if err != nil {
		return err
	}
	pair, err := parse(text, text)
	if err != nil {
		return err
	}
	if err := replace(s.path, text); err != nil {
		return fmt.Errorf("keep the self-signed certificate: %w", err)
	}
	s.current.Store(pair)
	s.log.Info("made a self-signed certificate", slog.Any("hosts", s.hosts), slog.Time("not_after", pair.Leaf.NotAfter))
	return nil
}

// serves reports whether a certificate is for all hosts and lasts.
func (s *selfSigned) serves(leaf *x509.Certificate, now time.Time) bool {
	if now.Before(leaf.NotBefore) || leaf.NotAfter.Sub(now) < selfSignedRenew {
		return false
	}
	for _, host := range s.hosts {
		if leaf.VerifyHostname(host) != nil {
			return false
		}
	}
	return true
}

// keyOf is the key of a certificate, or a new one where there is none.
func keyOf(old *tls.Certificate) (crypto.Signer, error) {
	if old != nil {
		if key, ok := old.PrivateKey.(crypto.Signer); ok {
			return key, nil
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key for the self-signed certificate: %w", err)
	}
	return key, nil
}

// sign makes a certificate and puts it and its key in one PEM text. It is no CA:
// whoever trusts it trusts these hosts, and nothing that a thief of the key may
// sign.
func sign(key crypto.Signer, hosts []string, now time.Time) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("make a serial number: %w", err)
	}
	form := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "Weir, self-signed"},
		NotBefore:    now.Add(-clockSkew), NotAfter: now.Add(selfSignedLife),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			form.IPAddresses = append(form.IPAddresses, ip)
		} else {
			form.DNSNames = append(form.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate for %v: %w", hosts, err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("write the certificate's key: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), nil
}

// replace writes a file of secrets whole or not at all.
func replace(path string, text []byte) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err //nolint:wrapcheck // it names the folder.
	}
	file, err := os.CreateTemp(folder, ".unfinished-*") // 0600
	if err != nil {
		return err //nolint:wrapcheck // it names the file.
	}
	defer os.Remove(file.Name()) // there no longer once renamed
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err //nolint:wrapcheck // it names the file.
	}
	return os.Rename(file.Name(), path) //nolint:wrapcheck // it names both.
}
