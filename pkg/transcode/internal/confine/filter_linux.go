package confine

import (
	"slices"

	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data (linux/seccomp.h). Arguments are 64 bits wide;
// on little-endian machines, which are all that a filter is written for, the low
// half comes first.
const (
	offsetNumber   = 0
	offsetArch     = 4
	offsetArgument = 16
)

// Values that a filter returns.
const (
	allow = unix.SECCOMP_RET_ALLOW
	deny  = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	// missing makes the C library fall back from clone3, whose flags a filter
	// cannot see, to clone.
	missing = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	kill    = unix.SECCOMP_RET_KILL_PROCESS
)

// program is the filter as the kernel runs it at each system call. pid is the
// process's own: it may signal itself alone, as Go's runtime and abort do.
func program(pid int) []unix.SockFilter {
	prog := []unix.SockFilter{
		load(offsetArch),
		// Another architecture's numbers mean other calls.
		skipIf(unix.BPF_JEQ, auditArch, 1, 0), result(kill),
		load(offsetNumber),
	}
	if alienNumbers != 0 {
		prog = append(prog, skipIf(unix.BPF_JGE, alienNumbers, 0, 1), result(deny))
	}
	for _, number := range slices.Concat(common(), ofMachine()) {
		prog = append(prog, skipIf(unix.BPF_JEQ, number, 0, 1), result(allow))
	}
	prog = append(prog, skipIf(unix.BPF_JEQ, unix.SYS_CLONE3, 0, 1), result(missing))
	// Threads, but no processes.
	prog = append(prog, skipIf(unix.BPF_JEQ, unix.SYS_CLONE, 0, 4),
		load(offsetArgument), skipIf(unix.BPF_JSET, unix.CLONE_THREAD, 0, 1), result(allow), result(deny))
	prog = append(prog, skipIf(unix.BPF_JEQ, unix.SYS_TGKILL, 0, 4),
		load(offsetArgument), skipIf(unix.BPF_JEQ, uint32(pid), 0, 1), result(allow), result(deny))
	// Go and C libraries name threads and memory.
	prog = append(prog, skipIf(unix.BPF_JEQ, unix.SYS_PRCTL, 0, 5),
		load(offsetArgument), skipIf(unix.BPF_JEQ, unix.PR_SET_NAME, 1, 0),
		skipIf(unix.BPF_JEQ, unix.PR_SET_VMA, 0, 1), result(allow), result(deny))
	// A descriptor's flags, and never its owner: F_SETOWN and F_SETSIG would
	// have the kernel send any signal to any process of the same user.
	prog = append(prog, skipIf(unix.BPF_JEQ, unix.SYS_FCNTL, 0, 7), load(offsetArgument+8),
		skipIf(unix.BPF_JEQ, unix.F_GETFD, 3, 0), skipIf(unix.BPF_JEQ, unix.F_SETFD, 2, 0),
		skipIf(unix.BPF_JEQ, unix.F_GETFL, 1, 0), skipIf(unix.BPF_JEQ, unix.F_SETFL, 0, 1), result(allow), result(deny))
	// Memory, but none that executes: whoever breaks in brings no code.
	for _, number := range []uint32{unix.SYS_MMAP, unix.SYS_MPROTECT} {
		prog = append(prog, skipIf(unix.BPF_JEQ, number, 0, 4),
			load(offsetArgument+16), skipIf(unix.BPF_JSET, unix.PROT_EXEC, 1, 0), result(allow), result(deny))
	}
	return append(prog, result(deny))
}

// common is what every machine's worker needs: memory, threads, time, its pipes
// and the poller that waits for them, and to end.
func common() []uint32 {
	return []uint32{
		unix.SYS_READ, unix.SYS_WRITE, unix.SYS_READV, unix.SYS_WRITEV, unix.SYS_PREAD64,
		unix.SYS_CLOSE, unix.SYS_FSTAT, unix.SYS_LSEEK,
		unix.SYS_MUNMAP, unix.SYS_MADVISE, unix.SYS_MREMAP, unix.SYS_BRK,
		unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK,
		unix.SYS_FUTEX, unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_GETCPU, unix.SYS_MEMBARRIER,
		unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_GETTID, unix.SYS_GETPID,
		unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_GETRES, unix.SYS_GETTIMEOFDAY,
		unix.SYS_GETRANDOM, unix.SYS_GETRUSAGE, unix.SYS_RESTART_SYSCALL, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
		unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EVENTFD2, unix.SYS_PIPE2, unix.SYS_PPOLL,
	}
}

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

func result(value uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: value}
}

// skipIf leaves out so many of the next instructions if the comparison of what
// was loaded with value holds, and so many others if it does not.
func skipIf(comparison uint16, value uint32, holds, otherwise uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | comparison | unix.BPF_K, Jt: holds, Jf: otherwise, K: value}
}
