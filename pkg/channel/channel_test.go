package channel_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"weir/pkg/channel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestWire: both ends may write before either reads, and a wire that is closed
// takes nobody.
func TestWire(t *testing.T) {
	t.Parallel()
	wire := channel.NewWire()
	var accepted net.Conn
	var done sync.WaitGroup
	done.Go(func() {
		var err error
		if accepted, err = wire.Accept(); err != nil {
			t.Error(err)
		}
	})
	conn, err := wire.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done.Wait()
	for _, pair := range [][2]net.Conn{{conn, accepted}, {accepted, conn}} {
		if _, err := pair[0].Write(bytes.Repeat([]byte("x"), 1537)); err != nil { // as long as C0 and C1
			t.Fatal(err)
		}
	}
	for _, end := range []net.Conn{conn, accepted} {
		if _, err := io.ReadFull(end, make([]byte, 1537)); err != nil {
			t.Error(err)
		}
		if err := end.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := wire.Close(); err != nil {
		t.Error(err)
	}
	if _, err := wire.Dial(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed wire says %v", err)
	}
	if _, err := wire.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed wire says %v", err)
	}
}

// TestNothingToPlay: a channel tries again for ever, and says once what is wrong.
func TestNothingToPlay(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing.mp4")
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		channel.Run(ctx, channel.Config{
			Stream: "nature", Files: []string{missing}, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Dial: func(context.Context) (net.Conn, error) { return nil, errors.New("it dials without a file") },
		})
		if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "missing.mp4") || !strings.Contains(text, "stream=nature") {
			t.Errorf("it says %q", text)
		}
	})
}

// TestOccupied: while an encoder has the stream, a channel looks every two seconds
// and complains of nothing.
func TestOccupied(t *testing.T) {
	t.Parallel()
	clip := filepath.Join("..", "..", "..", "shared", "media", "src_bee_720p30.mp4")
	if _, err := os.Stat(clip); err != nil {
		t.Skipf("SKIPPED, NOT TESTED: the clip is not there: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		looks := 0
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		channel.Run(ctx, channel.Config{
			Stream: "nature", Files: []string{clip}, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})),
			Dial: func(context.Context) (net.Conn, error) { looks++; return nil, channel.ErrOccupied },
		})
		if looks < 29 || looks > 31 || log.Len() > 0 {
			t.Errorf("it looked %d times and says %q", looks, log.String())
		}
	})
}
