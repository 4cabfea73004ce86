package api_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"weir/pkg/api"
)

// listener reads server-sent events from a real connection.
type listener struct {
	t       *testing.T
	lines   *bufio.Scanner
	body    io.Closer
	promise *contract
}

type feedServer struct {
	*httptest.Server
	feed     *api.Feed
	draining chan struct{}
}

func serveFeed(t *testing.T, streams ...api.StreamStatus) feedServer {
	t.Helper()
	s := feedServer{feed: api.NewFeed(), draining: make(chan struct{})}
	h, err := api.New(api.Config{
		Feed: s.feed, Draining: s.draining, Streams: func() []api.StreamStatus { return streams },
		Identify: identify, Client: func(*http.Request) string { return "test" }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func (s feedServer) listen(t *testing.T, lastID string) *listener {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer viewer")
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s %v", res.Status, res.Header)
	}
	return &listener{t: t, lines: bufio.NewScanner(res.Body), body: res.Body, promise: newContract(t, handler(t))}
}

// next is the name of the next event and its data, held against the document.
func (l *listener) next() (name, data string) {
	l.t.Helper()
	for l.lines.Scan() {
		field, value, _ := strings.Cut(l.lines.Text(), ": ")
		switch field {
		case "event":
			name = value
		case "data":
			data = value
		case "":
			schema := "Event"
			if name == "streams" {
				schema = "StreamList"
			}
			l.promise.valid(l.t, documentURL+"#/components/schemas/"+schema, []byte(data))
			return name, data
		}
	}
	return "", ""
}

func TestEvents(t *testing.T) {
	s := serveFeed(t, live())
	l := s.listen(t, "")
	if name, data := l.next(); name != "streams" || !strings.Contains(data, `"state":"live"`) {
		t.Fatalf("first come the states, not %s %s", name, data)
	}
	s.feed.Publish(api.Event{Kind: api.RungShed, Stream: "main", Message: "A rung gave way."})
	if name, data := l.next(); name != "rung.shed" || !strings.Contains(data, `"id":1`) {
		t.Errorf("%s %s", name, data)
	}
	s.feed.PublishStates([]api.StreamStatus{live()})
	s.feed.PublishStates([]api.StreamStatus{live()})
	s.feed.Publish(api.Event{Kind: api.RungRestored, Stream: "main"})
	for _, want := range []string{"streams", "rung.restored"} {
		if name, _ := l.next(); name != want {
			t.Errorf("%s came, want %s: states are told once", name, want)
		}
	}
	again := s.listen(t, "1")
	again.next()
	if name, data := again.next(); name != "rung.restored" || !strings.Contains(data, `"id":2`) {
		t.Errorf("what was missed is repeated, not %s %s", name, data)
	}
	close(s.draining)
	if name, _ := again.next(); name != "" || again.lines.Err() != nil {
		t.Errorf("the gateway stops, and the stream of events ends; got %s, %v", name, again.lines.Err())
	}
}

func TestHeadOfEventsEnds(t *testing.T) {
	s := serveFeed(t)
	r := request(http.MethodHead, "/api/v1/events", "viewer", "")
	w := httptest.NewRecorder()
	s.Config.Handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Body.Len() != 0 {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

// A client that does not read is cut off; nobody waits for it.
func TestSlowListenerIsCutOff(t *testing.T) {
	s := serveFeed(t)
	slow := s.listen(t, "")
	slow.next()
	long := strings.Repeat("x", 64<<10)
	for range 2000 { // 128 MB fit into no socket
		s.feed.Publish(api.Event{Kind: api.StreamState, Message: long})
	}
	read, err := io.Copy(io.Discard, slow.body.(io.Reader))
	// It may be cut off in the middle of what is being written.
	if (err != nil && !errors.Is(err, io.ErrUnexpectedEOF)) || read > 100<<20 {
		t.Errorf("it still got %d bytes, %v", read, err)
	}
}

func TestWatcher(t *testing.T) {
	s := serveFeed(t)
	l := s.listen(t, "")
	l.next()
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	w := api.NewWatcher(s.feed)
	open := api.SessionRecord{ID: 1, Stream: "main", Protocol: "rtmp", StartedAt: at}
	over := open
	over.EndedAt, over.Reason = &at, "lost"
	short := api.SessionRecord{ID: 2, Stream: "main", StartedAt: at, EndedAt: &at, Reason: "kicked"}
	before, after, next := live(), live(), live()
	before.Worker = &api.Worker{State: "running", Shed: 1}
	after.Health = []api.Finding{{Code: "overload", Severity: "warning", Hop: "gateway", Message: "It encodes 720p at half its frame rate."}}
	after.Worker = &api.Worker{State: "running", Shed: 2, Restored: 1, Restarts: 1}
	next.Session = &api.Session{Role: api.RolePrimary, ConnectedAt: at.Add(time.Hour)}
	next.Worker, next.State = &api.Worker{State: "running", Restarts: 1}, api.Reconnecting
	w.Look(at, []api.StreamStatus{before}, []api.SessionRecord{open})
	w.Look(at, []api.StreamStatus{after}, []api.SessionRecord{short, over})
	w.Look(at, []api.StreamStatus{next}, []api.SessionRecord{short, over})
	w.Look(at, []api.StreamStatus{next}, []api.SessionRecord{short, over})
	w.Look(at, nil, nil)
	want := []string{
		"publish.started ", "stream.state live", "publish.switched black", "rung.shed ", "stream.started ", "streams",
		"publish.ended lost", "publish.started ", "publish.ended kicked",
		"worker.restarted ", "rung.shed ", "rung.restored ", "streams",
		"stream.state reconnecting", "worker.restarted ", "streams",
		"stream.ended ", "streams",
	}
	for i, want := range want {
		name, data := l.next()
		kind, reason, _ := strings.Cut(want, " ")
		if i == 10 && !strings.Contains(data, "720p at half") {
			t.Errorf("the event does not name the rung: %s", data)
		}
		if name != kind || (reason != "" && !strings.Contains(data, fmt.Sprintf(`"reason":%q`, reason))) {
			t.Fatalf("event %d is %s %s, want %s", i, name, data, want)
		}
	}
}

// A stream is unhealthy from its first finding of severity error to the end of
// its last, whatever becomes of its publisher in between.
func TestWatcherTellsOfHealth(t *testing.T) {
	s := serveFeed(t)
	l := s.listen(t, "")
	l.next()
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	w := api.NewWatcher(s.feed)
	look := func(state api.State, codes ...string) {
		stream := live()
		stream.State, stream.Worker, stream.Health, stream.Switched = state, nil, nil, nil
		for _, code := range codes {
			severity := "error"
			if code == "overload" {
				severity = "warning"
			}
			stream.Health = append(stream.Health, api.Finding{Code: code, Severity: severity, Hop: "uplink", Message: code + " it is"})
		}
		w.Look(at, []api.StreamStatus{stream}, nil)
	}
	look(api.Live, "overload")
	look(api.Live, "overload", "uplink_slow")
	look(api.Live, "uplink_slow", "video_stopped")
	look(api.Live, "video_stopped")
	look(api.Reconnecting)
	look(api.Live)
	look(api.Live)
	look(api.Live, "video_stopped")
	look(api.Ended)
	look(api.Live)
	want := []string{
		"stream.state live", "stream.started ", "streams",
		"stream.unhealthy uplink_slow", "streams",
		"stream.unhealthy video_stopped", "streams",
		"streams",
		"stream.state reconnecting", "streams",
		"stream.state live", "stream.healthy ", "streams",
		"stream.unhealthy video_stopped", "streams",
		"stream.state ended", "stream.ended ", "streams",
		"stream.state live", "stream.started ", "streams",
	}
	for i, want := range want {
		name, data := l.next()
		kind, reason, _ := strings.Cut(want, " ")
		if name != kind || (reason != "" && !strings.Contains(data, fmt.Sprintf(`"reason":%q`, reason))) {
			t.Fatalf("event %d is %s %s, want %s", i, name, data, want)
		}
	}
}
