package rtmp

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// quiet is a server in fake time, without listener.
func quiet(tb testing.TB, gate ingest.Gate) *Server {
	tb.Helper()
	return NewServer(Config{Gate: gate, Log: testLog(tb)})
}

// TestPublishDeadline: whatever a connection does, it publishes within 10 s or
// is gone.
func TestPublishDeadline(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(p *peer){
		"says nothing":        func(*peer) {},
		"half a handshake":    func(p *peer) { p.write(join(rtmpVersion, make([]byte, 700))) },
		"handshake only":      func(p *peer) { p.shakeHands() },
		"connects only":       func(p *peer) { p.shakeHands(); p.connect() },
		"half a chunk header": func(p *peer) { p.shakeHands(); p.write(join(0x04, 1)) },
		"a byte each second": func(p *peer) {
			for range 10 {
				p.write([]byte{rtmpVersion})
				<-time.After(999 * time.Millisecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, began := quiet(t, newRecorder()), time.Now()
				p, gone := pipe(t.Context(), t, server)
				do(p)
				go func() { _, _ = io.Copy(io.Discard, p.conn) }()
				<-gone
				if took := time.Since(began); took != 10*time.Second {
					t.Errorf("it was closed after %v", took)
				}
				if n := server.Stats().Ended[ingest.TimedOut]; n != 1 {
					t.Errorf("stats %+v", server.Stats())
				}
			})
		})
	}
}

// TestGateDeadline: a Gate that does not answer is not waited for either.
func TestGateDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, began := quiet(t, gateFunc(func(ctx context.Context, _ ingest.Request) (ingest.Session, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})), time.Now()
		p, gone := pipe(t.Context(), t, server)
		p.shakeHands()
		p.connect()
		p.call(1, "publish", 3.0, nil, goodKey, "live")
		p.expectStatus("NetStream.Publish.Denied")
		<-gone
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it was closed after %v", took)
		}
	})
}

// TestIdlePublisher: silence ends a session, a trickle does not.
func TestIdlePublisher(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := newRecorder()
		p, gone := pipe(t.Context(), t, quiet(t, gate))
		p.shakeHands()
		s := p.publish(gate)
		for range 5 {
			<-time.After(9 * time.Second)
			p.audio(0, audioStart())
		}
		silence := time.Now()
		if says := p.expectStatus("NetStream.Publish.Denied"); !strings.Contains(says, "10s") {
			t.Errorf("the description is %q", says)
		}
		<-gone
		if took := time.Since(silence); took != 10*time.Second {
			t.Errorf("it was closed after %v", took)
		}
		if end := <-s.closed; end.OnPurpose || rejected(end) != ingest.TimedOut {
			t.Errorf("the session ended %+v", end)
		}
	})
}

// TestBackPressureIsNotIdleness: the time that the stream needs does not count
// against the publisher.
func TestBackPressureIsNotIdleness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := newRecorder()
		gate.write = func(context.Context, media.AccessUnit) error {
			<-time.After(time.Minute)
			return nil
		}
		p, gone := pipe(t.Context(), t, quiet(t, gate))
		p.shakeHands()
		s := p.publish(gate)
		p.audio(0, audioStart())
		for i := range uint32(3) {
			p.audio(20*i, audioFrame())
		}
		p.conn.Close()
		<-gone
		if end := <-s.closed; len(s.units) != 3 || rejected(end) != "" {
			t.Errorf("%d access units, then %+v", len(s.units), end)
		}
	})
}

// TestPeerThatDoesNotRead: replies that nobody takes end the connection.
func TestPeerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		p, gone := pipe(t.Context(), t, quiet(t, newRecorder()))
		p.write(join(rtmpVersion, make([]byte, 1536)))
		<-gone
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it was closed after %v", took)
		}
	})
}

// TestSessionEndsConnection: what ends a session reaches the publisher, also
// while the session takes nothing more.
func TestSessionEndsConnection(t *testing.T) {
	t.Parallel()
	for _, blocked := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			gate := newRecorder()
			if blocked {
				gate.write = func(ctx context.Context, _ media.AccessUnit) error {
					<-ctx.Done()
					return ctx.Err()
				}
			}
			server := quiet(t, gate)
			p, gone := pipe(t.Context(), t, server)
			p.shakeHands()
			s := p.publish(gate)
			p.audio(0, audioStart())
			p.audio(0, audioFrame())
			synctest.Wait()
			s.finish(&ingest.Rejection{Reason: ingest.TakenOver, Message: "Another encoder took over."})
			if says := p.expectStatus("NetStream.Publish.Denied"); says != "Another encoder took over." {
				t.Errorf("the description is %q", says)
			}
			<-gone
			if end := <-s.closed; end.OnPurpose || rejected(end) != ingest.TakenOver || server.Stats().Ended[ingest.TakenOver] != 1 {
				t.Errorf("the session ended %+v, %+v", end, server.Stats())
			}
		})
	}
}

// TestShutdown: connections without a session end at once, a session in its
// own time, but not for ever.
func TestShutdown(t *testing.T) {
	t.Parallel()
	stopping := &ingest.Rejection{Reason: ingest.ShuttingDown, Message: "Back soon."}
	for _, c := range []struct {
		name string
		act  func(p *peer, gate *recorder) *recording
		ends time.Duration
		want time.Duration
	}{
		{"before the handshake", func(*peer, *recorder) *recording { return nil }, 0, 0},
		{"before publish", func(p *peer, _ *recorder) *recording { p.shakeHands(); p.connect(); return nil }, 0, 0},
		{"session ends", func(p *peer, g *recorder) *recording { p.shakeHands(); return p.publish(g) }, time.Second, time.Second},
		{"session hangs", func(p *peer, g *recorder) *recording { p.shakeHands(); return p.publish(g) }, time.Hour, shutdownGrace},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				gate := newRecorder()
				p, gone := pipe(ctx, t, quiet(t, gate))
				s := c.act(p, gate)
				synctest.Wait()
				began := time.Now()
				stop()
				if s != nil {
					timer := time.AfterFunc(c.ends, func() { s.finish(stopping) })
					defer timer.Stop()
					p.expectStatus("NetStream.Unpublish.Success")
					p.expectStatus("NetConnection.Connect.Closed")
				}
				<-gone
				if took := time.Since(began); took != c.want {
					t.Errorf("it took %v", took)
				}
				if s != nil && rejected(<-s.closed) != ingest.ShuttingDown {
					t.Error("the session does not know why it ended")
				}
			})
		})
	}
}

// TestPublisherHangsUpFirst: who has said goodbye has a second to hang up. GStreamer
// takes it for an error if the server does before.
func TestPublisherHangsUpFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, stays := range []bool{false, true} {
			gate := newRecorder()
			p, gone := pipe(t.Context(), t, NewServer(Config{Gate: gate, Log: testLog(t)}))
			p.shakeHands()
			s := p.publish(gate)
			p.call(1, "deleteStream", 4.0, nil, 1.0)
			if end := <-s.closed; !end.OnPurpose {
				t.Errorf("the session ended %+v", end)
			}
			said := time.Now()
			<-time.After(lingerTime / 2)
			select {
			case <-gone:
				t.Error("the server hung up first")
			default:
			}
			if !stays {
				_ = p.conn.Close()
			}
			<-gone
			if lasted := time.Since(said); stays != (lasted == lingerTime) {
				t.Errorf("the connection lasted %v more", lasted)
			}
		}
	})
}

// TestBitrateLimit: a burst passes, more than the limit for long does not.
func TestBitrateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := newRecorder()
		server := NewServer(Config{Gate: gate, Log: testLog(t), MaxBitrate: 800_000})
		p, gone := pipe(t.Context(), t, server)
		p.shakeHands()
		s := p.publish(gate)
		burst := join(0xaf, 2, text(100_000)) // A second's worth; ignored as media.
		for range 9 {
			p.audio(0, burst)
		}
		for range 60 {
			<-time.After(1100 * time.Millisecond)
			p.audio(0, burst)
		}
		var sending sync.WaitGroup
		defer sending.Wait()
		sending.Go(func() {
			for p.try(message{typ: typeAudio, stream: 1, payload: burst}) == nil {
				<-time.After(500 * time.Millisecond)
			}
		})
		if says := p.expectStatus("NetStream.Publish.Denied"); !strings.Contains(says, "0.8 Mbit/s") {
			t.Errorf("the description is %q", says)
		}
		<-gone
		if end := <-s.closed; rejected(end) != ingest.LimitExceeded {
			t.Errorf("the session ended %+v", end)
		}
	})
}

// TestReconnectRequest: an encoder of Enhanced RTMP v2 is asked to come back.
func TestReconnectRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := newRecorder()
		p, gone := pipe(t.Context(), t, quiet(t, gate))
		p.shakeHands()
		p.call(0, "connect", 1.0, amfObject{{"app", "live"}, {"capsEx", 5.0}})
		p.expect("_result")
		p.call(0, "createStream", 2.0, nil)
		p.expect("_result")
		p.call(1, "publish", 3.0, nil, goodKey, "live")
		p.expectStatus("NetStream.Publish.Start")
		s := <-gate.sessions
		s.finish(&ingest.Rejection{Reason: ingest.ShuttingDown, Message: "Back soon."})
		p.expectStatus("NetStream.Unpublish.Success")
		if says := p.expectStatus("NetConnection.Connect.ReconnectRequest"); says != "Back soon." {
			t.Errorf("the description is %q", says)
		}
		<-gone
		<-s.closed
	})
}
