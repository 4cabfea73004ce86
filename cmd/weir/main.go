// Command weir is a live gateway: it takes a stream from an encoder and serves
// it to viewers.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"weir/pkg/config"
)

// console is what a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
}

// commands is the command line.
type commands struct {
	Serve       serveCommand   `cmd:"" help:"Run the gateway."`
	Publish     publishCommand `cmd:"" help:"Publish a file to an RTMP server in real time, as an encoder would."`
	Verify      verifyCommand  `cmd:"" help:"Watch a live stream and hold it to the rules of HLS, DASH, CMAF and HTTP."`
	CheckConfig checkCommand   `cmd:"" name:"check-config" help:"Report every mistake in the configuration, or show it without its secrets."`
	Keys        keysCommand    `cmd:"" help:"Make, list, rotate and revoke stream keys."`
	Tokens      tokensCommand  `cmd:"" help:"Make, list and revoke the API's tokens."`
	Drain       drainCommand   `cmd:"" help:"Let the publishers of a running gateway leave, and no others in, before it is stopped."`
	Health      healthCommand  `cmd:"" help:"Ask a running gateway whether it is alive, for container health checks."`
	Version     versionCommand `cmd:"" help:"Show the versions of Weir and of what it was built with."`
	Worker      workerCommand  `cmd:"" hidden:"" help:"Encode one stream for the gateway that started this process."`
}

func main() {
	err := run(context.Background(), os.Args[1:], console{os.Stdin, os.Stdout, os.Stderr, os.Environ()})
	if err != nil {
		fmt.Fprintln(os.Stderr, "weir:", err)
		os.Exit(1)
	}
}

// run is main without the process: it parses and runs one command.
func run(ctx context.Context, args []string, c console) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The second signal has its default effect: it ends the process at once.
	context.AfterFunc(ctx, stop)

	flags := config.NewFlags()
	var cli commands
	cli.Serve.Plugins = kong.Plugins{flags.Struct()}
	command, err := parse(&cli, args, c)
	if err != nil || command == nil {
		return err
	}
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run(flags, c)
}

// helped is what kong panics with where it would end the process, having shown
// the help.
type helped struct{}

// parse returns nil without an error if all that was asked for is help.
func parse(cli *commands, args []string, c console) (command *kong.Context, err error) {
	parser, err := kong.New(cli,
		kong.Name("weir"),
		kong.Description("A live gateway: RTMP and SRT in, HLS and DASH out."),
		kong.Writers(c.out, c.err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(int) { panic(helped{}) }),
	)
	if err != nil {
		return nil, fmt.Errorf("set up the command line: %w", err)
	}
	defer func() {
		if cause := recover(); cause != nil && cause != (helped{}) {
			panic(cause)
		}
	}()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err = parser.Parse(args)
	if err != nil {
		return nil, errors.Join(err, errors.New("weir --help lists the commands and their flags"))
	}
	return command, nil
}
