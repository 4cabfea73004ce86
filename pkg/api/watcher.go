package api

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Watcher turns states, looked at each second or so, into events. It belongs to
// one goroutine.
type Watcher struct {
	feed    *Feed
	streams map[string]StreamStatus
	// open are the sessions that have begun and not ended, last the newest.
	open map[uint64]bool
	last uint64
}

// NewWatcher makes a Watcher that has seen nothing yet.
func NewWatcher(feed *Feed) *Watcher {
	return &Watcher{feed: feed, streams: make(map[string]StreamStatus), open: make(map[uint64]bool)}
}

// Look compares with the last look. The sessions are the newest first.
func (w *Watcher) Look(now time.Time, streams []StreamStatus, sessions []SessionRecord) {
	for _, rec := range slices.Backward(sessions) {
		w.session(rec)
	}
	seen := make(map[string]StreamStatus, len(streams))
	for _, s := range streams {
		w.stream(now.UTC(), w.streams[s.Name], s)
		seen[s.Name] = s
	}
	w.streams = seen
	w.feed.PublishStates(streams)
}

func (w *Watcher) session(rec SessionRecord) {
	if rec.ID > w.last {
		w.last = rec.ID
		w.open[rec.ID] = true
		w.feed.Publish(Event{
			Time: rec.StartedAt.UTC(), Kind: PublishStarted, Stream: rec.Stream,
			Message: fmt.Sprintf("A publisher has connected by %s.", strings.ToUpper(rec.Protocol)),
		})
	}
	if rec.EndedAt != nil && w.open[rec.ID] {
		delete(w.open, rec.ID)
		w.feed.Publish(Event{
			Time: rec.EndedAt.UTC(), Kind: PublishEnded, Stream: rec.Stream, Reason: rec.Reason, Message: rec.Message,
		})
	}
}

func (w *Watcher) stream(now time.Time, before, after StreamStatus) {
	publish := func(kind EventKind, reason, message string) {
		w.feed.Publish(Event{Time: now, Kind: kind, Stream: after.Name, Reason: reason, Message: message})
	}
	if before.State != after.State {
		publish(StreamState, string(after.State), fmt.Sprintf("The stream is %s.", after.State))
	}
	if after.Worker == nil {
		return
	}
	old := Worker{}
	if before.Worker != nil && sameSession(before.Session, after.Session) {
		old = *before.Worker
	}
	if after.Worker.Restarts > old.Restarts {
		publish(WorkerRestarted, "", fmt.Sprintf("The worker was restarted; %d times in this session.", after.Worker.Restarts))
	}
	if after.Worker.Shed > old.Shed {
		publish(RungShed, "", overload(after, "A rung gave way to overload: half of its frames, or all."))
	}
	if after.Worker.Restored > old.Restored {
		publish(RungRestored, "", overload(after, "All rungs that gave way to overload are back."))
	}
}

// overload is what the stream's health says of it, which names the rungs, or
// otherwise.
func overload(s StreamStatus, otherwise string) string {
	for _, f := range s.Health {
		if f.Code == "overload" {
			return f.Message
		}
	}
	return otherwise
}

// sameSession reports whether a worker's counters go on.
func sameSession(a, b *Session) bool {
	return a != nil && b != nil && a.ConnectedAt.Equal(b.ConnectedAt)
}
