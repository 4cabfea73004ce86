package rtmp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"weir/pkg/ingest"
)

// tlsTimeout limits the handshake of TLS, which takes two round trips; what
// follows has the rest of PublishTimeout.
const tlsTimeout = 5 * time.Second

// tlsBytes limits what is read for the handshake of TLS; two of them come to about
// 4 KiB with what encoders send right behind it. A list of one-letter protocols
// becomes eight times as much in memory.
const tlsBytes = 8 << 10

// secure makes the handshake of TLS where the connection is one of RTMPS.
func (c *conn) secure(ctx context.Context) error {
	conn, ok := c.link.conn.(*tls.Conn)
	if !ok {
		return nil
	}
	if err := c.link.armHandshake(min(tlsTimeout, c.limits.PublishTimeout)); err != nil {
		return err
	}
	if c.link.socket != nil {
		c.link.socket.bound(tlsBytes)
		defer c.link.socket.bound(bytesBeforePublish)
	}
	err := conn.HandshakeContext(ctx)
	if err != nil && (c.link.isInterrupted() || ctx.Err() != nil) {
		return errInterrupted
	}
	return withoutTLS(err)
}

// withoutTLS says in a creator's words why there was no handshake. An error is
// an *ingest.Rejection where the other end got it wrong.
func withoutTLS(err error) error {
	header, notTLS := errors.AsType[tls.RecordHeaderError](err)
	refusal, refused := errors.AsType[*net.OpError](err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errBeyond):
		return errBeyond
	case notTLS && header.RecordHeader[0] == rtmpVersion:
		return notRTMP("The encoder speaks plain RTMP, but this port is RTMPS. Use rtmps:// instead of rtmp://, or the RTMP port.")
	case notTLS && header.RecordHeader[0] >= 'A' && header.RecordHeader[0] <= 'Z':
		return notRTMP("A browser or HTTP client came to the RTMPS port. Viewers use the HTTP or HTTPS port.")
	case notTLS:
		return notRTMP(fmt.Sprintf("This is neither TLS nor RTMP: it starts with the byte 0x%02x.", header.RecordHeader[0]))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &ingest.Rejection{
			Reason:  ingest.TimedOut,
			Message: fmt.Sprintf("The encoder has not finished the TLS handshake within %v.", tlsTimeout),
		}
	case hungUp(err):
		return fmt.Errorf("make the TLS handshake: %w", err)
	case refused && refusal.Op == "remote error" && strings.Contains(err.Error(), "certificate"):
		return &ingest.Rejection{Reason: ingest.NoTLS, Message: fmt.Sprintf(
			"The encoder does not trust this gateway's certificate (%v). It may be self-signed, expired, or not for the host in the encoder's URL; docs/ingest.md says what each encoder needs.", refusal.Err)}
	default:
		return &ingest.Rejection{Reason: ingest.NoTLS, Message: fmt.Sprintf("The TLS handshake failed: %v.", err)}
	}
}
