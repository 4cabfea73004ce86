package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// eventsKept are repeated to a client that comes back with the number of
	// the last one that it saw.
	eventsKept = 256
	// queueLength bounds what waits for one client: half a minute of states.
	queueLength = 32
	// maxListeners bounds the clients.
	maxListeners = 200
)

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	PublishStarted  EventKind = "publish.started"
	PublishEnded    EventKind = "publish.ended"
	PublishRejected EventKind = "publish.rejected"
	// PublishSwitched: the publisher that stood by has gone on air.
	PublishSwitched EventKind = "publish.switched"
	StreamState     EventKind = "stream.state"
	// StreamStarted: viewers can watch. StreamResumed: they can again, or another
	// publisher has taken over. StreamEnded: nobody is waited for any more.
	StreamStarted   EventKind = "stream.started"
	StreamResumed   EventKind = "stream.resumed"
	StreamEnded     EventKind = "stream.ended"
	WorkerRestarted EventKind = "worker.restarted"
	RungShed        EventKind = "rung.shed"
	RungRestored    EventKind = "rung.restored"
	// StreamUnhealthy: a finding of severity error has appeared, whose code is
	// the reason; StreamHealthy: the last of them has vanished.
	StreamUnhealthy EventKind = "stream.unhealthy"
	StreamHealthy   EventKind = "stream.healthy"
)

// Event is one thing that happened.
type Event struct {
	_    struct{}  `additionalProperties:"true"`
	ID   uint64    `json:"id" doc:"Counts events since Weir started."`
	Time time.Time `json:"time"`
	Kind EventKind `json:"kind" enum:"publish.started,publish.ended,publish.rejected,publish.switched,stream.state,stream.started,stream.resumed,stream.ended,worker.restarted,rung.shed,rung.restored,stream.unhealthy,stream.healthy"`
	// Stream is empty where a publisher was rejected before it was known.
	Stream string `json:"stream,omitempty"`
	// Reason is a word of a closed set, Message a sentence.
	Reason  string `json:"reason,omitempty" doc:"Why a publish session ended or was rejected, why another publisher went on air, or the last session of a stream that has ended, the state that a stream is in now, or the code of the finding that makes it unhealthy."`
	Message string `json:"message"`
	// To is who has gone on air.
	To Role `json:"to,omitempty" enum:"primary,backup" doc:"Of publish.switched: who is on air now."`
	// URLs are those of a stream that has started or resumed.
	URLs *URLs `json:"urls,omitempty" doc:"Where the stream is watched: paths alone where public_url is not set. Of stream.started and stream.resumed."`
	// Duration is of a stream that has ended.
	Duration float64 `json:"duration_s,omitempty" doc:"Of stream.ended: for how long viewers could watch, in seconds. Left out where it began before a restart of Weir."`
}

// Feed hands events and states to whoever listens. Whoever listens too slowly
// is cut off: publishing never waits. It is safe for concurrent use.
type Feed struct {
	mu     sync.Mutex
	last   uint64
	recent []Event
	states []byte
	queues map[*queue]struct{}
	relay  func(Event)
}

// queue is one listener's; messages is closed when it is cut off.
type queue struct{ messages chan []byte }

// NewFeed makes a feed that nobody listens to.
func NewFeed() *Feed { return &Feed{queues: make(map[*queue]struct{})} }

// Relay hands each event to f as well, which must not wait. It is called before
// anything is published.
func (f *Feed) Relay(to func(Event)) { f.relay = to }

// Publish numbers an event and hands it on.
func (f *Feed) Publish(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	e.ID = f.last
	if len(f.recent) >= eventsKept {
		f.recent = slices.Delete(f.recent, 0, 1)
	}
	f.recent = append(f.recent, e)
	f.send(e.message())
	if f.relay != nil {
		f.relay(e)
	}
}

// PublishStates hands on the states of all streams, written once for all who
// listen, and only if they have changed.
func (f *Feed) PublishStates(streams []StreamStatus) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queues) == 0 {
		f.states = nil
		return
	}
	text := states(streams)
	if bytes.Equal(text, f.states) {
		return
	}
	f.states = text
	f.send(text)
}

// send needs f.mu.
func (f *Feed) send(text []byte) {
	for q := range f.queues {
		select {
		case q.messages <- text:
		default:
			delete(f.queues, q)
			close(q.messages)
		}
	}
}

var errCrowded = errors.New("too many clients listen to events")

// listen opens a queue with the events after seen, of those that are kept.
func (f *Feed) listen(seen uint64) (q *queue, missed [][]byte, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queues) >= maxListeners {
		return nil, nil, errCrowded
	}
	for _, e := range f.recent {
		if seen > 0 && e.ID > seen {
			missed = append(missed, e.message())
		}
	}
	q = &queue{messages: make(chan []byte, queueLength)}
	f.queues[q] = struct{}{}
	return q, missed, nil
}

// latest are the events that are kept, the newest first.
func (f *Feed) latest() []Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := append([]Event{}, f.recent...)
	slices.Reverse(all)
	return all
}

// leave closes a queue.
func (f *Feed) leave(q *queue) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.queues, q)
}

// message is e as a server-sent event (HTML, 9.2.6).
func (e Event) message() []byte {
	return fmt.Appendf(nil, "id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Kind, encoded(e))
}

// states has no number: whoever missed it is told the next ones.
func states(streams []StreamStatus) []byte {
	return fmt.Appendf(nil, "event: streams\ndata: %s\n\n", encoded(listOf(streams)))
}

// encoded is one line of JSON. What it is given holds nothing that JSON cannot.
func encoded(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		return []byte("null")
	}
	return text
}
