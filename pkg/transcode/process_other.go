//go:build !linux

package transcode

import "syscall"

// sysProcAttr asks for nothing: where the kernel has no death signal, a worker
// notices the end of the gateway by the end of its input.
func sysProcAttr() *syscall.SysProcAttr { return nil }
