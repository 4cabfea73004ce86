package certificate_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"weir/pkg/certificate"
)

func selfSigned(t *testing.T, path string, now time.Time, hosts ...string) (*certificate.Source, *log) {
	t.Helper()
	l := &log{}
	source, err := certificate.SelfSigned(path, hosts, now, l.logger())
	require.NoError(t, err)
	require.Contains(t, l.take(), "browsers warn of it")
	return source, l
}

// peer is the certificate that a client gets.
func peer(t *testing.T, source *certificate.Source) *x509.Certificate {
	t.Helper()
	leaf, err := source.Config().GetCertificate(nil)
	require.NoError(t, err)
	return leaf.Leaf
}

// TestSelfSignedIsGoodForItsHosts, to a client that was told to trust it.
func TestSelfSignedIsGoodForItsHosts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "self-signed.pem")
	source, _ := selfSigned(t, path, time.Now(), "localhost", "127.0.0.1", "::1", "live.example.com")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	trusted := x509.NewCertPool()
	require.True(t, trusted.AppendCertsFromPEM(text))
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "live.example.com"} {
		server, client := net.Pipe()
		go func() { _ = tls.Server(server, source.Config("h2")).HandshakeContext(t.Context()) }()
		conn := tls.Client(client, &tls.Config{RootCAs: trusted, ServerName: host, NextProtos: []string{"h2"}})
		require.NoError(t, conn.HandshakeContext(t.Context()), host)
		require.Equal(t, "h2", conn.ConnectionState().NegotiatedProtocol)
	}
	require.False(t, peer(t, source).IsCA, "whoever trusts it must not trust what it signs")
}

func TestSelfSignedIsKeptWhileItServes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "self-signed.pem")
	made := func(now time.Time, hosts ...string) *x509.Certificate {
		source, _ := selfSigned(t, path, now, hosts...)
		return peer(t, source)
	}
	first := made(noon, "localhost", "10.0.0.1")
	require.Equal(t, first.Raw, made(noon.Add(300*day), "localhost", "10.0.0.1").Raw)
	require.Equal(t, first.Raw, made(noon, "localhost").Raw, "fewer hosts are no reason")

	moved := made(noon, "localhost", "10.0.0.2")
	require.NotEqual(t, first.Raw, moved.Raw)
	require.NoError(t, moved.VerifyHostname("10.0.0.2"))
	require.Equal(t, first.PublicKey, moved.PublicKey, "the key stays")
	require.NotEqual(t, moved.Raw, made(noon.Add(340*day), "localhost").Raw, "it ends soon")
}

func TestSelfSignedIsRenewedWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "self-signed.pem")
		source, l := selfSigned(t, path, noon, "localhost")
		r := run(t, source, l)
		first := peer(t, source)
		l.take()
		require.Empty(t, r.look(noon.Add(300*day)))
		require.Contains(t, r.look(noon.Add(336*day)), "made a self-signed certificate")
		second := peer(t, source)
		require.Equal(t, noon.Add((336+365)*day), second.NotAfter)
		require.Equal(t, first.PublicKey, second.PublicKey)
		again, _ := selfSigned(t, path, noon.Add(337*day), "localhost")
		require.Equal(t, second.Raw, peer(t, again).Raw, "it was not kept")
	})
}

func TestBrokenSelfSignedIsMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "self-signed.pem")
	write(t, path, []byte("half a file"))
	source, _ := selfSigned(t, path, noon, "localhost")
	require.NoError(t, peer(t, source).VerifyHostname("localhost"))
}

func TestSelfSignedNeedsItsFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, nil)
	_, err := certificate.SelfSigned(filepath.Join(path, "self-signed.pem"), []string{"localhost"}, noon, (&log{}).logger())
	require.ErrorContains(t, err, "self-signed certificate")
}

func TestHostsOfThisMachine(t *testing.T) {
	hosts := certificate.Hosts("live.example.com", "", "not a host")
	require.Equal(t, "live.example.com", hosts[0])
	require.Subset(t, hosts, []string{"localhost", "127.0.0.1", "::1"})
	require.NotContains(t, hosts, "")
	require.NotContains(t, hosts, "not a host")
}
