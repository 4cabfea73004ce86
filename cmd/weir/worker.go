package main

import (
	"context"

	"weir/pkg/transcode/libav"
)

type workerCommand struct{}

// Run serves the gateway at the other end of the process's own standard input
// and output, which the worker makes interruptible.
func (workerCommand) Run(ctx context.Context) error {
	return libav.Worker(ctx)
}
