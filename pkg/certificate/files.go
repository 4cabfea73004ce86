package certificate

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// files are a certificate and its key that somebody else writes. They are read
// whole at each look, as they are small: neither a modification time that stayed
// nor a symbolic link that now leads elsewhere (Kubernetes) can hide a change.
type files struct {
	cert, key string
	log       *slog.Logger
	current   atomic.Pointer[tls.Certificate]

	mu sync.Mutex
	// loaded is the digest of the pair in use, refused of one that was found
	// wrong; told is true once that was said.
	loaded, refused [sha256.Size]byte
	told            bool
}

// Files follows a certificate with its chain and its private key, both PEM. One
// that has expired is used at the start, for want of another, and logged.
func Files(cert, key string, now time.Time, log *slog.Logger) (*Source, error) {
	f := &files{cert: cert, key: key, log: log}
	pair, digest, err := f.load(now)
	if pair == nil {
		return nil, err
	}
	if err != nil {
		log.Error("the TLS certificate is used for want of another, but players and encoders refuse it", slog.Any("error", err))
	}
	f.current.Store(pair)
	f.loaded = digest
	return newSource("files", f, log), nil
}

func (f *files) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current.Load(), nil }

func (f *files) leaves() map[string]*x509.Certificate {
	leaf := f.current.Load().Leaf
	return map[string]*x509.Certificate{firstName(leaf): leaf}
}

// check implements keeper. Whoever renews writes two files, one after the other:
// what does not fit is an error only when it is still there at the next look.
func (f *files) check(now time.Time, insist bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	pair, digest, err := f.load(now)
	switch {
	case digest == f.loaded:
		f.refused = [sha256.Size]byte{}
		return nil
	case err != nil:
		return f.refuse(digest, err, insist)
	}
	f.current.Store(pair)
	f.loaded, f.refused = digest, [sha256.Size]byte{}
	f.log.Info("the TLS certificate was replaced; new connections get it",
		slog.String("name", firstName(pair.Leaf)), slog.Time("not_after", pair.Leaf.NotAfter))
	return nil
}

// load reads the pair, whose key has to fit. With errTime it returns it too.
func (f *files) load(now time.Time) (pair *tls.Certificate, digest [sha256.Size]byte, err error) {
	certPEM, err := os.ReadFile(f.cert)
	var keyPEM []byte
	if err == nil {
		keyPEM, err = os.ReadFile(f.key)
	}
	// What is not there has a digest too, which is of no pair in use.
	digest = sha256.Sum256(bytes.Join([][]byte{certPEM, keyPEM}, []byte{0}))
	if err == nil {
		pair, err = parse(certPEM, keyPEM)
	}
	if err == nil {
		err = timely(pair.Leaf, now)
	}
	if err != nil {
		err = fmt.Errorf("load tls.cert (%s) and tls.key (%s): %w", f.cert, f.key, err)
	}
	return pair, digest, err
}

// refuse decides whether it is time to say err.
func (f *files) refuse(digest [sha256.Size]byte, err error, insist bool) error {
	if insist {
		return err
	}
	if digest != f.refused {
		f.refused, f.told = digest, false
		return nil
	}
	if f.told {
		return nil
	}
	f.told = true
	return err
}

// parse reads a pair, whose key has to fit.
func parse(certPEM, keyPEM []byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("read the certificate and its key: %w", err)
	}
	return &pair, nil
}

// errTime is of a certificate that is not valid now.
var errTime = errors.New("the certificate is not valid at this time")

// timely reports whether a certificate is valid now.
func timely(leaf *x509.Certificate, now time.Time) error {
	switch {
	case !now.Before(leaf.NotAfter):
		return fmt.Errorf("%w: it expired on %s; renew it", errTime, leaf.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("%w: it begins on %s; look at the machine's clock", errTime, leaf.NotBefore.UTC().Format(time.RFC3339))
	default:
		return nil
	}
}
