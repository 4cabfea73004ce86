package srt

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// maxDatagram is more than any packet that is taken.
	maxDatagram = 2048
	// socketBuffer is what the system is asked to hold while nobody reads; it may
	// give less.
	socketBuffer = 4 << 20
	// datagramMemory is about what the system counts for a packet of media.
	datagramMemory = 2304
	// together is how many datagrams one system call takes.
	together = 64
)

// datagrams reads many datagrams with one system call, into memory that it keeps.
// It is used by one goroutine.
type datagrams struct {
	socket syscall.RawConn
	// held is how much the system holds while nobody reads.
	held int

	headers [together]messageHeader
	vectors [together]unix.Iovec
	names   [together]unix.RawSockaddrInet6
	// control is for the time of arrival: a cmsghdr, and what it is the head of.
	control [together][8]uint64
	data    [together][maxDatagram]byte

	// wait, count and errno are what try is told and tells.
	wait  bool
	count int
	errno unix.Errno
	try   func(fd uintptr) bool
}

// messageHeader is the kernel's mmsghdr.
type messageHeader struct {
	unix.Msghdr

	size uint32
}

// newDatagrams prepares a socket to be read. What the system refuses of it, it
// does without.
func newDatagrams(socket *net.UDPConn) (*datagrams, error) {
	_ = socket.SetReadBuffer(socketBuffer)
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("prepare the socket: %w", err)
	}
	d := &datagrams{socket: raw}
	err = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
		d.held, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the socket: %w", err)
	}
	d.try = d.receiveNow
	for i := range d.headers {
		d.ready(i)
	}
	return d, nil
}

func (d *datagrams) ready(i int) {
	d.vectors[i].Base = &d.data[i][0]
	d.vectors[i].SetLen(maxDatagram)
	h := &d.headers[i]
	h.Name, h.Namelen = (*byte)(unsafe.Pointer(&d.names[i])), uint32(unsafe.Sizeof(d.names[i])) //nolint:gosec // the kernel writes it.
	h.Control = (*byte)(unsafe.Pointer(&d.control[i]))                                          //nolint:gosec // the kernel writes it.
	h.SetControllen(int(unsafe.Sizeof(d.control[i])))
	h.Iov = &d.vectors[i]
	h.SetIovlen(1)
}

// receive reads what there is, at most [together] datagrams; if wait is set, it
// waits for one, or the socket's deadline.
func (d *datagrams) receive(wait bool) (count int, err error) {
	for i := range d.count { // The kernel has written into them.
		d.ready(i)
	}
	d.wait, d.count, d.errno = wait, 0, 0
	if err := d.socket.Read(d.try); err != nil {
		return 0, err //nolint:wrapcheck // Serve wraps it.
	}
	switch d.errno {
	case 0, unix.EAGAIN, unix.EINTR:
		return d.count, nil
	}
	return 0, os.NewSyscallError("recvmmsg", d.errno)
}

// receiveNow never waits, so the Go runtime is not told of the system call: it
// would wake its monitor. It reports whether there is something to tell.
func (d *datagrams) receiveNow(fd uintptr) bool {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&d.headers)), together, unix.MSG_DONTWAIT, 0, 0) //nolint:gosec // see above.
	if d.errno = errno; errno == 0 {
		d.count = int(n)
	}
	return errno != unix.EAGAIN || !d.wait
}

// datagram is the i-th of those that came together; ok is false for one that is
// longer than any that is taken.
func (d *datagrams) datagram(i int) (b []byte, from netip.AddrPort, ok bool) {
	h, name := &d.headers[i], &d.names[i]
	port := (*[2]byte)(unsafe.Pointer(&name.Port)) //nolint:gosec // in the network's order, whatever ours is.
	number := uint16(port[0])<<8 | uint16(port[1])
	var at netip.Addr
	switch name.Family {
	case unix.AF_INET:
		at = netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(name)).Addr) //nolint:gosec // its family says so.
	case unix.AF_INET6:
		at = netip.AddrFrom16(name.Addr).Unmap()
	}
	return d.data[i][:h.size], netip.AddrPortFrom(at, number), h.Flags&unix.MSG_TRUNC == 0
}

// arrived is when the system took in the i-th, where it says so; it is read now.
func (d *datagrams) arrived(i int, now time.Time) time.Time {
	const most = time.Second // the system's clock may have been set in between
	h := &d.headers[i]
	c := (*unix.Cmsghdr)(unsafe.Pointer(&d.control[i])) //nolint:gosec // the kernel wrote it.
	if int(h.Controllen) < unix.CmsgLen(int(unsafe.Sizeof(unix.Timespec{}))) || c.Level != unix.SOL_SOCKET || c.Type != unix.SO_TIMESTAMPNS {
		return now
	}
	at := (*unix.Timespec)(unsafe.Add(unsafe.Pointer(c), unix.CmsgLen(0))) //nolint:gosec // the kernel wrote it.
	return now.Add(-min(max(time.Duration(now.UnixNano()-at.Nano()), 0), most))
}
