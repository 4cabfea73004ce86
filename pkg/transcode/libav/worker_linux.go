package libav

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"weir/pkg/transcode/internal/confine"
)

const (
	// memoryLimit bounds the writable memory of a worker, in bytes. A 1080p
	// ladder takes 0.25 GB, one from 2160p about 1 GB.
	memoryLimit = 4 << 30
	// descriptorLimit is above what Go's runtime and libav open.
	descriptorLimit = 64
	// niceness lets the gateway go first: a late worker is behind by a
	// picture, a late gateway is late for every viewer. No more than that: at
	// 5, other programs on a busy machine starve the encoders.
	niceness = 1
)

// Worker is Run for a process of its own: it gives up what a worker does not
// need, then serves the gateway on standard input and output until it is done
// or ctx ends. Nothing else may be written to standard output. If open is true
// it keeps its system calls, which drivers of hardware encoders want.
func Worker(ctx context.Context, open bool) error {
	if err := restrict(); err != nil {
		return err
	}
	if !open {
		if err := enter(); err != nil {
			return err
		}
	}
	// Go can only interrupt a read of a descriptor that it may poll.
	if err := unix.SetNonblock(unix.Stdin, true); err != nil {
		return fmt.Errorf("make standard input interruptible: %w", err)
	}
	in := os.NewFile(uintptr(unix.Stdin), "stdin")
	defer func() { _ = in.Close() }()
	return Run(ctx, in, os.Stdout)
}

// restrict gives up privileges for the rest of the process's life.
func restrict() error {
	for _, limit := range []struct {
		what  string
		which int
		value uint64
	}{
		{"core dumps", unix.RLIMIT_CORE, 0},
		{"memory", unix.RLIMIT_DATA, memoryLimit},
		{"descriptors", unix.RLIMIT_NOFILE, descriptorLimit},
	} {
		var now unix.Rlimit
		if err := unix.Getrlimit(limit.which, &now); err != nil {
			return fmt.Errorf("read the limit of %s: %w", limit.what, err)
		}
		to := min(limit.value, now.Max)
		if err := unix.Setrlimit(limit.which, &unix.Rlimit{Cur: to, Max: to}); err != nil {
			return fmt.Errorf("limit %s: %w", limit.what, err)
		}
	}
	// With this, no program that is started can gain privileges.
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", err)
	}
	// Descriptors that were inherited by mistake go; Go's own are still to
	// come or are marked and do not matter.
	closeInherited()
	yield()
	return nil
}

// enter confines the process where the system can; where it cannot, the gateway
// logs why.
func enter() error {
	err := confine.Enter()
	if errors.Is(err, confine.ErrUnavailable) {
		_, _ = fmt.Fprintf(os.Stderr, "the worker is not confined as it should be: %v\n", err)
		return nil
	}
	return err
}

// yield makes every thread of the process nice, as on Linux that is a thread's
// own; those to come inherit it. It is a courtesy: a container may not allow it.
func yield() {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, task := range tasks {
		if id, err := strconv.Atoi(task.Name()); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, id, niceness)
		}
	}
}

// closeInherited closes descriptors above standard error that survive an exec,
// which those of this process's own making do not.
func closeInherited() {
	for fd := 3; fd < descriptorLimit; fd++ {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			_ = unix.Close(fd)
		}
	}
}
