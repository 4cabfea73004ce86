package rtmp

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"weir/pkg/ingest"
)

// ticked is a TCP connection that is read and written at [ingest.Tick]. An encoder sends
// some 80 access units a second, each by itself: to be woken for each costs more than all
// that is done with them. Go's poller, which would do that for each packet, does not know
// it. On average media is delayed by half a tick, a seventieth of a part. All methods but those that set deadlines are one goroutine's.
type ticked struct {
	descriptor    int // -1 once closed
	local, remote net.Addr
	// readBy and writeBy are deadlines, in nanoseconds of Unix time; 0 for none. They
	// are noticed at a tick.
	readBy, writeBy atomic.Int64
	// empty: the last read has taken all that there was.
	empty bool
}

// newTicked takes over the connection of from, which it closes.
func newTicked(from *net.TCPConn) (*ticked, error) {
	raw, err := from.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("take over a connection: %w", err)
	}
	t := &ticked{local: from.LocalAddr(), remote: from.RemoteAddr()}
	var errno error
	err = raw.Control(func(socket uintptr) { t.descriptor, errno = unix.FcntlInt(socket, unix.F_DUPFD_CLOEXEC, 0) })
	if err == nil {
		err = errno
	}
	if err != nil {
		return nil, fmt.Errorf("take over a connection: %w", err)
	}
	_ = from.Close() // the socket goes on: it is t's, too
	return t, nil
}

// Read is as of net.Conn.
func (t *ticked) Read(into []byte) (int, error) {
	for {
		if t.empty {
			awaitTick()
		}
		n, errno, err := t.try(unix.SYS_READ, into, 0, &t.readBy)
		switch {
		case err != nil:
			return 0, err
		case errno == unix.EAGAIN:
			t.empty = true
		case errno != 0:
			return 0, os.NewSyscallError("read", errno)
		case n == 0 && len(into) > 0:
			return 0, io.EOF
		default:
			t.empty = n < len(into)
			return n, nil
		}
	}
}

// Write is as of net.Conn.
func (t *ticked) Write(all []byte) (int, error) {
	written := 0
	for written < len(all) {
		n, errno, err := t.try(unix.SYS_SENDTO, all[written:], unix.MSG_NOSIGNAL, &t.writeBy)
		switch {
		case err != nil:
			return written, err
		case errno == unix.EAGAIN:
			awaitTick()
		case errno != 0:
			return written, os.NewSyscallError("write", errno)
		default:
			written += n
		}
	}
	return written, nil
}

// try makes one system call that does not wait. The runtime is not told of it: that
// would cost as much as the call.
func (t *ticked) try(call uintptr, bytes []byte, flags uintptr, by *atomic.Int64) (int, unix.Errno, error) {
	if t.descriptor < 0 {
		return 0, 0, net.ErrClosed
	}
	for {
		if deadline := by.Load(); deadline != 0 && time.Now().UnixNano() >= deadline {
			return 0, 0, os.ErrDeadlineExceeded
		}
		n, _, errno := unix.RawSyscall6(call, uintptr(t.descriptor), uintptr(unsafe.Pointer(unsafe.SliceData(bytes))), uintptr(len(bytes)), flags, 0, 0) //nolint:gosec // the memory is the caller's for as long as the call.
		if errno != unix.EINTR {
			return int(n), errno, nil
		}
	}
}

// awaitTick waits for the next tick.
func awaitTick() {
	time.Sleep(ingest.UntilTick(time.Now(), ingest.Tick)) //nolint:forbidigo // at most 10 ms, and a timer would be one more thing to wait on and to keep.
}

// CloseWrite ends what is sent.
func (t *ticked) CloseWrite() error {
	if t.descriptor < 0 {
		return net.ErrClosed
	}
	return os.NewSyscallError("shutdown", unix.Shutdown(t.descriptor, unix.SHUT_WR))
}

// Close is as of net.Conn.
func (t *ticked) Close() error {
	if t.descriptor < 0 {
		return net.ErrClosed
	}
	err := unix.Close(t.descriptor)
	t.descriptor = -1
	return os.NewSyscallError("close", err)
}

func (t *ticked) LocalAddr() net.Addr  { return t.local }
func (t *ticked) RemoteAddr() net.Addr { return t.remote }

// SetDeadline is as of net.Conn, as are the two below.
func (t *ticked) SetDeadline(at time.Time) error {
	set(&t.readBy, at)
	set(&t.writeBy, at)
	return nil
}

func (t *ticked) SetReadDeadline(at time.Time) error {
	set(&t.readBy, at)
	return nil
}

func (t *ticked) SetWriteDeadline(at time.Time) error {
	set(&t.writeBy, at)
	return nil
}

func set(deadline *atomic.Int64, at time.Time) {
	if at.IsZero() {
		deadline.Store(0)
		return
	}
	deadline.Store(at.UnixNano())
}
