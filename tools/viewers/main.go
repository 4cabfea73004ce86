// Command viewers is many viewers of one stream, on this machine, and says how they
// fare and what they cost the gateway. It publishes the clip itself, so that it
// knows when each picture was sent:
//
//	weir serve --auth.mode open --transcode.ladder source &
//	go run ./tools/viewers parts --viewers 1000 --pid $! --clip clip.flv \
//	    --publish rtmp://127.0.0.1:1935/live/main http://127.0.0.1:8080/live/main/index.m3u8
//
// There are three kinds of viewers: "parts" are low-latency players, "wait" holds
// all of them on one playlist again and again, "plain" fetch whole segments.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/alecthomas/kong"

	"weir/tools/program"
)

func main() {
	var o options
	command := kong.Parse(&o, kong.Description("Watches a stream many times over and measures the gateway."))
	os.Exit(program.Run("viewers", func(ctx context.Context) error { //nolint:forbidigo // the exit status is main's to give.
		command.BindTo(ctx, (*context.Context)(nil))
		return command.Run() //nolint:wrapcheck // kong hands on what the subcommand says.
	}))
}

type options struct {
	Parts partsCommand `cmd:"" help:"Low-latency players: blocking reloads, each part as it was hinted at."`
	Wait  waitCommand  `cmd:"" help:"Clients that wait for one playlist, again and again."`
	Plain plainCommand `cmd:"" help:"Players of whole segments."`
}

// load is what the three have in common.
type load struct {
	URL     string        `arg:"" help:"The multivariant playlist."`
	Viewers int           `default:"1000" help:"How many viewers, at most 20000."`
	Ramp    time.Duration `default:"5s" help:"Over how long they begin."`
	For     time.Duration `default:"30s" help:"How long to measure once all have begun."`
	Clip    string        `help:"A clip to publish in a loop, FLV or MP4, of a constant frame rate."`
	Publish string        `help:"Where to, an rtmp:// address."`
	PID     []int         `name:"pid" help:"The gateway's processes, to read what they cost."`
}

type partsCommand struct{ load }

// Run is called by kong.
func (c *partsCommand) Run(ctx context.Context) error {
	return c.show(ctx, func(ctx context.Context, s *stage) (fmt.Stringer, error) { return c.parts(ctx, s) })
}

type waitCommand struct{ load }

// Run is called by kong.
func (c *waitCommand) Run(ctx context.Context) error {
	return c.show(ctx, func(ctx context.Context, s *stage) (fmt.Stringer, error) { return c.wait(ctx, s) })
}

type plainCommand struct{ load }

// Run is called by kong.
func (c *plainCommand) Run(ctx context.Context) error {
	return c.show(ctx, func(ctx context.Context, s *stage) (fmt.Stringer, error) { return c.plain(ctx, s) })
}

func (l *load) show(ctx context.Context, measure func(context.Context, *stage) (fmt.Stringer, error)) error {
	return l.onStage(ctx, func(ctx context.Context, s *stage) error {
		result, err := measure(ctx, s)
		if err == nil {
			fmt.Fprintln(os.Stdout, result)
		}
		return err
	})
}
