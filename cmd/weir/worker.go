package main

import (
	"context"
	"errors"

	"weir/pkg/transcode/libav"
)

type workerCommand struct {
	Open bool `help:"Keep all system calls, which drivers of hardware encoders need."`
}

// Run serves the gateway at the other end of the process's own standard input
// and output, which the worker makes interruptible.
func (c workerCommand) Run(ctx context.Context) error {
	err := libav.Worker(ctx, c.Open)
	if errors.Is(err, context.Canceled) {
		return nil // the gateway asked it to leave
	}
	return err
}
