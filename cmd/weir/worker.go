package main

import (
	"context"

	"weir/pkg/transcode/libav"
)

type workerCommand struct{}

// Run serves the gateway at the other end of standard input and output.
func (workerCommand) Run(ctx context.Context, c console) error {
	return libav.Run(ctx, c.in, c.out)
}
