package rtmp

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/sirupsen/logrus"
	gortmp "github.com/yutopp/go-rtmp"
	gomessage "github.com/yutopp/go-rtmp/message"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// flvTag is one tag of an FLV file.
type flvTag struct {
	typ       byte
	timestamp uint32
	data      []byte
}

// flvTags reads the first tags of an FLV file.
func flvTags(tb testing.TB, path string, most int) []flvTag {
	tb.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var tags []flvTag
	for rest := file[13:]; len(rest) > 11 && len(tags) < most; {
		size := int(uint24(rest[1:]))
		tags = append(tags, flvTag{rest[0], uint24(rest[4:]) | uint32(rest[7])<<24, rest[11 : 11+size]})
		rest = rest[11+size+4:]
	}
	return tags
}

// goClient dials with the go-rtmp client and goes as far as a message stream.
func goClient(tb testing.TB, address string) (*gortmp.ClientConn, *gortmp.Stream) {
	tb.Helper()
	logger := logrus.New()
	logger.SetOutput(new(bytes.Buffer))
	c, err := gortmp.Dial("rtmp", address, &gortmp.ConnConfig{Logger: logger})
	if err != nil {
		tb.Fatal(err)
	}
	if err = c.Connect(&gomessage.NetConnectionConnect{
		Command: gomessage.NetConnectionConnectCommand{App: application, FlashVer: "go-rtmp"},
	}); err != nil {
		tb.Fatal(err)
	}
	stream, err := c.CreateStream(nil, 4096)
	if err != nil {
		tb.Fatal(err)
	}
	return c, stream
}

// TestGoRTMPPublishes publishes real tags with the go-rtmp client, some of
// them so late that every timestamp is extended.
func TestGoRTMPPublishes(t *testing.T) {
	t.Parallel()
	const later = 5 * 3600 * 1000
	tags := flvTags(t, clip(t, "camera_720p60_4M_cbr.flv"), 400)
	gate := newRecorder()
	pictures := make(chan media.Ticks, len(tags))
	gate.write = func(_ context.Context, unit media.AccessUnit) error {
		if unit.Track.Kind == media.Video {
			pictures <- unit.DTS
		}
		return nil
	}
	server, address := serve(t, Config{Gate: gate, MaxBitrate: 500_000_000})
	c, stream := goClient(t, address)
	if err := stream.Publish(&gomessage.NetStreamPublish{PublishingName: goodKey, PublishingType: "live"}); err != nil {
		t.Fatal(err)
	}
	var want []media.Ticks
	for i, tag := range tags {
		if i >= 200 {
			tag.timestamp += later
		}
		body := bytes.NewReader(tag.data)
		var err error
		switch tag.typ {
		case typeVideo:
			err = stream.Write(6, tag.timestamp, &gomessage.VideoMessage{Payload: body})
			if tag.data[1] == packetCoded {
				want = append(want, media.Ticks(tag.timestamp))
			}
		case typeAudio:
			err = stream.Write(4, tag.timestamp, &gomessage.AudioMessage{Payload: body})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, dts := range want {
		if got := <-pictures; got != dts {
			t.Fatalf("picture %d has DTS %d, want %d", i, got, dts)
		}
	}
	// go-rtmp lets commands overtake media: only now.
	if err := c.DeleteStream(&gomessage.NetStreamDeleteStream{StreamID: stream.StreamID()}); err != nil {
		t.Fatal(err)
	}
	s := <-gate.sessions
	if end := <-s.closed; !end.OnPurpose {
		t.Errorf("the session ended %+v", end)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if bad := server.Stats().BadUnits; bad != 0 {
		t.Errorf("%d bad access units", bad)
	}
}

// selfSigned is a certificate for the test's own server.
func selfSigned(tb testing.TB) tls.Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// publishOverTLS takes publishers over TLS, with a certificate that nobody vouches for, until stop or the
// end of the test.
func publishOverTLS(t *testing.T) (gate *recorder, server *Server, url string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gate = newRecorder()
	server = NewServer(Config{Gate: gate, Log: testLog(t), MaxBitrate: 500_000_000})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- server.Serve(ctx, tls.NewListener(Ticked(l), &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}))
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return gate, server, "rtmps://" + l.Addr().String() + "/live/", stop
}

// TestRTMPS: ffmpeg publishes over TLS, and is told off there as well.
func TestRTMPS(t *testing.T) {
	t.Parallel()
	path := clip(t, "camera_720p60_4M_cbr.flv")
	gate, server, url, stop := publishOverTLS(t)
	if said, err := ffmpeg(t, path, url+goodKey, "-c", "copy", "-t", "3"); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, said)
	}
	s := <-gate.sessions
	if end := <-s.closed; !end.OnPurpose || s.request.Protocol != "rtmps" || len(s.of(media.Video)) < 150 {
		t.Errorf("the session ended %+v; request %+v, %d pictures", end, s.request, len(s.of(media.Video)))
	}
	if said, err := ffmpeg(t, path, url+"wrong", "-c", "copy", "-t", "3"); err == nil || !strings.Contains(said, "No stream has this stream key") {
		t.Errorf("ffmpeg said %q (%v)", said, err)
	}
	if _, err := ffmpeg(t, path, strings.Replace(url, "rtmps", "rtmp", 1)+goodKey, "-c", "copy", "-t", "3"); err == nil {
		t.Error("ffmpeg published without TLS")
	}
	stop()
	if stats := server.Stats(); stats.Ended[ingest.NotRTMP] != 1 || stats.Ended[ingest.WrongKey] != 1 {
		t.Errorf("stats %+v", stats)
	}
}
