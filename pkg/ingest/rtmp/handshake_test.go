package rtmp

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"

	"weir/pkg/ingest"
)

// wire is both directions of a connection, the incoming one known beforehand.
type wire struct {
	io.Reader
	bytes.Buffer
}

func (w *wire) Read(p []byte) (int, error) { return w.Reader.Read(p) }

// clientHello is C0, C1 and C2; digest signs C1 in the layout at base.
func clientHello(tb testing.TB, base int) (c1 handshakeBlock, all []byte) {
	tb.Helper()
	if _, err := rand.Read(c1[8:]); err != nil {
		tb.Fatal(err)
	}
	if base != 0 {
		copy(c1[4:], []byte{9, 0, 124, 2})
		putDigest(&c1, base, clientKey())
	}
	return c1, join(rtmpVersion, c1[:], make([]byte, len(c1)))
}

func TestSimpleHandshake(t *testing.T) {
	t.Parallel()
	c1, hello := clientHello(t, 0)
	w := &wire{Reader: bytes.NewReader(hello)}
	if err := handshake(w); err != nil {
		t.Fatal(err)
	}
	out := w.Bytes()
	if len(out) != 1+2*1536 || out[0] != 3 {
		t.Fatalf("%d bytes, version %d", len(out), out[0])
	}
	if !bytes.Equal(out[1+4:1+8], make([]byte, 4)) {
		t.Error("bytes 4 to 7 of S1 are not zero")
	}
	if !bytes.Equal(out[1+1536:], c1[:]) {
		t.Error("S2 does not echo C1")
	}
}

func TestDigestHandshake(t *testing.T) {
	t.Parallel()
	for _, base := range []int{digestFirst, digestSecond} {
		c1, hello := clientHello(t, base)
		w := &wire{Reader: bytes.NewReader(hello)}
		if err := handshake(w); err != nil {
			t.Fatal(err)
		}
		var s1, s2 handshakeBlock
		copy(s1[:], w.Bytes()[1:])
		copy(s2[:], w.Bytes()[1+1536:])
		if _, got, ok := findDigest(&s1, serverKey()); !ok || got != base {
			t.Errorf("layout %d: S1 has no digest in the client's layout (%d, %v)", base, got, ok)
		}
		// What a flash player checks, in the words of its own: S2's last bytes
		// sign the others with a key made from C1's digest.
		place := digestPlace(&c1, base)
		key := hmac.New(sha256.New, append([]byte("Genuine Adobe Flash Media Server 001"), keySuffix()...))
		key.Write(c1[place : place+32])
		sign := hmac.New(sha256.New, key.Sum(nil))
		sign.Write(s2[:1536-32])
		if !bytes.Equal(sign.Sum(nil), s2[1536-32:]) {
			t.Errorf("layout %d: S2 is not signed for this C1", base)
		}
	}
}

func TestDigestStaysInsideTheBlock(t *testing.T) {
	t.Parallel()
	var block handshakeBlock
	for i := range block {
		block[i] = 0xff
	}
	for _, base := range []int{digestFirst, digestSecond} {
		for sum := range digestSpan {
			block[base], block[base+1], block[base+2] = byte(min(sum, 255)), byte(min(max(sum-255, 0), 255)), byte(max(sum-510, 0))
			block[base+3] = 0
			if place := digestPlace(&block, base); place != base+4+sum || place+digestSize > len(block) {
				t.Fatalf("layout %d, sum %d: place %d", base, sum, place)
			}
		}
	}
}

func TestHandshakeRefusesOtherProtocols(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, says, answer string }{
		{"TLS", "\x16\x03\x01\x02\x00\x01", "speaks TLS", ""},
		{"HTTP", "GET / HTTP/1.1\r\n\r\n", "HTTP client", "HTTP/1.1 400 Bad Request"},
		{"RTMPE", "\x06" + strings.Repeat("x", 1536), "rtmpe://", ""},
		{"SSH", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP client", "HTTP/1.1 400"},
		{"zeros", "\x00\x00\x00", "0x00", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := &wire{Reader: strings.NewReader(c.in)}
			err := handshake(w)
			rejection, ok := errors.AsType[*ingest.Rejection](err)
			if !ok || rejection.Reason != ingest.NotRTMP || !strings.Contains(rejection.Message, c.says) {
				t.Errorf("the error is %v", err)
			}
			if !strings.HasPrefix(w.String(), c.answer) || c.answer == "" && w.Len() > 0 {
				t.Errorf("the answer is %q", w.String())
			}
		})
	}
}

func TestHandshakeCutShort(t *testing.T) {
	t.Parallel()
	_, hello := clientHello(t, 0)
	for _, n := range []int{0, 1, 100, 1537, 2000, len(hello) - 1} {
		err := handshake(&wire{Reader: bytes.NewReader(hello[:n])})
		if !hungUp(err) {
			t.Errorf("after %d bytes the error is %v", n, err)
		}
	}
}
