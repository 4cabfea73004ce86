package rtmp

import (
	"context"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// descriptors counts what this process has open.
func descriptors(tb testing.TB) int {
	tb.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		tb.Skipf("SKIPPED, NOT TESTED: open files cannot be counted here: %v", err)
	}
	return len(open)
}

// resources are what an attack might use up.
type resources struct{ heap, goroutines, descriptors int }

func inUse(tb testing.TB) resources {
	tb.Helper()
	return resources{heap: heap(), goroutines: runtime.NumGoroutine(), descriptors: descriptors(tb)}
}

// returns waits until no more is in use than before, but for what a runtime keeps,
// while the bystander goes on.
func (before resources) returns(b *bystander) {
	b.tb.Helper()
	var after resources
	for range 200 {
		after = inUse(b.tb)
		if after.heap <= before.heap+4<<20 && after.goroutines <= before.goroutines+4 && after.descriptors <= before.descriptors+4 {
			b.tb.Logf("in use before %+v, after %+v", before, after)
			return
		}
		b.alive()
	}
	b.tb.Errorf("in use before %+v, after %+v", before, after)
}

// TestRapidConnects: 10,000 connections that come and go at once leave nothing
// behind, and are in nobody's way.
func TestRapidConnects(t *testing.T) {
	gate := newRecorder()
	server, address := serve(t, Config{Gate: gate})
	other := newBystander(t, gate, address)
	other.alive()
	before := inUse(t)
	const count, atOnce = 10_000, 100
	most := 0
	var flood errgroup.Group
	flood.SetLimit(atOnce)
	for i := range count {
		flood.Go(func() error {
			c, err := net.Dial("tcp", address)
			if err != nil {
				return err //nolint:wrapcheck // the test says so.
			}
			if i%2 == 0 {
				// Without a farewell: a reset. It also keeps the ports from
				// running out.
				_ = c.(*net.TCPConn).SetLinger(0)
			}
			return c.Close()
		})
		if i%500 == 0 {
			other.alive()
			most = max(most, descriptors(t))
		}
	}
	if err := flood.Wait(); err != nil {
		t.Fatal(err)
	}
	for server.Stats().Accepted < count/2 || server.Stats().Active > 1 {
		other.alive() // those that were reset before they were accepted never are
	}
	// Both ends of what is open at once, and as many that are being closed.
	if limit := before.descriptors + 4*atOnce; most > limit {
		t.Errorf("%d descriptors were open at once, want at most %d", most, limit)
	}
	before.returns(other)
}

// TestSlowSenders: who sends byte by byte is cut off when it should have
// published, however busy it looks.
func TestSlowSenders(t *testing.T) {
	gate := newRecorder()
	const count = 200
	server, address := serve(t, Config{Gate: gate, PublishTimeout: 500 * time.Millisecond, MaxConnectionsPerAddress: count + 1})
	other := newBystander(t, gate, address)
	other.alive()
	before := inUse(t)
	hello := join(rtmpVersion, make([]byte, 1536), make([]byte, 1536))
	var senders errgroup.Group
	for range count {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		senders.Go(func() error {
			defer c.Close()
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for i := range hello {
				if _, err := c.Write(hello[i : i+1]); err != nil {
					return nil // it was cut off, as it should be
				}
				<-tick.C
			}
			t.Error("a sender of 200 bytes in a second was heard to its end")
			return nil
		})
	}
	for server.Stats().Ended[ingest.TimedOut] < count {
		other.alive()
	}
	_ = senders.Wait() // they report by themselves
	before.returns(other)
}

// TestLostPublishers: those whose cable was pulled, of whom neither data nor an
// end comes, and those that close one half of the connection, give all back.
func TestLostPublishers(t *testing.T) {
	gate := newRecorder()
	server, address := serve(t, Config{Gate: gate, IdleTimeout: 300 * time.Millisecond})
	before := inUse(t)
	var lost []*recording
	for i := range 20 {
		p := dial(t, address)
		lost = append(lost, p.publish(gate))
		p.write(join(0x04, head0(0, 100_000, 9, 1), text(100))) // in the middle of a message
		if i%2 == 0 {
			if err := p.conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
	}
	timedOut := 0
	for _, s := range lost {
		end := <-s.closed
		if end.OnPurpose || end.Err == nil {
			t.Errorf("a lost publisher's session ended %+v", end)
		}
		if rejected(end) == ingest.TimedOut {
			timedOut++
		}
	}
	if timedOut != len(lost)/2 {
		t.Errorf("%d sessions timed out, want the %d whose end did not come", timedOut, len(lost)/2)
	}
	untilActive(server, 0)
	if now := inUse(t); now.goroutines > before.goroutines+2 || now.heap > before.heap+2<<20 {
		t.Errorf("in use before %+v, after %+v", before, now)
	}
}

// TestFloodingPublisher sends as fast as it can, far more than its bit rate: it is
// told, the publisher beside it does not wait, and while the flood lasts the gateway
// takes no more than a few messages.
func TestFloodingPublisher(t *testing.T) {
	gate := newRecorder()
	server, address := serve(t, Config{Gate: gate, MaxBitrate: 4_000_000})
	var most resources // as the flooded connection sees it, at each tenth of its messages
	count := 0
	gate.write = func(context.Context, media.AccessUnit) error {
		if count++; count%10 == 0 {
			now := inUse(t)
			most = resources{max(most.heap, now.heap), max(most.goroutines, now.goroutines), max(most.descriptors, now.descriptors)}
		}
		return errForgotten
	}
	hostile := dial(t, address)
	session := hostile.publish(gate)
	other := newBystander(t, gate, address)
	other.alive()
	before := inUse(t)
	hostile.video(0, 0x17, 0, be24(0), fromHex(t, record720))
	frame := join(0x27, 1, be24(0), nals(4, "\x41"+string(make([]byte, 50_000))))
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		for now := uint32(0); ; now++ {
			if hostile.try(message{typ: typeVideo, stream: 1, timestamp: now, payload: frame}) != nil {
				return
			}
		}
	}()
	for server.Stats().Ended[ingest.LimitExceeded] == 0 {
		other.alive()
	}
	if end := <-session.closed; rejected(end) != ingest.LimitExceeded {
		t.Errorf("the session ended %+v", end)
	}
	hostile.expectStatus("NetStream.Publish.Denied")
	<-flooded
	t.Logf("in use before the flood %+v, at its peak %+v (%d messages)", before, most, count)
	if count < 50 || most.heap > before.heap+1<<20 || most.goroutines > before.goroutines+4 || most.descriptors > before.descriptors+4 {
		t.Errorf("in use before the flood %+v, at its peak %+v (%d messages)", before, most, count)
	}
	other.alive()
	before.returns(other)
}
