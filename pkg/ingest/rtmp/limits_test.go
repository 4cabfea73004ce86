package rtmp

import (
	"testing"
	"time"

	"weir/pkg/ingest"
)

// TestSetLimits: connections that are there keep the limits that they came
// with, those that come next get the new ones.
func TestSetLimits(t *testing.T) {
	t.Parallel()
	gate := newRecorder()
	server, address := serve(t, Config{Gate: gate, MaxConnections: 1})
	first := dial(t, address)
	session := first.publish(gate)
	beyond := dial(t, address)
	beyond.call(0, "connect", 1.0, amfObject{{"app", application}})
	beyond.expectStatus("NetConnection.Connect.InvalidApp")

	server.SetLimits(Limits{MaxConnections: 2, PublishTimeout: 50 * time.Millisecond})
	second := dial(t, address)
	second.connect()
	second.expectStatus("NetStream.Publish.Denied")
	if got := server.Stats().Ended; got[ingest.TimedOut] != 1 || got[ingest.LimitExceeded] != 1 {
		t.Errorf("ended by %v", got)
	}

	server.SetLimits(Limits{MaxConnections: 1, MaxBitrate: 1})
	first.audio(0, audioStart())
	first.audio(20, audioFrame())
	first.call(1, "closeStream", 0.0, nil)
	if end := <-session.closed; !end.OnPurpose || len(session.units) != 1 {
		t.Errorf("the first publisher ended %+v with %d access units", end, len(session.units))
	}
}
