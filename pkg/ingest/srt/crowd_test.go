package srt

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/pkg/ingest"
)

// text is a log that is read while it is written.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *text) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *text) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *text) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// crowd has so many callers of an address wait for a decision. It returns the peer, and
// a conclusion of one more.
func crowd(t *testing.T, from string, at netip.AddrPort, count int) (p peer, next []byte) {
	t.Helper()
	p = newPeerAt(t, from, at)
	cookie := p.greet()
	for n := range count {
		p.conclude(numbered(1+n, hello(cookie, goodKey)))
	}
	return p, numbered(1+count, hello(cookie, goodKey))
}

// TestCrowdOfOneAddress: callers of an address that wait for a slow decision take no more
// than its share of the room. The next of them hears so, and whoever runs the server.
func TestCrowdOfOneAddress(t *testing.T) {
	t.Parallel()
	var refused refusals
	var log text
	s, at := serve(t, Config{
		Gate: slowGate{}, Refused: refused.tell, Log: log.logger(),
		Limits: Limits{MaxConnectionsPerAddress: 10_000, MaxConnections: 10_000, PublishTimeout: time.Minute},
	})
	p, next := crowd(t, "127.0.0.1", at, maxPendingPerAddress)
	const more = 20
	for range more {
		if answer := p.handshake(next); answer.typ != rejectionBase+rejectOverload {
			t.Fatalf("the answer is of type %d", answer.typ)
		}
	}
	if n := s.Stats().Ended[ingest.LimitExceeded]; n < more {
		t.Errorf("%d of %d were counted", n, more)
	}
	lines := func() int {
		return strings.Count(log.String(), `msg="publisher refused" protocol=srt reason=limit_exceeded`)
	}
	for deadline := time.Now().Add(20 * time.Second); lines() == 0 && time.Now().Before(deadline); {
		<-time.After(10 * time.Millisecond)
	}
	if n := lines(); n == 0 || n >= more/2 {
		t.Errorf("%d lines of the log: %s", n, log.String())
	}
	if why, n := refused.last(), refused.count(); why.Reason != ingest.LimitExceeded || !strings.Contains(why.Message, "64 of your address") || n >= more/2 {
		t.Errorf("%d were told, the last is %+v", n, why)
	}
	// Of another address somebody waits, without an answer.
	stranger, _ := crowd(t, "127.0.0.2", at, 1)
	silent(t, stranger)
}

// TestCrowd: more than anybody's share is refused, whoever comes.
func TestCrowd(t *testing.T) {
	t.Parallel()
	_, at := serve(t, Config{
		Gate:   slowGate{},
		Limits: Limits{MaxConnectionsPerAddress: 10_000, MaxConnections: 10_000, PublishTimeout: time.Minute},
	})
	for n := range maxPending / maxPendingPerAddress {
		p, _ := crowd(t, fmt.Sprintf("127.0.0.%d", 1+n), at, maxPendingPerAddress)
		silent(t, p)
	}
	p := newPeerAt(t, "127.0.0.100", at)
	if answer := p.handshake(hello(p.greet(), goodKey)); answer.typ != rejectionBase+rejectOverload {
		t.Errorf("the answer is of type %d", answer.typ)
	}
}

// silent holds that nothing comes for the peer for a while.
func silent(t *testing.T, p peer) {
	t.Helper()
	_ = p.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := p.Read(make([]byte, maxDatagram)); err == nil {
		t.Errorf("an answer of %d bytes", n)
	}
}

// TestUndecided: a decision that takes too long is a timeout, not an error of Weir's own.
func TestUndecided(t *testing.T) {
	t.Parallel()
	var refused refusals
	var log text
	s, at := serve(t, Config{Gate: slowGate{}, Refused: refused.tell, Log: log.logger(), Limits: Limits{PublishTimeout: 50 * time.Millisecond}})
	p := newPeer(t, at)
	if answer := p.handshake(hello(p.greet(), goodKey)); answer.typ != rejectionBase+rejectDown {
		t.Errorf("the answer is of type %d", answer.typ)
	}
	why := refused.last()
	if why.Reason != ingest.TimedOut || !strings.Contains(why.Message, "within 50ms") || s.Stats().Ended[ingest.TimedOut] == 0 {
		t.Errorf("told is %+v, stats %+v", why, s.Stats())
	}
	if says := log.String(); strings.Contains(says, "level=ERROR") || !strings.Contains(says, `msg="publisher refused" protocol=srt reason=timed_out`) {
		t.Errorf("the log says %s", says)
	}
}

// TestFloodOfOneReason: who is refused for something else meanwhile is in the log.
func TestFloodOfOneReason(t *testing.T) {
	t.Parallel()
	var log text
	_, at := serve(t, Config{Gate: newRecorder(), Log: log.logger()})
	p := newPeer(t, at)
	cookie := p.greet()
	for n := range 100 {
		p.conclude(numbered(1+n, hello(cookie, "nobodys-key")))
	}
	for _, id := range []string{"stray space", "#!::r=" + goodKey + ",m=request"} {
		other := newPeer(t, at)
		other.handshake(hello(other.greet(), id))
	}
	for _, reason := range []ingest.Reason{ingest.WrongKey, ingest.StraySpaces, ingest.PlayRequested} {
		if !strings.Contains(log.String(), `msg="publisher refused" protocol=srt reason=`+string(reason)) {
			t.Errorf("%s is not in the log: %s", reason, log.String())
		}
	}
}
