package api

import "time"

// broadcast is what viewers have of a stream from its first picture to its end,
// over as many sessions as that takes.
type broadcast struct {
	// began is zero where that was before this Weir was started.
	began time.Time
	// session is when the last publisher connected; zero as well.
	session time.Time
}

// broadcasts turns states into the events stream.started, stream.resumed and
// stream.ended.
func (w *Watcher) broadcasts(now time.Time, streams []StreamStatus, sessions []SessionRecord) {
	there := make(map[string]bool, len(streams))
	for _, s := range streams {
		there[s.Name] = true
		w.broadcast(now, s, sessions)
	}
	for name, b := range w.onAir {
		if !there[name] {
			delete(w.onAir, name)
			w.feed.Publish(b.end(now, name, sessions))
		}
	}
}

func (w *Watcher) broadcast(now time.Time, s StreamStatus, sessions []SessionRecord) {
	b, on := w.onAir[s.Name]
	before := w.streams[s.Name]
	switch {
	case on && s.State == Live && s.Session != nil && before.State == Live && switched(before, s):
		// Viewers never stopped; publish.switched tells of it.
		w.onAir[s.Name] = broadcast{began: b.began, session: s.Session.ConnectedAt}
	case s.State == Live && s.Session != nil && !on:
		w.onAir[s.Name] = broadcast{began: now, session: s.Session.ConnectedAt}
		w.feed.Publish(Event{Time: now, Kind: StreamStarted, Stream: s.Name, Message: "Viewers can watch.", URLs: &s.URLs})
	case s.State == Live && s.Session != nil && !b.session.Equal(s.Session.ConnectedAt):
		w.onAir[s.Name] = broadcast{began: b.began, session: s.Session.ConnectedAt}
		w.feed.Publish(Event{Time: now, Kind: StreamResumed, Stream: s.Name, Message: "A publisher is back, and viewers go on watching.", URLs: &s.URLs})
	case s.State == Reconnecting && !on:
		w.onAir[s.Name] = broadcast{} // it was live before a restart
	case s.State == Ended && on:
		delete(w.onAir, s.Name)
		w.feed.Publish(b.end(now, s.Name, sessions))
	}
}

// end says why a broadcast is over: as its last session did.
func (b broadcast) end(now time.Time, name string, sessions []SessionRecord) Event {
	e := Event{Time: now, Kind: StreamEnded, Stream: name, Message: "The stream has ended."}
	for _, rec := range sessions { // the newest first
		if rec.Stream == name && rec.EndedAt != nil {
			e.Reason, e.Message = rec.Reason, "The stream has ended. "+rec.Message
			break
		}
	}
	if !b.began.IsZero() {
		e.Duration = now.Sub(b.began).Seconds()
	}
	return e
}
