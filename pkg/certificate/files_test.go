package certificate_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"weir/pkg/certificate"
)

// noon is when the tests take place.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// pair is a certificate for name and its key, both PEM.
func pair(t *testing.T, name string, from, until time.Time) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: from, NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, private.Public(), private)
	require.NoError(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

// log is what was logged.
type log struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(p)
}

// take returns what was logged since the last call.
func (l *log) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.lines.Reset()
	return l.lines.String()
}

func (l *log) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// running is a source that the test looks after.
type running struct {
	t      *testing.T
	source *certificate.Source
	ticks  chan time.Time
	log    *log
}

// run runs a source until the test ends, which has to be in a bubble.
func run(t *testing.T, source *certificate.Source, l *log) *running {
	t.Helper()
	r := &running{t: t, source: source, ticks: make(chan time.Time), log: l}
	ended := make(chan error)
	go func() { ended <- source.Run(t.Context(), r.ticks) }()
	t.Cleanup(func() { require.NoError(t, <-ended) })
	return r
}

// look lets the source look around at now, and returns what it logged.
func (r *running) look(now time.Time) string {
	r.ticks <- now
	synctest.Wait()
	return r.log.take()
}

// shows is the name in the certificate that a client gets over a real
// connection.
func shows(t *testing.T, source *certificate.Source) string {
	t.Helper()
	server, client := net.Pipe()
	go func() { _ = tls.Server(server, source.Config()).HandshakeContext(t.Context()) }()
	conn := tls.Client(client, &tls.Config{InsecureSkipVerify: true})
	require.NoError(t, conn.HandshakeContext(t.Context()))
	return conn.ConnectionState().PeerCertificates[0].DNSNames[0]
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, text, 0o600))
}

// open follows a certificate for one.example.
func open(t *testing.T, until time.Time) (r *running, certPath, keyPath string) {
	t.Helper()
	dir := t.TempDir()
	certPath, keyPath = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert, key := pair(t, "one.example", noon.Add(-day), until)
	write(t, certPath, cert)
	write(t, keyPath, key)
	l := &log{}
	source, err := certificate.Files(certPath, keyPath, noon, l.logger())
	require.NoError(t, err)
	require.Equal(t, "one.example", shows(t, source))
	return run(t, source, l), certPath, keyPath
}

func TestChangedFilesAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, certPath, keyPath := open(t, noon.Add(90*day))
		require.Empty(t, r.look(noon))
		cert, key := pair(t, "two.example", noon.Add(-day), noon.Add(90*day))
		before, err := os.Stat(certPath)
		require.NoError(t, err)
		write(t, certPath, cert)
		write(t, keyPath, key)
		// A tool that keeps modification times hides nothing.
		require.NoError(t, os.Chtimes(certPath, before.ModTime(), before.ModTime()))
		require.Contains(t, r.look(noon), "the TLS certificate was replaced")
		require.Equal(t, "two.example", shows(t, r.source))
		require.Empty(t, r.look(noon))
	})
}

// TestBrokenPairsAreNotTaken: each is said once, when it is still there at the
// second look, and at once where somebody asks.
func TestBrokenPairsAreNotTaken(t *testing.T) {
	other, _ := pair(t, "other.example", noon.Add(-day), noon.Add(90*day))
	expired, expiredKey := pair(t, "late.example", noon.Add(-90*day), noon.Add(-day))
	early, earlyKey := pair(t, "early.example", noon.Add(day), noon.Add(90*day))
	for name, c := range map[string]struct {
		cert, key []byte // nil: the file is removed
		says      string
	}{
		"another key": {cert: other, says: "private key does not match"},
		"expired":     {cert: expired, key: expiredKey, says: "it expired on 2026-05-31T12:00:00Z; renew it"},
		"too early":   {cert: early, key: earlyKey, says: "it begins on 2026-06-02T12:00:00Z; look at the machine's clock"},
		"not PEM":     {cert: []byte("hello"), key: []byte("hello"), says: "failed to find any PEM data"},
		"empty":       {cert: []byte{}, says: "failed to find any PEM data"},
		"half":        {cert: other[:len(other)/2], says: "failed to find any PEM data"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, certPath, keyPath := open(t, noon.Add(90*day))
				write(t, certPath, c.cert)
				if c.key != nil {
					write(t, keyPath, c.key)
				}
				require.Empty(t, r.look(noon), "it may be half written")
				said := r.look(noon)
				require.Contains(t, said, "the new TLS certificate is not used")
				require.Contains(t, said, c.says)
				require.Contains(t, said, certPath)
				require.Empty(t, r.look(noon), "said twice")
				require.ErrorContains(t, r.source.Reload(noon), c.says)
				require.Equal(t, "one.example", shows(t, r.source))
			})
		})
	}
}

func TestRemovedFilesAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, certPath, keyPath := open(t, noon.Add(90*day))
		cert, key := pair(t, "two.example", noon.Add(-day), noon.Add(90*day))
		require.NoError(t, os.Remove(keyPath))
		require.Empty(t, r.look(noon))
		require.Contains(t, r.look(noon), "no such file")
		require.ErrorIs(t, r.source.Reload(noon), os.ErrNotExist)
		require.Equal(t, "one.example", shows(t, r.source))
		write(t, certPath, cert)
		write(t, keyPath, key)
		require.NoError(t, r.source.Reload(noon))
		require.Equal(t, "two.example", shows(t, r.source))
	})
}

// TestKubernetesSwapsALink: a mounted secret is a link to a link to a folder, and
// the middle one is replaced.
func TestKubernetesSwapsALink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		for _, version := range []string{"one", "two"} {
			require.NoError(t, os.Mkdir(filepath.Join(dir, version), 0o700))
			cert, key := pair(t, version+".example", noon.Add(-day), noon.Add(90*day))
			write(t, filepath.Join(dir, version, "tls.crt"), cert)
			write(t, filepath.Join(dir, version, "tls.key"), key)
		}
		certPath, keyPath := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
		require.NoError(t, os.Symlink("one", filepath.Join(dir, "..data")))
		require.NoError(t, os.Symlink("..data/tls.crt", certPath))
		require.NoError(t, os.Symlink("..data/tls.key", keyPath))
		l := &log{}
		source, err := certificate.Files(certPath, keyPath, noon, l.logger())
		require.NoError(t, err)
		r := run(t, source, l)
		require.NoError(t, os.Symlink("two", filepath.Join(dir, "..tmp")))
		require.NoError(t, os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")))
		require.Contains(t, r.look(noon), "replaced")
		require.Equal(t, "two.example", shows(t, source))
	})
}

// TestTheEndIsWarnedOf once a day from 14 days before on.
func TestTheEndIsWarnedOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		until := noon.Add(60 * day)
		r, certPath, keyPath := open(t, until)
		require.Equal(t, []certificate.Expiry{{Mode: "files", Name: "one.example", NotAfter: until}}, r.source.Expiries())
		require.Empty(t, r.look(until.Add(-14*day-time.Minute)))
		require.Contains(t, r.look(until.Add(-14*day)), "the TLS certificate ends soon")
		require.Empty(t, r.look(until.Add(-13*day-time.Hour)))
		require.Contains(t, r.look(until.Add(-13*day)), "the TLS certificate ends soon")
		require.Contains(t, r.look(until), "the TLS certificate has expired")
		require.Equal(t, "one.example", shows(t, r.source), "better than none")
		cert, key := pair(t, "two.example", noon, until.Add(60*day))
		write(t, certPath, cert)
		write(t, keyPath, key)
		said := r.look(until)
		require.Contains(t, said, "replaced")
		require.NotContains(t, said, "ends soon")
	})
}

// TestShortLivesAreWarnedOfLater: a certificate of six days would else be warned
// of all its life.
func TestShortLivesAreWarnedOfLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		until := noon.Add(5 * day)
		r, _, _ := open(t, until)
		require.Empty(t, r.look(until.Add(-2*day)))
		require.Contains(t, r.look(until.Add(-day)), "ends soon")
	})
}

// TestAnExpiredPairIsUsedAtTheStart: a restart makes nothing worse.
func TestAnExpiredPairIsUsedAtTheStart(t *testing.T) {
	dir := t.TempDir()
	certPath, keyPath := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert, key := pair(t, "late.example", noon.Add(-90*day), noon.Add(-day))
	write(t, certPath, cert)
	write(t, keyPath, key)
	l := &log{}
	source, err := certificate.Files(certPath, keyPath, noon, l.logger())
	require.NoError(t, err)
	require.Contains(t, l.take(), "it expired on")
	require.Equal(t, "late.example", shows(t, source))
	write(t, keyPath, []byte("hello"))
	_, err = certificate.Files(certPath, keyPath, noon, l.logger())
	require.ErrorContains(t, err, keyPath)
}

func TestOldTLSIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _, _ := open(t, noon.Add(90*day))
		server, client := net.Pipe()
		go func() {
			_ = tls.Server(server, r.source.Config("h2", "http/1.1")).HandshakeContext(t.Context())
			_ = server.Close()
		}()
		conn := tls.Client(client, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
		require.ErrorContains(t, conn.HandshakeContext(t.Context()), "protocol version")
	})
}
