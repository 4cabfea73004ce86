package confine

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// seccompSetModeFilter and its flag are of seccomp(2); TSYNC puts the filter on
// every thread of the process, those of native libraries too.
const (
	seccompSetModeFilter = 1
	seccompFlagTSYNC     = 1
)

// Enter gives up, for the rest of the process's life and on all of its threads,
// every system call that computing and talking over open descriptors does not
// need: opening files, sockets, starting programs and processes, tracing,
// signals to others. What is refused fails with EPERM. The error wraps
// ErrUnavailable where the kernel or the machine has no such filters.
func Enter() error {
	if auditArch == 0 {
		return fmt.Errorf("%w: no filter is written for %s", ErrUnavailable, runtime.GOARCH)
	}
	// no_new_privs is a thread's own, and a goroutine may have changed threads
	// since anybody set it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	filter := program(os.Getpid())
	p := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	//nolint:gosec // The kernel copies the filter before the call returns.
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, seccompSetModeFilter, seccompFlagTSYNC, uintptr(unsafe.Pointer(&p)))
	runtime.KeepAlive(filter)
	switch {
	case errors.Is(errno, unix.ENOSYS), errors.Is(errno, unix.EINVAL):
		return fmt.Errorf("%w: the kernel has no seccomp filters", ErrUnavailable)
	case errno != 0:
		return fmt.Errorf("install the seccomp filter: %w", errno)
	case thread != 0:
		return fmt.Errorf("install the seccomp filter: thread %d has another one", thread)
	}
	return nil
}
