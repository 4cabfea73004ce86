//go:build !linux

package libav

import (
	"context"
	"os"
)

// Worker is Run for a process of its own, on standard input and output. Limits
// and privileges are only given up on Linux.
func Worker(ctx context.Context, _ bool) error { return Run(ctx, os.Stdin, os.Stdout) }
