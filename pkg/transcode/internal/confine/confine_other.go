//go:build !linux

package confine

import (
	"fmt"
	"runtime"
)

// Enter is for Linux only; elsewhere the error wraps ErrUnavailable.
func Enter() error { return fmt.Errorf("%w on %s", ErrUnavailable, runtime.GOOS) }
