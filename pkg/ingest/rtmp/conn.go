package rtmp

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"time"

	"weir/pkg/ingest"
)

const (
	// heldBeforePublish limits the memory of a connection's messages, and
	// bytesBeforePublish all that it sends, before it may publish. Commands have
	// a few hundred bytes, and all of them together less than 10 KiB. A connection
	// also has its read buffer, the stack of its goroutine, what a command becomes
	// when it is decoded (maxAMFValues) and, over RTMPS, buffers of TLS: 256 KiB
	// are not exceeded, which TestPeakBeforePublish measures.
	heldBeforePublish  = 32 << 10
	bytesBeforePublish = 64 << 10
	// heldBesides is what other messages may hold while the longest one of a
	// publisher comes, and the least that this one may have.
	heldBesides = 128 << 10
	// largestMessage is what FLV tags cannot exceed anyway; shorter limits
	// follow from the bit rate.
	largestMessage = 16 << 20
	// acknowledgeWindow is how many bytes may be on their way without
	// acknowledgement, where the other end does not want one more often. It is
	// large because an acknowledgement can do harm: ffmpeg does not read it
	// before it hangs up, which resets the connection and loses what it has
	// not sent yet. smallestWindow keeps the other end from asking for an
	// answer to each byte.
	acknowledgeWindow = 32 << 20
	smallestWindow    = 4 << 10
	// shutdownGrace is how long a session may take to end after the server was
	// told to stop.
	shutdownGrace = 3 * time.Second
)

// errUnpublished ends a connection whose publisher has said goodbye.
var errUnpublished = errors.New("the publisher ended the stream")

// conn is one connection. All of it is its own goroutine's.
type conn struct {
	server   *Server
	limits   Limits
	link     *link
	remote   netip.AddrPort
	protocol string
	// deadline is when it must have started to publish.
	deadline time.Time
	// unwelcome is why it must not, nil for those that there is room for.
	unwelcome error

	chunks *chunkReader
	out    chunkWriter
	// window is after how many bytes to acknowledge, acknowledged how many
	// were.
	window, acknowledged uint64

	// connected is true once connect was accepted; transaction is connect's,
	// for the answer. encoder is the publisher's software, application
	// what it connected to: foreign text.
	connected   bool
	transaction float64
	encoder     string
	application string
	// reconnects: it wants to be told to come back (Enhanced RTMP v2).
	reconnects bool
	// created counts message streams, whose ids run from 1; stream is the one
	// that publishes.
	created, stream uint32

	demuxer demuxer
	// bad holds back the log of access units that had to be thrown away.
	bad ingest.Seldom
}

func newConn(s *Server, c net.Conn, remote netip.AddrPort) *conn {
	_, secure := c.(*tls.Conn)
	l := &link{conn: c, socket: socketBeneath(c), secure: secure, writeTimeout: s.cfg.WriteTimeout, total: &s.counters.bytes}
	made := &conn{
		server: s, limits: *s.limits.Load(), link: l, remote: remote, protocol: protocolOf(c),
		out: chunkWriter{w: l, size: defaultChunkSize}, window: acknowledgeWindow,
	}
	made.expire(made.limits.PublishTimeout)
	return made
}

// expire sets when it must have started to publish.
func (c *conn) expire(after time.Duration) {
	c.deadline = time.Now().Add(after)
	c.link.untilPublish(c.deadline)
}

// run serves the connection until it ends and closes it. A panic costs this
// connection only.
func (c *conn) run(ctx context.Context) {
	defer c.link.conn.Close()
	defer func() {
		if r := recover(); r != nil {
			c.server.cfg.Log.LogAttrs(ctx, slog.LevelError, "an RTMP connection crashed; please report this",
				slog.Any("panic", r), slog.String("stack", string(debug.Stack())))
		}
	}()
	c.serve(ctx)
}

// serve is run without its safety net.
func (c *conn) serve(ctx context.Context) {
	defer c.release()
	session, err := c.open(ctx)
	if c.unwelcome != nil {
		err = c.unwelcome // However far it came.
	}
	if err != nil {
		c.refused(ctx, err)
		return
	}
	c.publish(ctx, session)
}

// open brings the connection to where it publishes.
func (c *conn) open(ctx context.Context) (ingest.Session, error) {
	stop := context.AfterFunc(ctx, c.link.interrupt)
	defer stop()
	if err := c.secure(ctx); err != nil {
		return nil, err
	}
	if err := handshake(c.link); err != nil {
		return nil, err
	}
	buffered, _ := c.server.readers.Get().(*bufio.Reader)
	buffered.Reset(c.link)
	c.chunks = newChunkReader(buffered, heldBeforePublish, heldBeforePublish)
	return c.negotiate(ctx)
}

// release gives the read buffer back.
func (c *conn) release() {
	if c.chunks != nil {
		c.chunks.r.Reset(nil)
		c.server.readers.Put(c.chunks.r)
	}
}

// read returns the next message that is not of the protocol itself; those it
// follows and answers.
func (c *conn) read() (message, error) {
	for {
		m, err := c.chunks.next()
		if err != nil {
			return message{}, err
		}
		c.server.counters.messages.Add(1)
		c.acknowledge()
		own, err := c.control(m)
		if err != nil {
			return message{}, err
		}
		if err := c.out.flush(); err != nil {
			return message{}, err
		}
		if !own {
			return m, nil
		}
	}
}

// acknowledge tells how much has come, each window (section 5.4.3).
func (c *conn) acknowledge() {
	if c.link.received-c.acknowledged < c.window {
		return
	}
	c.acknowledged = c.link.received
	c.out.write(chunkStreamControl, controlMessage(typeAcknowledgement, uint32(c.link.received)))
}

// control follows a protocol control or user control message (sections 5.4
// and 7.1.7); own is false if m is none.
func (c *conn) control(m message) (own bool, err error) {
	switch m.typ {
	case typeSetChunkSize, typeAbort, typeAcknowledgement, typeWindowSize:
		if len(m.payload) < 4 {
			return true, fmt.Errorf("%w: control message %d has %d bytes", errChunk, m.typ, len(m.payload))
		}
	case typeUserControl:
		if len(m.payload) >= 6 && binary.BigEndian.Uint16(m.payload) == eventPingRequest {
			c.out.write(chunkStreamControl, userControl(eventPingResponse, binary.BigEndian.Uint32(m.payload[2:])))
		}
		return true, nil
	case typeSetPeerBandwidth:
		return true, nil // It limits what we send, which is next to nothing.
	default:
		return false, nil
	}
	value := binary.BigEndian.Uint32(m.payload)
	switch m.typ {
	case typeSetChunkSize:
		err = c.chunks.setSize(value)
	case typeAbort:
		c.chunks.abort(value)
	case typeWindowSize:
		c.window = max(uint64(value), smallestWindow)
	default: // An acknowledgement: we never send enough to wait for one.
	}
	return true, err
}

// refused ends a connection that has not come to publish.
func (c *conn) refused(ctx context.Context, err error) {
	switch {
	case errors.Is(err, errInterrupted), hungUp(err):
		c.server.cfg.Log.LogAttrs(ctx, slog.LevelDebug, "connection ended before it published",
			slog.String("remote", c.remote.String()), slog.Any("error", err))
		return
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		err = &ingest.Rejection{
			Reason:  ingest.TimedOut,
			Message: fmt.Sprintf("The encoder has not started to publish within %v.", c.limits.PublishTimeout),
		}
	}
	c.server.refuse(ctx, c.refusal(), err)
	c.farewell(err)
}

// refusal says who was refused, as far as that is known.
func (c *conn) refusal() ingest.Refusal {
	return ingest.Refusal{Remote: c.remote, Protocol: c.protocol, Application: c.application, Encoder: c.encoder}
}

// farewell tells the other end why, where it can be told, and closes the
// connection. OBS writes the description of "Publish.Denied" and
// "Connect.InvalidApp" into its log (its window only says that the channel or
// stream key cannot be accessed); of the codes in the specification it
// understands neither. ffmpeg and GStreamer show the description of any
// status of level error.
func (c *conn) farewell(err error) {
	if c.chunks == nil {
		return // It does not even speak RTMP.
	}
	description := "Weir could not go on because of an error of its own. Whoever runs it finds more in the log."
	code := "NetStream.Publish.Denied"
	if rejection, ok := errors.AsType[*ingest.Rejection](err); ok {
		description = rejection.Message
		if rejection.Reason == ingest.PlayRequested {
			code = "NetStream.Play.Failed"
		}
	}
	if !c.connected {
		c.out.write(chunkStreamCommand, commandMessage(0, "_error", c.transaction, nil,
			status(levelError, "NetConnection.Connect.Rejected", description)))
		code = "NetConnection.Connect.InvalidApp"
	}
	c.out.write(chunkStreamStatus, commandMessage(c.stream, "onStatus", 0.0, nil, status(levelError, code, description)))
	if c.out.flush() == nil {
		c.link.linger()
	}
}
