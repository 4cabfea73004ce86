package rtmp

import (
	"context"
	"fmt"

	"weir/pkg/ingest"
)

// maxMessageStreams limits how often a publisher calls createStream; it needs
// one.
const maxMessageStreams = 8

// negotiate answers commands (sections 7.2.1 and 7.2.2) until the publisher
// has a session.
func (c *conn) negotiate(ctx context.Context) (ingest.Session, error) {
	for {
		m, err := c.read()
		if err != nil {
			return nil, err
		}
		if c.link.received > bytesBeforePublish {
			return nil, errBeyond
		}
		cmd, ok := asCommand(m)
		if !ok {
			continue // Media before its time, or what nobody knows.
		}
		session, err := c.command(ctx, m.stream, cmd)
		if err != nil || session != nil {
			return session, err
		}
		if err := c.out.flush(); err != nil {
			return nil, err
		}
	}
}

// asCommand reads m if it is a command. One in AMF3 begins with a byte 0 where
// its values are AMF0 all the same.
func asCommand(m message) (cmd command, ok bool) {
	switch {
	case m.typ == typeCommandAMF0:
	case m.typ == typeCommandAMF3 && len(m.payload) > 0 && m.payload[0] == 0:
		m.payload = m.payload[1:]
	case m.typ == typeCommandAMF3:
	default:
		return command{}, false
	}
	return parseCommand(m.payload)
}

// command does what a command asks; publish gives a session.
func (c *conn) command(ctx context.Context, stream uint32, cmd command) (ingest.Session, error) {
	switch cmd.name {
	case "connect":
		return nil, c.connect(cmd)
	case "createStream":
		return nil, c.createStream(cmd)
	case "publish":
		return c.startPublish(ctx, stream, cmd)
	case "play", "play2", "FCSubscribe":
		return nil, &ingest.Rejection{
			Reason: ingest.PlayRequested,
			Message: "Weir serves viewers over HTTP: open its watch page, or play /live/NAME/index.m3u8 (HLS) " +
				"or /live/NAME/manifest.mpd (DASH) from the HTTP port.",
		}
	case "closeStream", "deleteStream", "FCUnpublish":
		return nil, nil //nolint:nilnil // nothing is published yet.
	default:
		c.courtesy(cmd)
		return nil, nil //nolint:nilnil // the negotiation goes on.
	}
}

// courtesy answers commands that mean nothing here but whose answer some
// encoders wait for. Others are ignored: ffmpeg takes an error for the end.
func (c *conn) courtesy(cmd command) {
	switch cmd.name {
	case "releaseStream", "_checkbw":
		c.reply(cmd, nil, nil)
	case "getStreamLength":
		c.reply(cmd, nil, 0.0)
	case "FCPublish":
		c.reply(cmd, nil, nil)
		c.out.write(chunkStreamCommand, commandMessage(0, "onFCPublish", 0.0, nil,
			amfObject{{"code", "NetStream.Publish.Start"}, {"description", "Go on with publish."}}))
	}
}

// reply answers a call that wants an answer.
func (c *conn) reply(cmd command, values ...any) {
	if cmd.transaction == 0 {
		return
	}
	c.out.write(chunkStreamCommand, commandMessage(0, append([]any{"_result", cmd.transaction}, values...)...))
}

func (c *conn) connect(cmd command) error {
	c.transaction = cmd.transaction
	c.encoder = printable(cmd.object.text("flashVer"))
	c.application = publicApplication(cmd.object.text("app"))
	if c.unwelcome != nil {
		return c.unwelcome
	}
	if err := checkApplication(cmd.object.text("app")); err != nil {
		return err
	}
	c.connected = true
	c.reconnects = reconnects(cmd.object)
	c.out.write(chunkStreamControl, controlMessage(typeWindowSize, acknowledgeWindow))
	c.out.write(chunkStreamControl, peerBandwidth(acknowledgeWindow))
	c.out.write(chunkStreamControl, controlMessage(typeSetChunkSize, sendChunkSize))
	success := append(status(levelStatus, "NetConnection.Connect.Success", "Connection succeeded."),
		amfProperty{"objectEncoding", 0.0}) // AMF0, whatever was asked for.
	properties := amfObject{{"fmsVer", "FMS/3,5,7,7009"}, {"capabilities", 31.0}}
	c.reply(cmd, append(properties, capabilities(cmd.object)...), success)
	return nil
}

func (c *conn) createStream(cmd command) error {
	if !c.connected {
		return errSequence("createStream before connect")
	}
	if c.created == maxMessageStreams {
		return limitExceeded(fmt.Sprintf("The encoder creates more than %d message streams.", maxMessageStreams))
	}
	c.created++
	c.reply(cmd, nil, float64(c.created))
	return nil
}

// startPublish asks the Gate for a session.
func (c *conn) startPublish(ctx context.Context, stream uint32, cmd command) (ingest.Session, error) {
	if !c.connected {
		return nil, errSequence("publish before connect")
	}
	c.stream = stream
	key, err := checkKey(cmd.text(0))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithDeadline(ctx, c.deadline)
	defer cancel()
	session, err := c.server.cfg.Gate.Publish(ctx, ingest.Request{
		Protocol: c.protocol, Remote: c.remote, Application: application, Key: key, Encoder: c.encoder,
	})
	if err != nil {
		return nil, fmt.Errorf("start to publish: %w", err)
	}
	return session, nil
}

func errSequence(what string) error {
	return &ingest.Rejection{
		Reason:  ingest.ProtocolError,
		Message: "The encoder calls " + what + ".",
	}
}
