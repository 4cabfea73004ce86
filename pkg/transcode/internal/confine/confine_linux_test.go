package confine_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/pkg/transcode/internal/confine"
)

// deedEnv makes the test program confine itself and try the deed.
const deedEnv = "WEIR_TEST_DEED"

// refused is what a test process exits with if the system call was denied.
const refused = 42

func TestMain(m *testing.M) {
	if deed := os.Getenv(deedEnv); deed != "" {
		//nolint:forbidigo // The exit status is what the test looks at.
		os.Exit(try(deed))
	}
	m.Run()
}

// deeds are what an attacker would do first.
func deeds() map[string]func() error {
	return map[string]func() error{
		"read a file":   func() error { _, err := os.ReadFile("/etc/passwd"); return err },
		"write a file":  func() error { return os.WriteFile(filepath.Join(os.TempDir(), "weir-confine"), nil, 0o600) },
		"list a folder": func() error { _, err := os.ReadDir("/"); return err },
		"listen":        func() error { _, err := net.Listen("tcp", "127.0.0.1:0"); return err },
		"make a socket": func() error { _, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0); return err },
		"run a program": func() error { return exec.Command("/bin/true").Run() },
		"exec":          func() error { return syscall.Exec("/bin/true", []string{"true"}, nil) },
		"fork": func() error {
			_, _, errno := unix.RawSyscall(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0)
			return errno
		},
		"trace":             func() error { return unix.PtraceAttach(os.Getppid()) },
		"kill its parent":   func() error { return unix.Kill(os.Getppid(), 0) },
		"signal its parent": func() error { return unix.Tgkill(os.Getppid(), os.Getppid(), 0) },
		"own its pipe's signals": func() error {
			_, err := unix.FcntlInt(0, unix.F_SETOWN, os.Getppid())
			return err
		},
		"map code": func() error {
			_, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
			return err
		},
		"be root": func() error {
			if os.Geteuid() == 0 || os.Getegid() == 0 {
				return nil
			}
			return unix.EPERM
		},
		"become root":          func() error { return syscall.Setuid(0) },
		"limit its parent":     func() error { return unix.Prlimit(os.Getppid(), unix.RLIMIT_CORE, nil, &unix.Rlimit{}) },
		"be dumpable":          func() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) },
		"use io_uring":         func() error { return call(unix.SYS_IO_URING_SETUP) },
		"load a BPF program":   func() error { return call(unix.SYS_BPF) },
		"read another process": func() error { return call(unix.SYS_PROCESS_VM_READV) },
		"mount":                func() error { return unix.Mount("x", "/", "tmpfs", 0, "") },
	}
}

func call(number uintptr) error {
	if _, _, errno := unix.Syscall(number, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// try confines the process and does the deed on another thread than the one
// that asked for it.
func try(deed string) int {
	busy := threads()
	if err := confine.Enter(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	busy()
	if deed == "work" {
		return work()
	}
	if err := deeds()[deed](); !errors.Is(err, unix.EPERM) {
		fmt.Fprintln(os.Stderr, "not refused:", err)
		return 1
	}
	return refused
}

// threads starts some and returns what ends them: the filter has to reach those
// that were there before it.
func threads() (end func()) {
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			runtime.LockOSThread()
			<-stop
		})
	}
	return func() { close(stop); all.Wait() }
}

// work is what has to go on: new threads, memory, timers, pipes.
func work() int {
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			runtime.LockOSThread() // not unlocked: the thread ends with it
			for range 20 {
				_ = make([]byte, 1<<20)
			}
			<-time.After(time.Millisecond)
		})
	}
	all.Wait()
	runtime.GC()
	r, w, err := os.Pipe()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go func() { _, _ = w.WriteString("through") }()
	data := make([]byte, 7)
	if _, err := r.Read(data); err != nil || string(data) != "through" {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func TestConfinedProcess(t *testing.T) {
	want := map[string]int{"work": 0}
	for deed := range deeds() {
		want[deed] = refused
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for deed, status := range want {
		t.Run(deed, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), deedEnv+"="+deed)
			out, err := cmd.CombinedOutput()
			if strings.Contains(string(out), confine.ErrUnavailable.Error()) {
				t.Skipf("SKIPPED: %s", out)
			}
			if got := cmd.ProcessState.ExitCode(); got != status {
				t.Errorf("exit status %d (%v), want %d: %s", got, err, status, out)
			}
		})
	}
}
