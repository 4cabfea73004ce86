package publish

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/yutopp/go-rtmp"
	"github.com/yutopp/go-rtmp/handshake"
	"github.com/yutopp/go-rtmp/message"
)

// Chunk streams: one for each kind of message, so that none has to restate
// what it is.
const (
	chunkControl = 2
	chunkCommand = 3
	chunkAudio   = 4
	chunkData    = 5
	chunkVideo   = 6
)

const (
	// chunkSize holds most messages in one piece.
	chunkSize = 64 << 10
	// firstChunkSize is what the other end begins with (RTMP 1.0, 5.4.1).
	firstChunkSize = 128
	// answerTimeout is how long the server may take for handshake, connect,
	// createStream and publish together.
	answerTimeout = 10 * time.Second
	// stallTimeout is how long a message may wait for the one before it.
	stallTimeout = 10 * time.Second
	// farewellTimeout is how long the server may take to close.
	farewellTimeout = 2 * time.Second
)

// Transaction numbers of the commands that are answered.
const (
	callConnect = 1 + iota
	callRelease
	callFCPublish
	callCreate
	callPublish
	callUnpublish
)

// conversation is one connection that publishes.
type conversation struct {
	conn     net.Conn
	streamer *rtmp.ChunkStreamer
	target   Target
	stream   uint32
	// replies are the commands that the server sends; closed with ended.
	replies chan reply
	// pings are those that the writer has yet to answer: the reader never
	// writes, lest both ends wait for each other.
	pings chan uint32
	// ended is closed when the reader has, and cause says why.
	ended chan struct{}
	cause error
}

// converse opens the conversation up to the point where media may flow. It
// takes the connection over.
func converse(ctx context.Context, conn net.Conn, target Target) (c *conversation, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	defer func() {
		if err != nil {
			_ = conn.Close() // What went wrong before matters more.
		}
	}()
	// The handshake reads and writes without a context.
	release := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	err = handshake.HandshakeWithServer(conn, conn, &handshake.Config{SkipHandshakeVerification: true})
	if !release() {
		return nil, fmt.Errorf("shake hands with %s: no answer within %v", target.Address, answerTimeout)
	}
	if err != nil {
		return nil, fmt.Errorf("shake hands with %s: %w; is it an RTMP server?", target.Address, err)
	}
	c = &conversation{conn: conn, target: target, replies: make(chan reply, 16), pings: make(chan uint32, 16), ended: make(chan struct{})}
	c.streamer = rtmp.NewChunkStreamer(bufio.NewReader(conn), bufio.NewWriterSize(conn, chunkSize), &rtmp.StreamControlStateConfig{
		DefaultChunkSize: chunkSize, MaxChunkSize: rtmp.MaxChunkSize, MaxChunkStreams: 64,
		// It acknowledges by itself, through something that only go-rtmp's own
		// client sets. No server says enough to need it.
		DefaultAckWindowSize: 1<<31 - 1,
		MaxMessageSize:       1 << 20,
	})
	if err := c.streamer.PeerState().SetChunkSize(firstChunkSize); err != nil {
		return nil, fmt.Errorf("set the chunk size: %w", err)
	}
	go c.read()
	if err := c.open(ctx); err != nil {
		c.hangUp()
		return nil, err
	}
	return c, nil
}

// open has the server accept the stream.
func (c *conversation) open(ctx context.Context) error {
	if err := c.write(ctx, chunkControl, 0, 0, &message.SetChunkSize{ChunkSize: chunkSize}); err != nil {
		return err
	}
	if err := c.command(ctx, "connect", callConnect, map[string]any{
		"app": c.target.Application, "type": "nonprivate", "flashVer": "FMLE/3.0 (compatible; weir publish)", "tcUrl": c.target.url(),
	}); err != nil {
		return err
	}
	if _, err := c.answer(ctx, callConnect); err != nil {
		return err
	}
	for _, call := range []struct {
		name   string
		number int64
		values []any
	}{
		{"releaseStream", callRelease, []any{nil, c.target.Key}},
		{"FCPublish", callFCPublish, []any{nil, c.target.Key}},
		{"createStream", callCreate, []any{nil}},
	} {
		if err := c.command(ctx, call.name, call.number, call.values...); err != nil {
			return err
		}
	}
	created, err := c.answer(ctx, callCreate)
	if err != nil {
		return err
	}
	number, ok := at(created.values, 1).(float64)
	if !ok {
		return errors.New("the server gave the stream no number")
	}
	c.stream = uint32(number)
	if err = c.command(ctx, "publish", callPublish, nil, c.target.Key, "live"); err != nil {
		return err
	}
	_, err = c.answer(ctx, callPublish)
	return err
}

// answer waits for the result of a call; of publish, for its status.
func (c *conversation) answer(ctx context.Context, call int64) (reply, error) {
	for {
		select {
		case r, open := <-c.replies:
			if !open {
				return reply{}, c.lost()
			}
			if err := r.rejection(); err != nil && (r.transaction == call || r.command == "onStatus") {
				return reply{}, err
			}
			if r.command == "_result" && r.transaction == call {
				return r, nil
			}
			if r.command == "onStatus" && call == callPublish && r.text("code") == "NetStream.Publish.Start" {
				return r, nil
			}
		case <-ctx.Done():
			return reply{}, fmt.Errorf("wait for %s to accept the stream: %w", c.target.Address, ctx.Err())
		}
	}
}

// command sends a call or, with number 0, a notice.
func (c *conversation) command(ctx context.Context, name string, number int64, values ...any) error {
	var body bytes.Buffer
	encoder := message.NewAMFEncoder(&body, message.EncodingTypeAMF0)
	for _, value := range values {
		if err := encoder.Encode(value); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	stream := uint32(0)
	if number == callPublish {
		stream = c.stream
	}
	return c.write(ctx, chunkCommand, stream, 0, &message.CommandMessage{
		CommandName: name, TransactionID: number, Encoding: message.EncodingTypeAMF0, Body: &body,
	})
}

// send sends a packet at a time in milliseconds.
func (c *conversation) send(ctx context.Context, p packet, milliseconds uint32) error {
	payload := bytes.NewReader(p.body)
	switch p.kind {
	case kindVideo:
		return c.write(ctx, chunkVideo, c.stream, milliseconds, &message.VideoMessage{Payload: payload})
	case kindAudio:
		return c.write(ctx, chunkAudio, c.stream, milliseconds, &message.AudioMessage{Payload: payload})
	case kindData:
		return c.write(ctx, chunkData, c.stream, milliseconds, &message.DataMessage{
			Name: "@setDataFrame", Encoding: message.EncodingTypeAMF0, Body: payload,
		})
	}
	return nil
}

// write sends one message, and before it the answers to pings. Only one
// goroutine may write.
func (c *conversation) write(ctx context.Context, chunk int, stream, milliseconds uint32, m message.Message) error {
	for {
		select {
		case ping := <-c.pings:
			pong := &message.UserCtrl{Event: &message.UserCtrlEventPingResponse{Timestamp: ping}}
			if err := c.put(ctx, chunkControl, 0, 0, pong); err != nil {
				return err
			}
		default:
			return c.put(ctx, chunk, stream, milliseconds, m)
		}
	}
}

// put hands one message to the chunk writer, once the one before it in the
// same chunk stream has gone out.
func (c *conversation) put(ctx context.Context, chunk int, stream, milliseconds uint32, m message.Message) error {
	select {
	case <-c.ended:
		return c.lost()
	case <-c.streamer.Done():
		return c.lost()
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, stallTimeout)
	defer cancel()
	if err := c.streamer.Write(ctx, chunk, milliseconds, &rtmp.ChunkMessage{StreamID: stream, Message: m}); err != nil {
		select {
		case <-c.ended:
			return c.lost()
		default:
			return fmt.Errorf("send to %s: %w", c.target.Address, err)
		}
	}
	return nil
}

// lost is why the connection ended: what the server last said, if it was an
// error, else what happened to the connection.
func (c *conversation) lost() error {
	select {
	case <-c.ended:
		return c.cause
	case <-c.streamer.Done():
		return fmt.Errorf("the connection to %s is lost: %w", c.target.Address, c.streamer.Err())
	}
}

// read takes in what the server says until the connection ends.
func (c *conversation) read() {
	defer close(c.ended)
	defer close(c.replies)
	defer func() {
		// The chunk reader panics where it gives up.
		if cause := recover(); cause != nil {
			c.cause = fmt.Errorf("the server %s broke the protocol: %v", c.target.Address, cause)
		}
	}()
	for {
		var m rtmp.ChunkMessage
		if _, _, err := c.streamer.Read(&m); err != nil {
			if c.cause == nil {
				c.cause = c.readError(err)
			}
			return
		}
		if err := c.hear(m.Message); err != nil {
			c.cause = err
		}
	}
}

func (c *conversation) readError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		return fmt.Errorf("the server %s closed the connection", c.target.Address)
	}
	return fmt.Errorf("the connection to %s is lost: %w", c.target.Address, err)
}

// hear takes in one message. An error is a rejection, after which the server
// is about to close.
func (c *conversation) hear(m message.Message) error {
	switch m := m.(type) {
	case *message.SetChunkSize:
		return c.streamer.PeerState().SetChunkSize(m.ChunkSize)
	case *message.UserCtrl:
		if ping, ok := m.Event.(*message.UserCtrlEventPingRequest); ok {
			select {
			case c.pings <- ping.Timestamp:
			default: // One answer of so many will do.
			}
		}
	case *message.CommandMessage:
		r := newReply(m)
		select {
		case c.replies <- r:
		default:
			// Nobody waits for it any more.
		}
		if r.command == "onStatus" {
			return r.rejection()
		}
	}
	return nil
}

// farewell ends the stream on purpose and closes the connection once the
// server has taken everything in.
func (c *conversation) farewell(ctx context.Context) error {
	defer c.hangUp()
	ctx, cancel := context.WithTimeout(ctx, farewellTimeout)
	defer cancel()
	if err := c.drain(ctx, chunkAudio, chunkVideo, chunkData); err != nil {
		return err
	}
	if err := c.command(ctx, "FCUnpublish", callUnpublish, nil, c.target.Key); err != nil {
		return err
	}
	err := c.command(ctx, "deleteStream", 0, nil, float64(c.stream))
	if err == nil {
		err = c.drain(ctx, chunkCommand)
	}
	if err != nil {
		select {
		case <-c.ended:
			return nil // A server may hang up at the first of the two.
		case <-ctx.Done():
			return err
		}
	}
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		select {
		case <-c.ended:
		case <-ctx.Done():
		}
	}
	return nil
}

// drain waits until everything on the chunk streams has gone out, and leaves
// them taken: nothing more can be sent on them.
func (c *conversation) drain(ctx context.Context, chunks ...int) error {
	for _, chunk := range chunks {
		if _, err := c.streamer.NewChunkWriter(ctx, chunk); err != nil {
			return fmt.Errorf("send the rest to %s: %w", c.target.Address, err)
		}
	}
	return nil
}

// hangUp closes the connection and waits for the goroutines.
func (c *conversation) hangUp() {
	_ = c.conn.Close() // Nothing more is expected of either.
	_ = c.streamer.Close()
	<-c.ended
	<-c.streamer.Done()
}
