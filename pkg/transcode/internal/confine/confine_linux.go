package confine

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
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
// signals to others. What is refused fails with EPERM. A process of root becomes
// nobody's first. The error wraps ErrUnavailable where the kernel or the machine
// lacks a part of it; what there is has been done then.
func Enter() error {
	root := leaveRoot()
	if err := filterCalls(); err != nil {
		return err
	}
	return root
}

// nobody is the user and the group without any rights (65534 by custom).
const nobody = 65534

// leaveRoot gives up root, its groups and its capabilities on all threads.
func leaveRoot() error {
	if os.Geteuid() != 0 {
		return nil
	}
	// Those of package syscall act on every thread.
	err := syscall.Setgroups(nil)
	if err == nil {
		err = syscall.Setresgid(nobody, nobody, nobody)
	}
	if err == nil {
		err = syscall.Setresuid(nobody, nobody, nobody)
	}
	if err != nil {
		return fmt.Errorf("%w: root cannot be left: %w", ErrUnavailable, err)
	}
	return nil
}

// filterCalls installs the filter of system calls.
func filterCalls() error {
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
