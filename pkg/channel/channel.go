package channel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"weir/pkg/publish"
)

// ErrOccupied is for Config.Dial: the stream has another publisher now.
var ErrOccupied = errors.New("an encoder publishes the stream, the channel goes on when it has left")

// Config says what a channel plays, and where to.
type Config struct {
	// Stream is the name of the stream, and the key that is given.
	Stream string
	// Files are FLV or MP4 files, at least one. They are read as they are
	// played, and may be replaced in between.
	Files []string
	// Dial opens a connection to an RTMP server. Its error may be ErrOccupied.
	Dial func(ctx context.Context) (net.Conn, error)
	// Log must not be nil.
	Log *slog.Logger
}

const (
	// tryEvery is how long a channel waits after it was interrupted, or found no
	// file that it can play, before it tries again.
	tryEvery = 2 * time.Second
	// application is what Weir's encoders give as well.
	application = "live"
)

// channel is a running one.
type channel struct {
	Config
	// next is the file to go on with.
	next int
	// said is the last complaint, which is not repeated.
	said string
}

// Run plays until ctx ends; then it hangs up, so that the stream is interrupted
// and does not end. What goes wrong is logged and tried again: a file that cannot
// be read is passed over, an interruption goes on with the file that it was in, from
// its beginning.
func Run(ctx context.Context, cfg Config) {
	c := &channel{Config: cfg}
	wait := time.NewTicker(tryEvery)
	defer wait.Stop()
	for ctx.Err() == nil {
		c.complain(ctx, c.play(ctx))
		select {
		case <-wait.C:
		case <-ctx.Done():
		}
	}
}

// play publishes what can be played until that is interrupted.
func (c *channel) play(ctx context.Context) error {
	order, broken := c.playable()
	if len(order) == 0 {
		return broken
	}
	c.complain(ctx, broken)
	files := make([]string, len(order))
	for i, number := range order {
		files[i] = c.Files[number]
	}
	hungUp := ctx
	// The end of its context would have it say that the stream is over.
	return publish.Run(context.WithoutCancel(ctx), publish.Options{ //nolint:wrapcheck // it names the file or the server's words.
		File: files[0], Then: files[1:], Loop: true,
		URL:      "rtmp://weir/" + application + "/" + c.Stream,
		Progress: func(p publish.Progress) { c.next = order[(p.Round-1)%int64(len(order))] },
		Dial: func(ctx context.Context, _ publish.Target) (net.Conn, error) {
			conn, err := c.Dial(ctx)
			if err != nil {
				return nil, err
			}
			return &line{Conn: conn, release: context.AfterFunc(hungUp, func() { _ = conn.Close() })}, nil
		},
	})
}

// playable are the numbers of the files that can be read, from the next one on;
// the error names the others.
func (c *channel) playable() (order []int, err error) {
	var broken []error
	for i := range c.Files {
		number := (c.next + i) % len(c.Files)
		if wrong := publish.Check(c.Files[number]); wrong != nil {
			broken = append(broken, wrong)
			continue
		}
		order = append(order, number)
	}
	if len(broken) > 0 {
		err = fmt.Errorf("%d of %d files cannot be played: %w", len(broken), len(c.Files), errors.Join(broken...))
	}
	return order, err
}

// complain logs what is wrong, once as long as it stays the same.
func (c *channel) complain(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil || err.Error() == c.said {
		return
	}
	c.said = err.Error()
	level := slog.LevelWarn
	if errors.Is(err, ErrOccupied) {
		level = slog.LevelInfo
	}
	c.Log.Log(ctx, level, "channel interrupted", slog.String("stream", c.Stream), slog.Any("error", err))
}

// line is a connection that is closed when the channel is to hang up.
type line struct {
	net.Conn

	release func() bool
}

// Close closes the connection, and has nothing wait for the channel's end any more.
func (l *line) Close() error {
	l.release()
	return l.Conn.Close() //nolint:wrapcheck // it stands in for the connection.
}
