// Command soak runs a gateway for a while, with publishers that are lost and come
// back all the time, and says whether its memory, goroutines and descriptors
// grow:
//
//	go run ./tools/soak --for 15m bin/weir clip.flv
package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"

	"weir/tools/program"
)

type options struct {
	Weir    string        `arg:"" help:"The gateway's program."`
	Clip    string        `arg:"" help:"The clip that is published in a loop, FLV or MP4."`
	Streams int           `default:"10" help:"How many streams."`
	For     time.Duration `default:"15m" help:"How long to measure, once all windows are full."`
	Every   time.Duration `default:"5s" help:"How often to look."`
	Life    time.Duration `default:"1m" help:"How long a publisher's connection lasts, at most. It is cut off then and comes back, or, every fourth time, ends on purpose."`
}

// settle is how long it takes until all windows are full: what is listed and what
// stays fetchable, some 70 s, and as much again for those who are interrupted.
const settle = 150 * time.Second

var errGrows = errors.New("it grows")

func main() {
	var o options
	kong.Parse(&o, kong.Description("Runs a gateway with publishers that come and go, and says what grows."))
	os.Exit(program.Run("soak", o.run)) //nolint:forbidigo // the exit status is main's to give.
}

func (o options) run(ctx context.Context) error {
	g, err := startGateway(ctx, o.Weir)
	if err != nil {
		return err
	}
	defer g.stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	publishers, ctx := errgroup.WithContext(ctx)
	for i := range o.Streams {
		publishers.Go(func() error { return o.publish(ctx, g, i) })
	}
	var seen series
	publishers.Go(func() error {
		defer cancel()
		var failed error
		seen, failed = o.measure(ctx, g)
		return failed
	})
	if err := publishers.Wait(); err != nil {
		return err
	}
	return seen.report(os.Stdout)
}

// measure looks at the gateway every so often.
func (o options) measure(ctx context.Context, g *gateway) (series, error) {
	var all series
	if !program.Wait(ctx, settle) {
		return all, nil
	}
	began := time.Now()
	tick := time.NewTicker(o.Every)
	defer tick.Stop()
	for time.Since(began) < o.For {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return all, nil
		}
		s, err := g.look(ctx)
		if err != nil {
			return all, err
		}
		s.at = time.Since(began)
		all = append(all, s)
	}
	return all, nil
}
