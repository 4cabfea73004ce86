package gateway

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sync/errgroup"

	"weir/pkg/ingest"
	"weir/pkg/ingest/rtmp"
	"weir/pkg/live"
	"weir/pkg/publish"
	"weir/pkg/store"
)

// way is how an access unit goes from a socket to the store, as the gateway puts
// it together, and a conversation of a publisher to send along it.
type way struct {
	testing.TB
	server  *rtmp.Server
	manager *live.Manager
	windows *store.Store
	address string
	sent    []byte
}

// recorded is a connection whose sent bytes are kept.
type recorded struct {
	net.Conn
	sent *bytes.Buffer
}

func (r recorded) Write(p []byte) (int, error) {
	r.sent.Write(p)
	return r.Conn.Write(p) //nolint:wrapcheck // it stands in for the connection.
}

// openWay publishes a clip of 31 s once and remembers how.
func openWay(tb testing.TB) *way {
	tb.Helper()
	clip := filepath.Join("..", "..", "..", "shared", "media", "camera_1080p30_6M_cbr.flv")
	if _, err := os.Stat(clip); err != nil {
		tb.Skipf("SKIPPED, NOT TESTED: the clip is missing: %v", err)
	}
	w := newWay(tb)
	var sent bytes.Buffer
	err := publish.Run(tb.Context(), publish.Options{
		File: clip, URL: "rtmp://" + w.address + "/live/cost", Speed: 1000,
		Dial: func(ctx context.Context, target publish.Target) (net.Conn, error) {
			c, failed := (&net.Dialer{}).DialContext(ctx, "tcp", target.Address)
			return recorded{Conn: c, sent: &sent}, failed //nolint:wrapcheck // Run says what it wanted.
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	w.sent = sent.Bytes()
	return w
}

// newWay is one that nobody has published on yet.
func newWay(tb testing.TB) *way {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	w := &way{TB: tb, windows: store.New(store.Options{}), address: listener.Addr().String()}
	w.serve(listener)
	return w
}

// serve takes publishers until the test ends.
func (w *way) serve(listener net.Listener) {
	log := slog.New(slog.DiscardHandler)
	manager, err := live.NewManager(live.Config{
		Store: w.windows, Admission: ingest.OpenKeys(), Log: log, StateDir: w.TempDir(), SourceOnly: true,
	})
	if err != nil {
		w.Fatal(err)
	}
	w.manager = manager
	w.server = rtmp.NewServer(rtmp.Config{Gate: manager, Log: log})
	ctx, cancel := context.WithCancel(context.Background())
	var parts errgroup.Group
	parts.Go(func() error { return w.server.Serve(ctx, rtmp.Ticked(listener)) })
	parts.Go(func() error { return manager.Run(ctx) })
	w.Cleanup(func() {
		cancel()
		if failed := parts.Wait(); failed != nil {
			w.Error(failed)
		}
	})
}

// publish sends the whole conversation again, as fast as the gateway takes it.
func (w *way) publish() {
	w.Helper()
	conn, err := net.Dial("tcp", w.address)
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Close()
	hungUp := make(chan struct{})
	go func() {
		defer close(hungUp)
		_, _ = io.Copy(io.Discard, conn) // ends with the connection
	}()
	if _, err := conn.Write(w.sent); err != nil {
		w.Fatal(err)
	}
	<-hungUp
}

// TestAllocationsPerAccessUnit: from the socket to the store, fewer than 5, with
// the beginning and the end of a session counted in.
func TestAllocationsPerAccessUnit(t *testing.T) {
	w := openWay(t)
	w.publish()
	var before, after runtime.MemStats
	units := w.server.Stats().AccessUnits
	runtime.ReadMemStats(&before)
	w.publish()
	runtime.ReadMemStats(&after)
	units = w.server.Stats().AccessUnits - units
	if units < 2300 {
		t.Fatalf("only %d access units came", units)
	}
	each := float64(after.Mallocs-before.Mallocs) / float64(units)
	t.Logf("%.2f allocations for each of %d access units", each, units)
	if each >= 5 {
		t.Errorf("%.2f allocations for each access unit, 5 are too many", each)
	}
	st, ok := w.windows.Stream("cost")
	if !ok || len(st.Presentation().Windows[0].Segments) < 10 {
		t.Fatal("nothing has come to the store")
	}
}

// BenchmarkIngest measures an access unit of 1080p30 at 6 Mbit/s with audio, from
// the socket to the store.
func BenchmarkIngest(b *testing.B) {
	w := openWay(b)
	units, done := int(w.server.Stats().AccessUnits), 0
	b.SetBytes(int64(len(w.sent) / units))
	b.ReportAllocs()
	for b.Loop() {
		if done++; done%units == 1 { // One round is the whole clip: all its access units.
			w.publish()
		}
	}
}
