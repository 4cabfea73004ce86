package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/doctor"
	"weir/pkg/ingest"
	"weir/pkg/ingest/rtmp"
	"weir/pkg/live"
	"weir/pkg/publish"
	"weir/pkg/store"
)

const patientKey = "test-key-of-the-patient"

// ward is a gateway's ingest and its streams without HTTP and workers, in the
// bubble of a synctest: a minute of a stream takes a moment, and nothing of it
// comes late because the machine is busy.
type ward struct {
	*live.Manager
	pipes
}

// pipes are a listener in memory.
type pipes struct {
	accepts chan net.Conn
	closed  chan struct{}
	close   func()
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepts:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	p.close()
	return nil
}

func (pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial connects to it; through is what the way does to what the publisher sends.
func (p pipes) dial(through func(net.Conn) net.Conn) func(context.Context, publish.Target) (net.Conn, error) {
	return func(context.Context, publish.Target) (net.Conn, error) {
		client, server := net.Pipe()
		select {
		case p.accepts <- server:
			return through(client), nil
		case <-p.closed:
			return nil, net.ErrClosed
		}
	}
}

// openWard makes one; configure, if not nil, changes it.
func openWard(t *testing.T, configure func(*live.Config)) ward {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	keys, err := ingest.NewKeys([]ingest.StreamKey{{Name: "main", Key: patientKey}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := live.Config{
		Store: store.New(store.Options{}), Admission: keys, Log: log, StateDir: t.TempDir(),
		ResumeWindow: time.Minute, SourceOnly: true, AudioBitrate: 128_000, Cores: 2,
	}
	if configure != nil {
		configure(&cfg)
	}
	manager, err := live.NewManager(cfg)
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	w := ward{manager, pipes{make(chan net.Conn), closed, sync.OnceFunc(func() { close(closed) })}}
	server := rtmp.NewServer(rtmp.Config{Gate: manager, Log: log})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { done <- server.Serve(ctx, w.pipes) }()
	go func() { done <- manager.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, <-done); err != nil {
			t.Error(err)
		}
	})
	return w
}

// admit publishes a file again and again for d, and returns what was ever found,
// by code, as it was when it was found last.
func (w ward) admit(t *testing.T, d time.Duration, file string, o publish.Options, through func(net.Conn) net.Conn) map[string]doctor.Finding {
	t.Helper()
	if through == nil {
		through = straight
	}
	o.File, o.URL, o.Loop, o.Dial = file, "rtmp://weir.test/live/"+patientKey, true, w.dial(through)
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- publish.Run(ctx, o) }()
	found := make(map[string]doctor.Finding)
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return found
		case <-look.C:
			synctest.Wait()
			if st, ok := w.Stream("main"); ok {
				for _, f := range st.Findings {
					found[f.Code] = f
				}
			}
		}
	}
}

// straight is a way that does nothing to what it carries.
func straight(c net.Conn) net.Conn { return c }
