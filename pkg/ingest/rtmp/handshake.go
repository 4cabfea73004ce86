package rtmp

import (
	"crypto/rand"
	"fmt"
	"io"

	"weir/pkg/ingest"
)

// rtmpVersion is C0 and S0: plain RTMP. 6 and 8 are its encrypted forms.
const rtmpVersion = 3

// handshakeBlock is C1, C2, S1 or S2 (section 5.2).
type handshakeBlock [1536]byte

// handshake answers the client's handshake (section 5.2), in the simple form
// or, where C1 holds a digest, in the digest form. An error is an
// *ingest.Rejection where the other end does not speak RTMP.
func handshake(rw io.ReadWriter) error {
	var hello [1]byte
	if _, err := io.ReadFull(rw, hello[:]); err != nil {
		return fmt.Errorf("read C0: %w", err)
	}
	if hello[0] != rtmpVersion {
		return refuseVersion(rw, hello[0])
	}
	var c1 handshakeBlock
	if _, err := io.ReadFull(rw, c1[:]); err != nil {
		return fmt.Errorf("read C1: %w", err)
	}
	if _, err := rw.Write(answer(&c1)); err != nil {
		return fmt.Errorf("write S0, S1 and S2: %w", err)
	}
	// C2 should echo S1, but encoders fill it as they like.
	if _, err := io.ReadFull(rw, c1[:]); err != nil {
		return fmt.Errorf("read C2: %w", err)
	}
	return nil
}

// answer is S0, S1 and S2.
func answer(c1 *handshakeBlock) []byte {
	var s1, s2 handshakeBlock
	rand.Read(s1[8:])
	digest, base, ok := findDigest(c1, clientKey())
	if ok {
		copy(s1[4:8], []byte{4, 5, 0, 1}) // A version of 3 or more promises a digest.
		putDigest(&s1, base, serverKey())
		rand.Read(s2[:])
		signAnswer(&s2, digest)
	} else {
		s2 = *c1
	}
	out := make([]byte, 0, 1+len(s1)+len(s2))
	out = append(out, rtmpVersion)
	out = append(out, s1[:]...)
	return append(out, s2[:]...)
}

// refuseVersion tells what else the first byte may be the start of, in words
// of that protocol where it has some that a person would see.
func refuseVersion(w io.Writer, first byte) error {
	const tlsHandshake = 0x16
	switch {
	case first == tlsHandshake:
		return notRTMP("The encoder speaks TLS, but this port is plain RTMP. Use rtmp:// instead of rtmps://, or the RTMPS port.")
	case first >= 'A' && first <= 'Z':
		const page = "This port is for encoders (RTMP). Open the HTTP port in your browser.\n"
		// The write's error does not matter: the connection ends either way.
		fmt.Fprintf(w, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(page), page)
		return notRTMP("A browser or HTTP client came to the RTMP port. Viewers use the HTTP port.")
	case first == 6 || first == 8:
		return notRTMP("The encoder asks for encrypted RTMP (rtmpe://), which Weir does not speak. Use rtmp:// or rtmps://.")
	}
	return notRTMP(fmt.Sprintf("This is not RTMP: it starts with the byte 0x%02x.", first))
}

func notRTMP(message string) error {
	return &ingest.Rejection{Reason: ingest.NotRTMP, Message: message}
}
