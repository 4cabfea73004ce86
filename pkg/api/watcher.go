package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Watcher turns states, looked at each second or so, into events. It belongs to
// one goroutine.
type Watcher struct {
	feed    *Feed
	streams map[string]StreamStatus
	// ill are the codes that streams were said to be unhealthy of.
	ill map[string][]string
	// onAir are the streams that viewers watch, or wait for.
	onAir map[string]broadcast
	// open are the sessions that have begun and not ended, last the newest.
	open map[uint64]bool
	last uint64
}

// NewWatcher makes a Watcher that has seen nothing yet.
func NewWatcher(feed *Feed) *Watcher {
	return &Watcher{
		feed: feed, streams: make(map[string]StreamStatus), ill: make(map[string][]string),
		onAir: make(map[string]broadcast), open: make(map[uint64]bool),
	}
}

// Look compares with the last look. The sessions are the newest first.
func (w *Watcher) Look(now time.Time, streams []StreamStatus, sessions []SessionRecord) {
	for _, rec := range slices.Backward(sessions) {
		w.session(rec)
	}
	seen := make(map[string]StreamStatus, len(streams))
	for _, s := range streams {
		w.stream(now.UTC(), w.streams[s.Name], s)
		w.health(now.UTC(), s)
		seen[s.Name] = s
	}
	maps.DeleteFunc(w.ill, func(name string, _ []string) bool {
		_, there := seen[name]
		return !there
	})
	w.broadcasts(now.UTC(), streams, sessions)
	w.streams = seen
	w.feed.PublishStates(streams)
}

func (w *Watcher) session(rec SessionRecord) {
	if rec.ID > w.last {
		w.last = rec.ID
		w.open[rec.ID] = true
		w.feed.Publish(Event{
			Time: rec.StartedAt.UTC(), Kind: PublishStarted, Stream: rec.Stream,
			Message: fmt.Sprintf("%s has connected by %s.", who(rec.Role), strings.ToUpper(rec.Protocol)),
		})
	}
	if rec.EndedAt != nil && w.open[rec.ID] {
		delete(w.open, rec.ID)
		e := Event{Time: rec.EndedAt.UTC(), Kind: PublishEnded, Stream: rec.Stream, Reason: rec.Reason, Message: rec.Message}
		if rec.Role == RoleBackup {
			e.Message += " It was the backup."
		}
		w.feed.Publish(e)
	}
}

func who(role Role) string {
	if role == RoleBackup {
		return "The backup publisher"
	}
	return "A publisher"
}

func (w *Watcher) stream(now time.Time, before, after StreamStatus) {
	publish := func(kind EventKind, reason, message string) {
		w.feed.Publish(Event{Time: now, Kind: kind, Stream: after.Name, Reason: reason, Message: message})
	}
	if before.State != after.State {
		publish(StreamState, string(after.State), fmt.Sprintf("The stream is %s.", after.State))
	}
	if s := after.Switched; switched(before, after) {
		w.feed.Publish(Event{Time: s.At.UTC(), Kind: PublishSwitched, Stream: after.Name, Reason: s.Reason, To: s.To, Message: s.sentence()})
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

// switched reports whether publishers have changed places since the last look.
func switched(before, after StreamStatus) bool {
	return after.Switched != nil && (before.Switched == nil || !before.Switched.At.Equal(after.Switched.At))
}

// sentence says who is on air, and why.
func (s *Switch) sentence() string {
	other := RolePrimary
	if s.To == other {
		other = RoleBackup
	}
	switch s.Reason {
	case "back":
		return "The primary publisher is well again, and on air."
	case "lost":
		return fmt.Sprintf("The %s publisher is on air, as the %s's media is missing.", s.To, other)
	case "silent":
		return fmt.Sprintf("The %s publisher is on air, as the %s is silent.", s.To, other)
	}
	return fmt.Sprintf("The %s publisher is on air, as the %s's picture is %s.", s.To, other, s.Reason)
}

// health tells of findings of severity error that have come, and when the last
// one has gone. A stream that nobody publishes has not recovered: its state says
// how it is.
func (w *Watcher) health(now time.Time, s StreamStatus) {
	before := w.ill[s.Name]
	var codes []string
	for _, f := range s.Health {
		if f.Severity != "error" {
			continue
		}
		codes = append(codes, f.Code)
		if !slices.Contains(before, f.Code) {
			w.feed.Publish(Event{Time: now, Kind: StreamUnhealthy, Stream: s.Name, Reason: f.Code, Message: f.Message})
		}
	}
	switch {
	case len(codes) > 0:
		w.ill[s.Name] = codes
	case len(before) == 0:
	case s.State == Ended:
		delete(w.ill, s.Name)
	case s.State == Live:
		delete(w.ill, s.Name)
		w.feed.Publish(Event{Time: now, Kind: StreamHealthy, Stream: s.Name, Message: "Nothing that viewers see is wrong any more."})
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
