// Command ingest publishes one clip to many streams at once and says what that
// costs the gateway, which must take any key (auth.mode: open):
//
//	weir serve --auth.mode open --transcode.ladder source &
//	go run ./tools/ingest --streams 100 --pid $! clip.flv rtmp://127.0.0.1:1935/live/bench-
//	go run ./tools/ingest --streams 100 --pid $! clip.flv 'srt://127.0.0.1:9000?streamid=bench-'
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"

	"weir/pkg/publish"
	"weir/tools/ingest/srtcall"
	"weir/tools/process"
	"weir/tools/program"
	"weir/tools/scrape"
)

type options struct {
	File    string        `arg:"" help:"The clip, FLV or MP4; it is published in a loop."`
	URL     string        `arg:"" help:"Where to; each stream's number is appended."`
	Streams int           `default:"100" help:"How many streams."`
	Ramp    time.Duration `default:"10s" help:"Over how long they begin."`
	For     time.Duration `default:"60s" help:"How long to measure once all have begun."`
	PID     int           `help:"The gateway's process, to read what it costs."`
	Metrics string        `help:"The URL of the gateway's metrics, to read how much of its memory is media that can be fetched."`
}

func main() {
	var o options
	kong.Parse(&o, kong.Description("Publishes a clip to many streams and measures the gateway."))
	os.Exit(program.Run("ingest", o.run)) //nolint:forbidigo // the exit status is main's to give.
}

// load is what the publishers have done so far.
type load struct {
	bytes atomic.Int64
	// again counts the datagrams of SRT that had to be sent once more.
	again atomic.Int64
	// latest is the worst lateness of a publisher, in nanoseconds.
	latest atomic.Int64
}

func (l *load) add(bytes, again int64, late time.Duration) {
	l.bytes.Add(bytes)
	l.again.Add(again)
	for {
		worst := l.latest.Load()
		if int64(late) <= worst || l.latest.CompareAndSwap(worst, int64(late)) {
			return
		}
	}
}

// settle is how long it takes, once all have begun, until all that can be fetched is
// there: the window's 30 s, once more, and a segment.
const settle = 75 * time.Second

func (o options) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var l load
	publish := o.rtmp
	if strings.HasPrefix(o.URL, "srt:") {
		const spare = time.Minute
		clip, err := srtcall.Load(ctx, o.File, o.Ramp+settle+o.For+spare)
		if err != nil {
			return err
		}
		publish = func(ctx context.Context, url string, l *load) error {
			return srtcall.Send(ctx, url, clip, func(s srtcall.Sent) { l.add(int64(s.Bytes), int64(s.Again), s.Late) })
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	for i := range o.Streams {
		group.Go(func() error { return o.stream(ctx, i, &l, publish) })
	}
	group.Go(func() error {
		defer cancel()
		return o.measure(ctx, &l)
	})
	return group.Wait()
}

// stream is the stream i, which begins at its place in the ramp: all keyframes
// at once would be another test.
func (o options) stream(ctx context.Context, i int, l *load, publish func(context.Context, string, *load) error) error {
	if !program.Wait(ctx, o.Ramp*time.Duration(i)/time.Duration(o.Streams)) {
		return nil
	}
	err := publish(ctx, o.URL+strconv.Itoa(i), l)
	if err == nil && ctx.Err() == nil {
		err = errors.New("ended before its time")
	}
	if err != nil {
		return fmt.Errorf("stream %d: %w", i, err)
	}
	return nil
}

func (o options) rtmp(ctx context.Context, url string, l *load) error {
	var before int64
	return publish.Run(ctx, publish.Options{ //nolint:wrapcheck // stream wraps it.
		File: o.File, URL: url, Loop: true,
		Progress: func(p publish.Progress) {
			l.add(p.Bytes-before, 0, p.Late)
			before = p.Bytes
		},
	})
}

// measure waits for the ramp and for the windows to fill, and then looks at the
// gateway for a while.
func (o options) measure(ctx context.Context, l *load) error {
	if !program.Wait(ctx, o.Ramp+settle) {
		return nil
	}
	bytes, cpu, own := l.bytes.Load(), process.CPU(o.PID), process.Own()
	if !program.Wait(ctx, o.For) {
		return nil
	}
	per := float64(o.Streams) * o.For.Seconds()
	fmt.Fprintf(os.Stdout, "%d streams of %.2f Mb/s, at most %v late, %d datagrams sent again; generator %.2f %% of a core per stream\n", o.Streams,
		float64(l.bytes.Load()-bytes)*8/1e6/per, time.Duration(l.latest.Load()).Round(time.Millisecond), l.again.Load(), 100*(process.Own()-own).Seconds()/per)
	if o.PID == 0 {
		return nil
	}
	resident := float64(process.Resident(o.PID)) / (1 << 20) / float64(o.Streams)
	fmt.Fprintf(os.Stdout, "gateway: %.3f %% of a core per stream, %.2f MiB resident per stream\n",
		100*(process.CPU(o.PID)-cpu).Seconds()/per, resident)
	if o.Metrics == "" {
		return nil
	}
	const windows = "weir_stream_window_bytes"
	sums, err := scrape.Sums(ctx, o.Metrics, windows)
	if err != nil {
		return err //nolint:wrapcheck // it says all.
	}
	media := sums[windows] / (1 << 20) / float64(o.Streams)
	fmt.Fprintf(os.Stdout, "of which %.2f MiB are media that can be fetched, and %.2f MiB are not\n", media, resident-media)
	return nil
}
