package plainhttp

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls of a loop. None of them waits, so the Go runtime is not told of
// them: it would wake its monitor for each.

// read reads what there is.
func read(fd int, into []byte) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(into))), uintptr(len(into))) //nolint:gosec // see above.
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// vectors is memory for what one call sends.
type vectors []unix.Iovec

// mostVectors is how many slices one call takes (IOV_MAX).
const mostVectors = 1024

// send sends some of bufs; more says that a file follows at once.
func (v *vectors) send(fd int, bufs [][]byte, more bool) (int, unix.Errno) {
	*v = (*v)[:0]
	for _, buf := range bufs[:min(len(bufs), mostVectors)] {
		if len(buf) == 0 {
			continue
		}
		one := unix.Iovec{Base: unsafe.SliceData(buf)} //nolint:gosec // see above.
		one.SetLen(len(buf))
		*v = append(*v, one)
	}
	message := unix.Msghdr{Iov: unsafe.SliceData(*v)} //nolint:gosec // see above.
	message.SetIovlen(len(*v))
	flags := unix.MSG_NOSIGNAL | unix.MSG_DONTWAIT
	if more {
		flags |= unix.MSG_MORE
	}
	n, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&message)), uintptr(flags)) //nolint:gosec // see above.
	runtime.KeepAlive(bufs)
	clear(*v) // it must not keep what was sent
	return int(n), errno
}

// sendFile sends some of file, which the kernel does not copy, and moves offset.
func sendFile(fd int, file *os.File, from int, offset *int64, size int64) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDFILE, uintptr(fd), uintptr(from), uintptr(unsafe.Pointer(offset)), uintptr(size-*offset), 0, 0) //nolint:gosec // see above.
	runtime.KeepAlive(file)
	return int(n), errno
}

// pollEvents looks what is ready in an epoll.
func pollEvents(epoll int, events []unix.EpollEvent) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0) //nolint:gosec // see above.
	return int(n), errno
}
