// Package clipfile reads what an operator has for a slate from a file: a picture, or a
// clip, which is read as channels read theirs. A clip is published, as fast as possible,
// over a connection inside of the process, to a server that nobody else reaches; so what
// is taken for a slate is what is taken from encoders, with its time repaired alike.
//
// A path flows in, a slate.Clip flows out. What Open starts has ended when it returns.
package clipfile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"weir/pkg/channel"
	"weir/pkg/ingest"
	"weir/pkg/ingest/rtmp"
	"weir/pkg/media"
	"weir/pkg/publish"
	"weir/pkg/slate"
)

const (
	// readTime is more than reading a clip takes, from any disk that channels could
	// be played from.
	readTime = time.Minute
	// anySpeed is as many times as fast as it is shown, and anyBitrate more bits per
	// second than a file has.
	anySpeed   = 1e9
	anyBitrate = 400_000_000
)

// Open reads a picture (PNG or JPEG) or a clip (MP4 or FLV, within slate.LongestClip
// and slate.LargestClip). The error tells the operator what to do.
func Open(path string) (slate.Clip, error) {
	c, err := slate.OpenPicture(path)
	if !errors.Is(err, slate.ErrNoPicture) {
		return c, err //nolint:wrapcheck // it names the file.
	}
	units, err := read(path)
	if err != nil {
		return slate.Clip{}, fmt.Errorf("read the slate %s: %w", path, err)
	}
	if c, err = slate.NewClip(units); err != nil {
		return slate.Clip{}, fmt.Errorf("the slate %s %w", path, err)
	}
	return c, nil
}

// read brings a clip's access units.
func read(path string) ([]media.AccessUnit, error) {
	file, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at its size: %w", err)
	}
	if err = slate.Bounded(file.Size(), 0); err != nil {
		return nil, fmt.Errorf("it %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTime)
	defer cancel()
	t := &taker{closed: make(chan struct{}), done: make(chan struct{})}
	wire := channel.NewWire()
	server := rtmp.NewServer(rtmp.Config{Gate: t, Log: slog.New(slog.DiscardHandler), MaxBitrate: anyBitrate})
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(ctx, wire) }) // it ends with ctx
	err = publish.Run(ctx, publish.Options{
		File: path, URL: "rtmp://weir/live/slate", Speed: anySpeed,
		Dial: func(ctx context.Context, _ publish.Target) (net.Conn, error) { return wire.Dial(ctx) },
	})
	if err == nil {
		select {
		case <-t.closed:
		case <-ctx.Done():
		}
		err = ctx.Err()
	}
	cancel()
	serving.Wait()
	if t.err != nil {
		return nil, t.err
	}
	return t.units, err //nolint:wrapcheck // it says what is wrong with the file.
}

// taker is a gate with one session, whose access units it keeps.
type taker struct {
	timeline *ingest.Timeline
	units    []media.AccessUnit
	bytes    int64
	// err is why no more is taken.
	err error
	end sync.Once
	// closed is closed when all is there, done when it is too much.
	closed, done chan struct{}
}

// anchor is where a clip's time begins: any will do.
func anchor() time.Time { return time.Unix(1_000_000, 0) }

func (t *taker) Publish(_ context.Context, req ingest.Request) (ingest.Session, error) {
	t.timeline = ingest.NewTimeline(ingest.TimelineConfig{Anchor: anchor(), Clock: req.Clock})
	return t, nil
}

func (t *taker) Metadata(m ingest.Metadata) { t.timeline.Metadata(m) }

func (t *taker) Write(_ context.Context, raw media.AccessUnit) error {
	t.keep(t.timeline.Push(raw))
	return t.err
}

// keep takes units as long as a clip may still have them.
func (t *taker) keep(units []media.AccessUnit) {
	for _, au := range units {
		t.bytes += int64(len(au.Data))
		t.units = append(t.units, au)
		at := au.Track.Timescale.Time(au.PTS)
		if err := slate.Bounded(t.bytes, at.Sub(anchor())); err != nil && t.err == nil {
			t.err = fmt.Errorf("it %w", err)
			t.end.Do(func() { close(t.done) })
		}
	}
}

func (t *taker) Close(ingest.End) {
	t.keep(t.timeline.End())
	close(t.closed)
}

func (t *taker) Done() <-chan struct{} { return t.done }

func (t *taker) Err() error { return t.err }
