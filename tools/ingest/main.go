// Command ingest publishes one clip to many streams at once and says what that
// costs the gateway, which must take any key (auth.mode: open):
//
//	weir serve --auth.mode open --transcode.ladder source &
//	go run ./tools/ingest --streams 100 --pid $! clip.flv rtmp://127.0.0.1:1935/live/bench-
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"

	"weir/pkg/publish"
	"weir/tools/process"
	"weir/tools/program"
)

type options struct {
	File    string        `arg:"" help:"The clip, FLV or MP4; it is published in a loop."`
	URL     string        `arg:"" help:"Where to; each stream's number is appended."`
	Streams int           `default:"100" help:"How many streams."`
	Ramp    time.Duration `default:"10s" help:"Over how long they begin."`
	For     time.Duration `default:"60s" help:"How long to measure once all have begun."`
	PID     int           `help:"The gateway's process, to read what it costs."`
}

func main() {
	var o options
	kong.Parse(&o, kong.Description("Publishes a clip to many streams and measures the gateway."))
	os.Exit(program.Run("ingest", o.run)) //nolint:forbidigo // the exit status is main's to give.
}

// load is what the publishers have done so far.
type load struct {
	bytes atomic.Int64
	// latest is the worst lateness of a publisher, in nanoseconds.
	latest atomic.Int64
}

func (o options) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	var l load
	for i := range o.Streams {
		group.Go(func() error { return o.publish(ctx, i, &l) })
	}
	group.Go(func() error {
		defer cancel()
		o.measure(ctx, &l)
		return nil
	})
	return group.Wait()
}

// publish is the stream i, which begins at its place in the ramp: all keyframes
// at once would be another test.
func (o options) publish(ctx context.Context, i int, l *load) error {
	if !program.Wait(ctx, o.Ramp*time.Duration(i)/time.Duration(o.Streams)) {
		return nil
	}
	var before int64
	err := publish.Run(ctx, publish.Options{
		File: o.File, URL: o.URL + strconv.Itoa(i), Loop: true,
		Progress: func(p publish.Progress) {
			l.bytes.Add(p.Bytes - before)
			before = p.Bytes
			if late := int64(p.Late); late > l.latest.Load() {
				l.latest.Store(late)
			}
		},
	})
	if err == nil && ctx.Err() == nil {
		err = errors.New("ended before its time")
	}
	if err != nil {
		return fmt.Errorf("stream %d: %w", i, err)
	}
	return nil
}

// measure waits for the ramp and for the windows to fill, and then looks at the
// gateway for a while.
func (o options) measure(ctx context.Context, l *load) {
	const settle = 75 * time.Second // all that can be fetched: the window's 30 s, once more, and a segment
	if !program.Wait(ctx, o.Ramp+settle) {
		return
	}
	bytes, cpu, own := l.bytes.Load(), process.CPU(o.PID), process.Own()
	if !program.Wait(ctx, o.For) {
		return
	}
	per := float64(o.Streams) * o.For.Seconds()
	fmt.Fprintf(os.Stdout, "%d streams of %.2f Mb/s, at most %v late; generator %.2f %% of a core per stream\n", o.Streams,
		float64(l.bytes.Load()-bytes)*8/1e6/per, time.Duration(l.latest.Load()).Round(time.Millisecond), 100*(process.Own()-own).Seconds()/per)
	if o.PID > 0 {
		fmt.Fprintf(os.Stdout, "gateway: %.3f %% of a core per stream, %.2f MiB resident per stream\n",
			100*(process.CPU(o.PID)-cpu).Seconds()/per, float64(process.Resident(o.PID))/(1<<20)/float64(o.Streams))
	}
}
