package rtmp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// TestCommands: the replies that encoders wait for.
func TestCommands(t *testing.T) {
	t.Parallel()
	gate := newRecorder()
	_, address := serve(t, Config{Gate: gate})
	p := dial(t, address)
	p.call(0, "connect", 1.0, amfObject{{"app", "live"}, {"flashVer", "FMLE/3.0"}, {"objectEncoding", 3.0}})
	result := p.expect("_result")
	info, _ := result.args[0].(amfObject)
	if result.transaction != 1 || info.text("code") != "NetConnection.Connect.Success" || info.get("objectEncoding") != 0.0 || result.object.text("fmsVer") == "" {
		t.Errorf("connect: %+v", result)
	}
	p.call(0, "releaseStream", 2.0, nil, goodKey)
	if r := p.expect("_result"); r.transaction != 2 {
		t.Errorf("releaseStream: %+v", r)
	}
	p.call(0, "FCPublish", 3.0, nil, goodKey)
	if r := p.expect("onFCPublish"); len(r.args) != 1 {
		t.Errorf("FCPublish: %+v", r)
	}
	p.call(0, "_checkbw", 4.0, nil)
	if r := p.expect("_result"); r.transaction != 4 {
		t.Errorf("_checkbw: %+v", r)
	}
	p.call(0, "nobodyKnowsThis", 5.0, nil)
	for id := 1.0; id <= 2; id++ {
		p.call(0, "createStream", 5+id, nil)
		if r := p.expect("_result"); r.transaction != 5+id || r.args[0] != id {
			t.Errorf("createStream: %+v", r)
		}
	}
	p.call(0, "getStreamLength", 8.0, nil, goodKey)
	if r := p.expect("_result"); r.args[0] != 0.0 {
		t.Errorf("getStreamLength: %+v", r)
	}
	p.audio(0, audioStart()) // Too early: ignored.
	p.call(2, "publish", 9.0, nil, goodKey+"?a=b", "live")
	p.expectStatus("NetStream.Publish.Start")
	s := <-gate.sessions
	if r := s.request; r.Key != goodKey || r.Application != "live" || r.Encoder != "FMLE/3.0" {
		t.Errorf("request %+v", r)
	}
	p.call(0, "_checkbw", 10.0, nil)
	if r := p.expect("_result"); r.transaction != 10 {
		t.Errorf("_checkbw while publishing: %+v", r)
	}
	p.call(2, "publish", 11.0, nil, goodKey, "live")
	p.expectStatus("NetStream.Publish.BadName")
	p.call(0, "deleteStream", 12.0, nil, 1.0) // Not the one that publishes.
	p.call(2, "closeStream", 0.0, nil)
	p.expectStatus("NetStream.Unpublish.Success")
	if end := <-s.closed; !end.OnPurpose || end.Err != nil || len(s.units) != 0 {
		t.Errorf("the session ended %+v with %d access units", end, len(s.units))
	}
	p.expectEnd()
}

// TestAMF3Commands: commands and data in AMF3 messages whose values are AMF0.
func TestAMF3Commands(t *testing.T) {
	t.Parallel()
	gate := newRecorder()
	_, address := serve(t, Config{Gate: gate})
	p := dial(t, address)
	wrapped := func(typ byte, values ...any) message {
		return message{typ: typ, stream: 1, payload: append([]byte{0}, appendAMF0(nil, values...)...)}
	}
	p.send(wrapped(typeCommandAMF3, "connect", 1.0, amfObject{{"app", "live"}}))
	p.expect("_result")
	p.send(wrapped(typeCommandAMF3, "createStream", 2.0, nil))
	p.expect("_result")
	p.send(wrapped(typeCommandAMF3, "publish", 3.0, nil, goodKey, "live"))
	p.expectStatus("NetStream.Publish.Start")
	s := <-gate.sessions
	p.send(wrapped(typeDataAMF3, "@setDataFrame", "onMetaData", amfObject{{"framerate", 25.0}}))
	p.send(wrapped(typeCommandAMF3, "FCUnpublish", 4.0, nil, goodKey))
	p.expect("onFCUnpublish")
	if end := <-s.closed; !end.OnPurpose || len(s.metadata) != 1 || s.metadata[0].FrameRate != 25 {
		t.Errorf("the session ended %+v with metadata %+v", end, s.metadata)
	}
}

// TestProtocolMessages: acknowledgements, pings, and what is ignored.
func TestProtocolMessages(t *testing.T) {
	t.Parallel()
	gate := newRecorder()
	_, address := serve(t, Config{Gate: gate})
	p := dial(t, address)
	s := p.publish(gate)
	p.send(message{typ: typeUserControl, payload: join(0, eventPingRequest, be32(4711))})
	m, err := p.next()
	if err != nil || m.typ != typeUserControl || binary.BigEndian.Uint16(m.payload) != eventPingResponse || binary.BigEndian.Uint32(m.payload[2:]) != 4711 {
		t.Errorf("the answer to a ping is %+v, %v", m, err)
	}
	p.send(controlMessage(typeWindowSize, 5000))
	p.send(controlMessage(typeAcknowledgement, 5000))
	p.send(peerBandwidth(5000))
	p.send(message{typ: typeUserControl, payload: join(0, 3, be32(1), be32(3000))})
	p.send(message{typ: 99, payload: text(6000)})
	m, err = p.next()
	if err != nil || m.typ != typeAcknowledgement || binary.BigEndian.Uint32(m.payload) < 5000 {
		t.Errorf("the acknowledgement is %+v, %v", m, err)
	}
	p.send(message{typ: typeAbort, payload: join(1)})
	p.expectStatus("NetStream.Publish.Denied")
	if end := <-s.closed; !errors.Is(end.Err, errChunk) {
		t.Errorf("after a broken control message the session ended %+v", end)
	}
}

// TestBadUnitsDoNotEndAStream: they are counted, and the good ones go on.
func TestBadUnitsDoNotEndAStream(t *testing.T) {
	t.Parallel()
	gate := newRecorder()
	server, address := serve(t, Config{Gate: gate})
	p := dial(t, address)
	s := p.publish(gate)
	p.video(0, 0x17, 0, be24(0), fromHex(t, record720))
	p.audio(0, audioStart())
	for i := range uint32(10) {
		p.video(40*i, 0x17, 1, be24(0), nals(4, "\x65abc"))
		p.video(40*i+1, 0x27, 1, be24(0), nals(4, "\x41abc")[:7])
		p.audio(40*i, audioFrame())
		p.send(message{typ: typeAggregate, stream: 1, timestamp: 40 * i, payload: join(8, be24(99))})
	}
	p.send(message{typ: typeAggregate, stream: 1, timestamp: 500, payload: join(
		8, be24(9), be24(7), 0, be24(0), audioFrame(), be32(20),
		9, be24(13), be24(47), 0, be24(0), join(0x17, 1, be24(0), nals(4, "\x65abc")), be32(24),
	)})
	p.call(1, "deleteStream", 0.0, nil, 1.0)
	<-s.closed
	video, audio := s.of(media.Video), s.of(media.Audio)
	if len(video) != 11 || len(audio) != 11 || server.Stats().BadUnits != 20 {
		t.Fatalf("%d video and %d audio access units, %+v", len(video), len(audio), server.Stats())
	}
	if audio[10].DTS != 500 || video[10].DTS != 540 {
		t.Errorf("the aggregate's access units are at %d and %d", audio[10].DTS, video[10].DTS)
	}
}

// TestPurpose: only a goodbye ends a stream on purpose.
func TestPurpose(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		leave   func(p *peer)
		purpose bool
	}{
		{"FCUnpublish", func(p *peer) { p.call(0, "FCUnpublish", 9.0, nil, goodKey) }, true},
		{"deleteStream", func(p *peer) { p.call(0, "deleteStream", 9.0, nil, 1.0) }, true},
		{"deleteStream without number", func(p *peer) { p.call(0, "deleteStream", 9.0, nil) }, true},
		{"closeStream", func(p *peer) { p.call(1, "closeStream", 9.0, nil) }, true},
		{"hang up", func(p *peer) { p.conn.Close() }, false},
		{"hang up inside a message", func(p *peer) { p.write(join(0x04, head0(0, 9, 9, 1), "abc")); p.conn.Close() }, false},
		{"break the rules", func(p *peer) { p.write(join(0xff)) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			gate := newRecorder()
			_, address := serve(t, Config{Gate: gate})
			p := dial(t, address)
			s := p.publish(gate)
			c.leave(p)
			if end := <-s.closed; end.OnPurpose != c.purpose || (end.Err == nil) != c.purpose {
				t.Errorf("the session ended %+v", end)
			}
		})
	}
}

// TestRefusals: each reason is counted and told in words.
func TestRefusals(t *testing.T) {
	t.Parallel()
	connect := func(app string) func(p *peer) {
		return func(p *peer) { p.call(0, "connect", 7.0, amfObject{{"app", app}}) }
	}
	publish := func(key string) func(p *peer) {
		return func(p *peer) { p.connect(); p.call(1, "publish", 3.0, nil, key, "live") }
	}
	for _, c := range []struct {
		name   string
		do     func(p *peer)
		code   string
		reason ingest.Reason
	}{
		{"wrong application", connect("other"), "NetConnection.Connect.InvalidApp", ingest.UnknownApplication},
		{"key in the server field", connect("live/" + goodKey), "NetConnection.Connect.InvalidApp", ingest.KeyInServerField},
		{"connect without application", func(p *peer) { p.call(0, "connect") }, "NetConnection.Connect.InvalidApp", ingest.UnknownApplication},
		{"publish first", func(p *peer) { p.call(0, "publish", 1.0, nil, goodKey) }, "NetConnection.Connect.InvalidApp", ingest.ProtocolError},
		{"createStream first", func(p *peer) { p.call(0, "createStream", 1.0, nil) }, "NetConnection.Connect.InvalidApp", ingest.ProtocolError},
		{"wrong key", publish("wrong"), "NetStream.Publish.Denied", ingest.WrongKey},
		{"no key", publish(""), "NetStream.Publish.Denied", ingest.MissingKey},
		{"stray space", publish(goodKey + " "), "NetStream.Publish.Denied", ingest.StraySpaces},
		{"play", func(p *peer) { p.connect(); p.call(1, "play", 3.0, nil, goodKey) }, "NetStream.Play.Failed", ingest.PlayRequested},
		{"streams without end", func(p *peer) {
			p.connect()
			for range maxMessageStreams {
				p.call(0, "createStream", 3.0, nil)
			}
		}, "NetStream.Publish.Denied", ingest.LimitExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			told := make(chan ingest.Reason, 1)
			server, address := serve(t, Config{Gate: newRecorder(), Refused: func(r ingest.Refusal) { told <- r.Why.Reason }})
			p := dial(t, address)
			c.do(p)
			if reason := <-told; reason != c.reason {
				t.Errorf("told %s, want %s", reason, c.reason)
			}
			if description := p.expectStatus(c.code); len(description) < 20 || strings.Contains(description, goodKey) {
				t.Errorf("the description is %q", description)
			}
			p.expectEnd()
			if stats := server.Stats(); stats.Ended[c.reason] != 1 || len(stats.Ended) != 1 {
				t.Errorf("counted %v, want %s", stats.Ended, c.reason)
			}
		})
	}
}

// gateFunc is a Gate of one function.
type gateFunc func(ctx context.Context, req ingest.Request) (ingest.Session, error)

func (f gateFunc) Publish(ctx context.Context, req ingest.Request) (ingest.Session, error) {
	return f(ctx, req)
}

// TestGateErrors: a rejection is told even when wrapped; inner troubles stay
// inside.
func TestGateErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		says string
	}{
		{fmt.Errorf("look: %w", &ingest.Rejection{Reason: ingest.WrongKey, Message: "Wrong key."}), "Wrong key."},
		{errors.New("open /secret/path"), "error of its own"},
	} {
		_, address := serve(t, Config{Gate: gateFunc(func(context.Context, ingest.Request) (ingest.Session, error) {
			return nil, c.err
		})})
		p := dial(t, address)
		p.connect()
		p.call(1, "publish", 3.0, nil, goodKey, "live")
		if says := p.expectStatus("NetStream.Publish.Denied"); !strings.Contains(says, c.says) || strings.Contains(says, "secret") {
			t.Errorf("the description is %q", says)
		}
	}
}

// TestPanicCostsOneConnection: the session is closed, the server goes on.
func TestPanicCostsOneConnection(t *testing.T) {
	t.Parallel()
	gate := newRecorder()
	gate.write = func(context.Context, media.AccessUnit) error { panic("as a test") }
	_, address := serve(t, Config{Gate: gate})
	p := dial(t, address)
	s := p.publish(gate)
	p.audio(0, audioStart())
	p.audio(0, audioFrame())
	if end := <-s.closed; !errors.Is(end.Err, errCrashed) {
		t.Errorf("the session ended %+v", end)
	}
	p.expectEnd()
	dial(t, address).publish(gate)
}
