package publish

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Options says what to publish, where and how.
type Options struct {
	// File is an FLV file with any codecs, or an MP4 file with H.264 and AAC.
	File string
	// Then are files that follow it; with Loop, File follows the last one.
	Then []string
	// Tracks are files whose video is sent beside that of File, as further tracks
	// (Enhanced RTMP's multitrack): the same pictures at other qualities, with
	// the same times and keyframes.
	Tracks []string
	// URL is rtmp://host[:port]/application/key or rtmps://….
	URL string
	// Loop publishes the file, or all of them in turn, again and again.
	Loop bool
	// Speed is how much faster than real time to go; 0 means 1.
	Speed float64
	// From is the RTMP time in milliseconds at which each connection begins: an
	// encoder may begin anywhere, and the time wraps after 49 days.
	From uint32
	// Retry connects again when the connection is lost or cannot be made,
	// and goes on at the next keyframe. A stream that was rejected before it
	// began stays so.
	Retry bool
	// Log hears of lost and new connections; nil for silence.
	Log *slog.Logger
	// Progress is called about once a second while media flows, from Run's
	// goroutine; nil for no reports.
	Progress func(Progress)
	// Picture is called after each picture has been handed to the connection,
	// with the time when that began; nil for no reports.
	Picture func(at time.Time)
	// Dial opens the connection; nil means TCP, with TLS where the target is
	// secure.
	Dial func(ctx context.Context, target Target) (net.Conn, error)
}

// Progress is what has been published so far.
type Progress struct {
	// Media is how much media time has been sent, over all rounds.
	Media time.Duration
	// Bytes counts the bytes of audio and video.
	Bytes int64
	// Round is 1 for the first file that is played, 2 for the next one or, where
	// there is only one, for its second time.
	Round int64
	// Late is how far sending is behind the media's own clock.
	Late time.Duration
}

const (
	connectTimeout = 10 * time.Second
	mostRetryWait  = 10 * time.Second
	progressEvery  = time.Second
)

// Run publishes until the file has ended (never with Loop) or ctx ends; both
// end the stream on purpose and return nil. An error is a *RejectedError where
// the server refused the stream.
func Run(ctx context.Context, o Options) error {
	target, err := ParseTarget(o.URL)
	if err != nil {
		return err
	}
	if o.Speed == 0 {
		o.Speed = 1
	}
	if o.Speed < 0 || math.IsNaN(o.Speed) || math.IsInf(o.Speed, 0) {
		return fmt.Errorf("a speed of %v is impossible; write a number such as 1", o.Speed)
	}
	if o.Dial == nil {
		o.Dial = dial
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	clips, files, err := openInTurn(o)
	if err != nil {
		return err
	}
	p := &publisher{options: o, target: target, media: newLoop(clips, o.Loop)}
	err = p.run(ctx)
	if ctx.Err() != nil {
		err = nil // Whatever failed, it failed because it was to end.
	}
	return errors.Join(err, files.Close())
}

// dial opens a TCP connection, with TLS where the target is secure.
func dial(ctx context.Context, target Target) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if target.Secure {
		conn, err := (&tls.Dialer{}).DialContext(ctx, "tcp", target.Address)
		if err != nil {
			return nil, fmt.Errorf("connect to %s with TLS: %w", target.Address, err)
		}
		return conn, nil
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", target.Address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w; is the server running?", target.Address, err)
	}
	return conn, nil
}

// publisher publishes one file over as many connections as it takes.
type publisher struct {
	options Options
	target  Target
	media   *loop
	// headers are the last of each kind and track, metadata first, then video; a
	// new connection begins with them.
	headers []packet
	// pending was read but not sent.
	pending  *packet
	progress Progress
	// accepted is whether any connection got as far as media.
	accepted bool
}

// run connects as often as it may.
func (p *publisher) run(ctx context.Context) error {
	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = mostRetryWait
	for {
		begin := time.Now()
		err := p.once(ctx)
		if err == nil || !p.again(err) {
			return err
		}
		// Two publishers that take over from each other do so ever more
		// slowly.
		if time.Since(begin) > mostRetryWait {
			wait.Reset()
		}
		pause := wait.NextBackOff()
		p.options.Log.Warn("the stream is interrupted and will be resumed",
			slog.Any("error", err), slog.Duration("in", pause))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

// again says whether to connect again after err.
func (p *publisher) again(err error) bool {
	var broken *clipError
	var rejected *RejectedError
	return p.options.Retry && !errors.As(err, &broken) && (p.accepted || !errors.As(err, &rejected))
}

// clipError is an error of the file, which no new connection mends.
type clipError struct{ err error }

func (e *clipError) Error() string { return e.err.Error() }
func (e *clipError) Unwrap() error { return e.err }

// once publishes over one connection.
func (p *publisher) once(ctx context.Context) error {
	conn, err := p.options.Dial(ctx, p.target)
	if err != nil {
		return err
	}
	c, err := converse(ctx, conn, p.target)
	if err != nil {
		return err
	}
	p.accepted = true
	p.options.Log.Info("publishing", slog.String("to", p.target.String()))
	if err := p.stream(ctx, c); err != nil {
		c.hangUp()
		return err
	}
	// The farewell has a deadline of its own.
	return c.farewell(context.WithoutCancel(ctx))
}

// stream sends media until the clip or ctx ends.
func (p *publisher) stream(ctx context.Context, c *conversation) error {
	for _, header := range p.headers {
		if err := c.send(ctx, header, 0); err != nil {
			return err
		}
	}
	clock := pace{speed: p.options.Speed, from: p.options.From, last: p.options.From, resumed: p.progress.Bytes > 0, video: p.media.whole.video}
	for ctx.Err() == nil {
		next, err := p.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return &clipError{err}
		}
		if !next.header && !clock.start(next) {
			continue
		}
		if !clock.wait(ctx, c.ended, next) {
			p.pending = &next
			break
		}
		sent := time.Now()
		if err := c.send(ctx, next, clock.stamp(&next)); err != nil && ctx.Err() == nil {
			return err
		}
		p.report(next, sent, clock.late())
	}
	if ctx.Err() == nil {
		return c.lost()
	}
	return nil
}

// next is the next packet of the clip, and remembers headers.
func (p *publisher) next() (packet, error) {
	if p.pending != nil {
		next := *p.pending
		p.pending = nil
		return next, nil
	}
	next, err := p.media.next()
	if err == nil && next.header {
		p.remember(next)
	}
	return next, err
}

// remember puts a header in the place of the one before it.
func (p *publisher) remember(header packet) {
	at, there := slices.BinarySearchFunc(p.headers, header, func(a, b packet) int {
		return cmp.Or(cmp.Compare(b.kind, a.kind), cmp.Compare(a.track, b.track)) // the kinds' numbers fall
	})
	if there {
		p.headers[at] = header
		return
	}
	p.headers = slices.Insert(p.headers, at, header)
}

// report tells about a picture that was sent at a time, counts a packet, and tells
// about all once a second.
func (p *publisher) report(sent packet, at time.Time, late time.Duration) {
	if sent.header {
		return
	}
	if sent.kind == kindVideo && p.options.Picture != nil {
		p.options.Picture(at)
	}
	before := p.progress.Media
	p.progress.Media = max(before, sent.time)
	p.progress.Bytes += int64(len(sent.body))
	p.progress.Round = p.media.round + 1
	p.progress.Late = late
	if p.options.Progress != nil && before/progressEvery != p.progress.Media/progressEvery {
		p.options.Progress(p.progress)
	}
}
