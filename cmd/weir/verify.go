package main

import (
	"context"
	"errors"
	"time"

	"weir/pkg/verify"
)

type verifyCommand struct {
	URL      string        `arg:"" help:"A live stream: http://HOST:8080/live/NAME/, its index.m3u8 or its manifest.mpd."`
	Duration time.Duration `default:"10s" help:"How long to watch."`
}

// errBroken makes the command fail; the table has said why.
var errBroken = errors.New("the stream breaks rules; docs/verify.md says what they mean")

// Run watches the stream and prints what every rule found.
func (v *verifyCommand) Run(ctx context.Context, c console) error {
	report, err := verify.Run(ctx, v.URL, verify.Options{Duration: v.Duration})
	if err != nil {
		return err
	}
	if err := report.Print(c.out); err != nil {
		return err
	}
	if len(report.Failed()) > 0 {
		return errBroken
	}
	return nil
}
