package rtmp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// errCrashed is how a session ends whose connection panicked.
var errCrashed = errors.New("the connection crashed")

// publish runs a session from its first to its last message and then tells
// the publisher and the operator how it ended.
func (c *conn) publish(ctx context.Context, session ingest.Session) {
	c.server.counters.publishing.Add(1)
	err := c.runSession(ctx, session)
	c.server.counters.publishing.Add(-1)
	if hungUp(err) || errors.Is(err, errUnpublished) {
		c.server.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "publisher left",
			slog.String("remote", c.remote.String()), slog.Any("cause", err))
		c.link.seeOff()
		return
	}
	c.dismissed(ctx, err)
}

// runSession feeds the session and closes it, exactly once. Its error is never
// nil.
func (c *conn) runSession(ctx context.Context, session ingest.Session) (err error) {
	err = errCrashed
	defer func() {
		end := ingest.End{Err: err}
		if errors.Is(err, errUnpublished) {
			end = ingest.End{OnPurpose: true}
		}
		session.Close(end)
	}()
	err = c.pump(ctx, session)
	switch {
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		if err = session.Err(); err == nil {
			err = &ingest.Rejection{
				Reason:  ingest.ShuttingDown,
				Message: "Weir is restarting. Your encoder reconnects by itself.",
			}
		}
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = &ingest.Rejection{
			Reason:  ingest.TimedOut,
			Message: fmt.Sprintf("Nothing came from the encoder for %v.", c.limits.IdleTimeout),
		}
	}
	return err
}

// dismissed ends a connection whose session the gateway ended.
func (c *conn) dismissed(ctx context.Context, err error) {
	reason, level := ingest.ProtocolError, slog.LevelWarn
	rejection, told := errors.AsType[*ingest.Rejection](err)
	if told {
		reason = rejection.Reason
	}
	switch {
	case reason == ingest.ShuttingDown || reason == ingest.TakenOver || reason == ingest.Kicked:
		level = slog.LevelInfo
	case told:
		what := c.refusal()
		what.Why = rejection
		c.server.tell(what)
	}
	c.server.counters.end(reason)
	c.server.cfg.Log.LogAttrs(ctx, level, "publisher disconnected",
		slog.String("reason", string(reason)), slog.String("remote", c.remote.String()), slog.Any("error", err))
	if reason == ingest.ShuttingDown {
		c.leave(err.Error())
		return
	}
	c.farewell(err)
}

// leave tells a publisher that the server goes down, which is no fault of its
// own: that the stream is over on this connection and, in the words of Enhanced
// RTMP v2 ("Reconnect Request") where it knows them, that it should come back.
func (c *conn) leave(description string) {
	c.out.write(chunkStreamStatus, commandMessage(c.stream, "onStatus", 0.0, nil,
		status(levelStatus, "NetStream.Unpublish.Success", description)))
	code := "NetConnection.Connect.Closed"
	if c.reconnects {
		code = "NetConnection.Connect.ReconnectRequest"
	}
	c.out.write(chunkStreamCommand, commandMessage(0, "onStatus", 0.0, nil, status(levelStatus, code, description)))
	if c.out.flush() == nil {
		c.link.linger()
	}
}

// pump tells the publisher to start and hands on what it sends, until one of
// them or the server ends it.
func (c *conn) pump(ctx context.Context, session ingest.Session) error {
	// The session may end in its own way after the server was told to stop.
	writing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	over := make(chan struct{})
	var watcher sync.WaitGroup
	defer watcher.Wait()
	defer close(over)
	watcher.Go(func() {
		if watch(ctx, session, over) {
			cancel()
			c.link.interrupt()
		}
	})

	if err := c.begin(); err != nil {
		return err
	}
	left := ingest.NewAllowance(c.limits.MaxBitrate, time.Now())
	for seen := c.link.received; ; {
		m, err := c.read()
		if err != nil {
			return err
		}
		if !left.Spend(c.link.received-seen, time.Now()) {
			return limitExceeded(fmt.Sprintf("The encoder sends more than %.1f Mbit/s, the limit here. Lower its bit rate.",
				float64(c.limits.MaxBitrate)/1e6))
		}
		seen = c.link.received
		if err := c.receive(writing, session, m); err != nil {
			return err
		}
		if err := c.out.flush(); err != nil {
			return err
		}
	}
}

// watch waits until the connection has to be interrupted, false if that is not
// necessary any more.
func watch(ctx context.Context, session ingest.Session, over <-chan struct{}) bool {
	select {
	case <-session.Done():
		return true
	case <-over:
		return false
	case <-ctx.Done():
	}
	select {
	case <-session.Done():
	case <-over:
		return false
	case <-time.After(shutdownGrace):
	}
	return true
}

// begin lifts the limits of an unknown publisher and tells it to start.
func (c *conn) begin() error {
	longest := min(max(2*c.limits.MaxBitrate/8, heldBesides), largestMessage)
	c.chunks.allow(longest, longest+heldBesides)
	c.link.published(c.limits.IdleTimeout)
	c.out.write(chunkStreamControl, userControl(eventStreamBegin, c.stream))
	c.out.write(chunkStreamStatus, commandMessage(c.stream, "onStatus", 0.0, nil,
		status(levelStatus, "NetStream.Publish.Start", "Weir takes the stream.")))
	return c.out.flush()
}

// receive handles one message of a publisher.
func (c *conn) receive(ctx context.Context, session ingest.Session, m message) error {
	switch m.typ {
	case typeVideo:
		unit, ok, err := c.demuxer.pushVideo(m.timestamp, m.payload)
		return c.handAll(ctx, session, unit, ok, err)
	case typeAudio:
		unit, ok, err := c.demuxer.pushAudio(m.timestamp, m.payload)
		return c.handAll(ctx, session, unit, ok, err)
	case typeAggregate:
		err := splitAggregate(m, func(sub message) error { return c.receive(ctx, session, sub) })
		if errors.Is(err, errAggregate) {
			c.spoiled(ctx, err)
			return nil
		}
		return err
	case typeDataAMF3, typeDataAMF0:
		c.describe(session, m)
		return nil
	default:
		if cmd, ok := asCommand(m); ok {
			return c.goodbye(cmd)
		}
		return nil
	}
}

// handAll gives what the demuxer made of a tag to the session: an access unit of the
// default track, and those of further ones.
func (c *conn) handAll(ctx context.Context, session ingest.Session, unit media.AccessUnit, ok bool, err error) error {
	c.passOver(ctx)
	if c.demuxer.news {
		c.demuxer.news = false
		session.Metadata(c.demuxer.metadata)
	}
	if err = c.hand(ctx, session, unit, ok, err); err != nil {
		return err
	}
	for _, other := range c.demuxer.more {
		if err = c.hand(ctx, session, other, true, nil); err != nil {
			return err
		}
	}
	if c.demuxer.spoiled != nil {
		c.spoiled(ctx, c.demuxer.spoiled)
	}
	return nil
}

// hand gives an access unit to the session, or counts what spoiled it.
func (c *conn) hand(ctx context.Context, session ingest.Session, unit media.AccessUnit, ok bool, err error) error {
	if errors.Is(err, errBadUnit) {
		c.spoiled(ctx, err)
		return nil
	}
	if err != nil || !ok {
		return err
	}
	c.server.counters.units.Add(1)
	if err := session.Write(ctx, unit); err != nil {
		return fmt.Errorf("hand on an access unit: %w", err)
	}
	return nil
}

// spoiled counts what could not be used; the stream goes on.
func (c *conn) spoiled(ctx context.Context, err error) {
	c.server.counters.bad.Add(1)
	if attrs, ok := c.bad.Allow(time.Now(), slog.String("remote", c.remote.String()), slog.Any("error", err)); ok {
		c.server.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "the publisher's data is damaged", attrs...)
	}
}

// describe passes metadata on. AMF3 data begins with a byte 0 where its values
// are AMF0 all the same.
func (c *conn) describe(session ingest.Session, m message) {
	payload := m.payload
	if m.typ == typeDataAMF3 && len(payload) > 0 && payload[0] == 0 {
		payload = payload[1:]
	}
	if metadata, said, ok := parseMetadata(payload); ok {
		metadata.OtherTracks = c.demuxer.metadata.OtherTracks
		c.demuxer.metadata, c.demuxer.said = metadata, said
		c.demuxer.nameSounds()
		c.demuxer.news = false
		session.Metadata(c.demuxer.metadata)
	}
}

// passOver counts what came of tracks that nobody uses, and tells of them once.
func (c *conn) passOver(ctx context.Context) {
	if c.demuxer.passedOver == 0 {
		return
	}
	c.server.counters.others.Add(c.demuxer.passedOver)
	c.demuxer.passedOver = 0
	if c.demuxer.metadata.OtherTracks {
		return
	}
	c.demuxer.metadata.OtherTracks, c.demuxer.news = true, true
	c.server.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "the publisher sends tracks that are not used: too many of them, or in a codec that cannot be taken",
		slog.String("remote", c.remote.String()))
}

// goodbye follows the commands that end a stream (section 7.2.2.3 and its
// relatives); other commands get the usual courtesy.
func (c *conn) goodbye(cmd command) error {
	switch cmd.name {
	case "FCUnpublish":
		c.out.write(chunkStreamCommand, commandMessage(0, "onFCUnpublish", 0.0, nil,
			amfObject{{"code", "NetStream.Unpublish.Success"}, {"description", "The stream has ended."}}))
	case "closeStream":
		c.out.write(chunkStreamStatus, commandMessage(c.stream, "onStatus", 0.0, nil,
			status(levelStatus, "NetStream.Unpublish.Success", "The stream has ended.")))
	case "deleteStream":
		if len(cmd.args) > 0 && cmd.args[0] != float64(c.stream) {
			return nil // Another one, which never published.
		}
	case "publish":
		c.out.write(chunkStreamStatus, commandMessage(c.stream, "onStatus", 0.0, nil,
			status(levelError, "NetStream.Publish.BadName", "This connection publishes already; use another one for another stream.")))
		return nil
	default:
		c.courtesy(cmd)
		return nil
	}
	if err := c.out.flush(); err != nil {
		return errors.Join(errUnpublished, err)
	}
	return errUnpublished
}

// hungUp reports whether err says that the other end has closed or lost the
// connection.
func hungUp(err error) bool {
	for _, end := range []error{
		io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE,
	} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}
