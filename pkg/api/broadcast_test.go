package api_test

import (
	"strings"
	"testing"
	"time"

	"weir/pkg/api"
)

// TestBroadcasts looks at streams second by second, and listens to what is made of it.
func TestBroadcasts(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	first, second := &api.Session{ConnectedAt: at}, &api.Session{ConnectedAt: at.Add(time.Minute)}
	lost := []api.SessionRecord{{ID: 2, Stream: "other", Reason: "ended", EndedAt: &at}, {ID: 1, Stream: "main", Reason: "lost", Message: "The connection broke.", EndedAt: &at}}
	state := func(state api.State, session *api.Session) []api.StreamStatus {
		return []api.StreamStatus{{Name: "main", State: state, Session: session, URLs: api.StreamURLs("", "main")}}
	}
	gone, on := state(api.Reconnecting, nil), state(api.Live, second)
	on[0].Switched = &api.Switch{At: at, To: api.RoleBackup, Reason: "lost"}
	for _, c := range []struct {
		what  string
		looks [][]api.StreamStatus
		want  string
	}{
		{"an encoder that never sends a picture", [][]api.StreamStatus{state(api.Waiting, first), state(api.Ended, nil)}, ""},
		{
			"a stream from beginning to end",
			[][]api.StreamStatus{state(api.Waiting, first), state(api.Live, first), state(api.Live, first), state(api.Ended, nil), state(api.Ended, nil)},
			"stream.started stream.ended",
		},
		{
			"a publisher that is lost and comes back",
			[][]api.StreamStatus{state(api.Live, first), state(api.Reconnecting, nil), state(api.Live, second), state(api.Ended, nil)},
			"stream.started stream.resumed stream.ended",
		},
		{
			"one that is back before anybody looked",
			[][]api.StreamStatus{state(api.Live, first), state(api.Live, second)},
			"stream.started stream.resumed",
		},
		{
			"a backup that goes on air before viewers notice",
			[][]api.StreamStatus{state(api.Live, first), on, on},
			"stream.started",
		},
		{
			"one that goes on air after a slate",
			[][]api.StreamStatus{state(api.Live, first), gone, on},
			"stream.started stream.resumed",
		},
		{
			"two streams after each other",
			[][]api.StreamStatus{state(api.Live, first), state(api.Ended, nil), state(api.Live, second)},
			"stream.started stream.ended stream.started",
		},
		{
			"a restart of the gateway",
			[][]api.StreamStatus{state(api.Reconnecting, nil), state(api.Live, first)},
			"stream.resumed",
		},
		{
			"a restart after which nobody comes",
			[][]api.StreamStatus{state(api.Reconnecting, nil), state(api.Ended, nil)},
			"stream.ended",
		},
		{"a stream that is forgotten at once", [][]api.StreamStatus{state(api.Live, first), nil}, "stream.started stream.ended"},
	} {
		t.Run(c.what, func(t *testing.T) {
			feed := api.NewFeed()
			var got []string
			feed.Relay(func(e api.Event) {
				if e.Kind == api.StreamState || !strings.HasPrefix(string(e.Kind), "stream.") {
					return
				}
				got = append(got, string(e.Kind))
				if e.Kind == api.StreamEnded && (e.Reason != "lost" || !strings.Contains(e.Message, "broke")) {
					t.Errorf("it does not say why: %+v", e)
				}
				if e.Kind == api.StreamEnded && got[0] == "stream.started" && e.Duration < 1 {
					t.Errorf("it lasted %v s", e.Duration)
				}
				if e.Kind != api.StreamEnded && e.URLs == nil {
					t.Errorf("%s has no URLs", e.Kind)
				}
			})
			w := api.NewWatcher(feed)
			for i, streams := range c.looks {
				w.Look(at.Add(time.Duration(i)*time.Second), streams, lost)
			}
			if all := strings.Join(got, " "); all != c.want {
				t.Errorf("it told %q, want %q", all, c.want)
			}
		})
	}
}
