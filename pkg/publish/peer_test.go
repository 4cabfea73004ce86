package publish

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/yutopp/go-rtmp"
	"github.com/yutopp/go-rtmp/message"
)

// heard is one message of media as the server got it.
type heard struct {
	kind kind
	// stamp is the RTMP time in milliseconds, at the wall time.
	stamp uint32
	at    time.Time
	body  []byte
}

// peer is a server at the other end of a pipe. It accepts what it is told to
// accept, and writes everything down.
type peer struct {
	t *testing.T
	// refuse is the description with which publish is refused; "" accepts.
	refuse string
	// dropAfter is the number of media messages after which the first
	// connection breaks; 0 for never. With kick, the reason is told.
	dropAfter int
	kick      string
	// pings are sent, one after each media message.
	pings int

	mu          sync.Mutex
	media       [][]heard // one list for each connection
	commands    []string
	pongs       []uint32
	application string
	key         string
	errs        []error
	serving     sync.WaitGroup
}

// dial is Options.Dial.
func (s *peer) dial(ctx context.Context, _ Target) (net.Conn, error) {
	client, server := net.Pipe()
	s.mu.Lock()
	s.media = append(s.media, nil)
	number := len(s.media) - 1
	s.mu.Unlock()
	s.serving.Go(func() {
		defer server.Close()
		if err := s.serve(context.WithoutCancel(ctx), server, number); err != nil && !errors.Is(err, io.EOF) {
			s.errs = append(s.errs, err)
		}
	})
	return client, nil
}

func (s *peer) serve(ctx context.Context, conn net.Conn, number int) error {
	if err := shakeHands(conn); err != nil {
		return err
	}
	streamer := rtmp.NewChunkStreamer(bufio.NewReader(conn), bufio.NewWriter(conn), nil)
	defer func() {
		s.drain(ctx, streamer)
		streamer.Close()
		conn.Close()
		<-streamer.Done()
	}()
	for {
		var m rtmp.ChunkMessage
		_, stamp, err := streamer.Read(&m)
		if err != nil {
			return err
		}
		if err := s.hear(ctx, streamer, m, stamp, number); err != nil {
			return err
		}
	}
}

// shakeHands does not speak before it has heard, as go-rtmp's would: a pipe has
// no room for both ends' words.
func shakeHands(conn net.Conn) error {
	const half = 1536
	hello := make([]byte, 1+half)
	if _, err := io.ReadFull(conn, hello); err != nil {
		return err
	}
	if _, err := conn.Write(append(bytes.Clone(hello), hello[1:]...)); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, hello[1:])
	return err
}

func (s *peer) hear(ctx context.Context, streamer *rtmp.ChunkStreamer, m rtmp.ChunkMessage, stamp uint32, number int) error {
	switch body := m.Message.(type) {
	case *message.SetChunkSize:
		return streamer.PeerState().SetChunkSize(body.ChunkSize)
	case *message.CommandMessage:
		return s.obey(ctx, streamer, body, m.StreamID)
	case *message.UserCtrl:
		if pong, ok := body.Event.(*message.UserCtrlEventPingResponse); ok {
			s.mu.Lock()
			s.pongs = append(s.pongs, pong.Timestamp)
			s.mu.Unlock()
		}
	case *message.VideoMessage:
		return s.take(ctx, streamer, kindVideo, stamp, body.Payload, number)
	case *message.AudioMessage:
		return s.take(ctx, streamer, kindAudio, stamp, body.Payload, number)
	case *message.DataMessage:
		return s.take(ctx, streamer, kindData, stamp, body.Body, number)
	}
	return nil
}

func (s *peer) take(ctx context.Context, streamer *rtmp.ChunkStreamer, k kind, stamp uint32, payload io.Reader, number int) error {
	body, err := io.ReadAll(payload)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.media[number] = append(s.media[number], heard{k, stamp, time.Now(), body})
	count := len(s.media[number])
	s.mu.Unlock()
	if count <= s.pings {
		if err := s.say(ctx, streamer, 2, 0, &message.UserCtrl{Event: &message.UserCtrlEventPingRequest{Timestamp: uint32(count)}}); err != nil {
			return err
		}
	}
	if number == 0 && count == s.dropAfter {
		if s.kick != "" {
			if err := s.command(ctx, streamer, m1, "onStatus", 0, nil, status("error", "NetStream.Publish.Failed", s.kick)); err != nil {
				return err
			}
		}
		return io.EOF
	}
	return nil
}

// m1 is the stream number that the peer gives.
const m1 = 1

func status(level, code, description string) map[string]any {
	return map[string]any{"level": level, "code": code, "description": description}
}

func (s *peer) obey(ctx context.Context, streamer *rtmp.ChunkStreamer, m *message.CommandMessage, stream uint32) error {
	r := newReply(m)
	s.mu.Lock()
	s.commands = append(s.commands, r.command)
	s.mu.Unlock()
	switch r.command {
	case "connect":
		command, _ := at(r.values, 0).(map[string]any)
		s.application, _ = command["app"].(string)
		return s.command(ctx, streamer, 0, "_result", r.transaction, map[string]any{"fmsVer": "peer"}, status("status", "NetConnection.Connect.Success", ""))
	case "createStream":
		return s.command(ctx, streamer, 0, "_result", r.transaction, nil, float64(m1))
	case "publish":
		s.key, _ = at(r.values, 1).(string)
		if stream != m1 {
			s.t.Errorf("publish came on stream %d", stream)
		}
		if s.refuse != "" {
			return s.command(ctx, streamer, m1, "onStatus", 0, nil, status("error", "NetStream.Publish.BadName", s.refuse))
		}
		return s.command(ctx, streamer, m1, "onStatus", 0, nil, status("status", "NetStream.Publish.Start", ""))
	}
	return nil
}

func (s *peer) command(ctx context.Context, streamer *rtmp.ChunkStreamer, stream uint32, name string, number int64, values ...any) error {
	var body bytes.Buffer
	encoder := message.NewAMFEncoder(&body, message.EncodingTypeAMF0)
	for _, value := range values {
		if err := encoder.Encode(value); err != nil {
			return err
		}
	}
	return s.say(ctx, streamer, 3, stream, &message.CommandMessage{CommandName: name, TransactionID: number, Encoding: message.EncodingTypeAMF0, Body: &body})
}

// say hands a message to the chunk writer.
func (*peer) say(ctx context.Context, streamer *rtmp.ChunkStreamer, chunk int, stream uint32, m message.Message) error {
	return streamer.Write(ctx, chunk, 0, &rtmp.ChunkMessage{StreamID: stream, Message: m})
}

// drain waits until what was said has gone out.
func (s *peer) drain(ctx context.Context, streamer *rtmp.ChunkStreamer) {
	for _, chunk := range []int{2, 3} {
		if _, err := streamer.NewChunkWriter(ctx, chunk); err != nil {
			s.errs = append(s.errs, err)
		}
	}
}
