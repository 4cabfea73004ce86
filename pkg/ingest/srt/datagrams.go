package srt

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
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

// datagrams is a socket that many datagrams are read from with one system call, into
// memory that it keeps. Go's poller, which would wake the process for each of them, does
// not know it. All but send is one goroutine's.
type datagrams struct {
	descriptor int
	// mapped: the socket is of IPv6, and an address of IPv4 is written as one of it.
	mapped bool
	// held is how much the system holds while nobody reads.
	held int

	headers [together]messageHeader
	vectors [together]unix.Iovec
	names   [together]unix.RawSockaddrInet6
	// control is for the time of arrival: a cmsghdr, and what it is the head of.
	control [together][8]uint64
	data    [together][maxDatagram]byte
	// used is how many of these the last call has filled.
	used int
}

// messageHeader is the kernel's mmsghdr.
type messageHeader struct {
	unix.Msghdr

	size uint32
}

// newDatagrams takes over the socket of from, which it closes. What the system refuses
// of how it is to be read, it does without.
func newDatagrams(from *net.UDPConn) (*datagrams, error) {
	_ = from.SetReadBuffer(socketBuffer)
	raw, err := from.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("take over the socket: %w", err)
	}
	d := &datagrams{}
	var errno error
	err = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
		d.held, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
		domain, _ := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN)
		d.mapped = domain == unix.AF_INET6
		d.descriptor, errno = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err = cmp.Or(err, errno); err != nil {
		return nil, fmt.Errorf("take over the socket: %w", err)
	}
	_ = from.Close() // the socket goes on: it is d's, too
	for i := range d.headers {
		d.ready(i)
	}
	return d, nil
}

// close is for when nobody reads or sends any more.
func (d *datagrams) close() { _ = unix.Close(d.descriptor) }

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

// receive reads what there is, at most [together] datagrams. It never waits, so the Go
// runtime is not told of the system call: it would wake its monitor.
func (d *datagrams) receive() (count int, err error) {
	for i := range d.used { // The kernel has written into them.
		d.ready(i)
	}
	d.used = 0
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(d.descriptor), uintptr(unsafe.Pointer(&d.headers)), together, unix.MSG_DONTWAIT, 0, 0) //nolint:gosec // see above.
	if errno == 0 {
		d.used = int(n)
		return d.used, nil
	}
	if errno == unix.EAGAIN || errno == unix.EINTR {
		return 0, nil
	}
	return 0, os.NewSyscallError("recvmmsg", errno)
}

// send sends b, if the system has room for it: it may get lost later, too. It may be
// called from any goroutine.
func (d *datagrams) send(b []byte, to netip.AddrPort) {
	var at unix.Sockaddr
	if d.mapped {
		scope, _ := strconv.ParseUint(to.Addr().Zone(), 10, 32) // none as a rule
		at = &unix.SockaddrInet6{Port: int(to.Port()), ZoneId: uint32(scope), Addr: to.Addr().As16()}
	} else {
		at = &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	}
	_ = unix.Sendto(d.descriptor, b, unix.MSG_DONTWAIT, at)
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
		if name.Scope_id != 0 { // a link-local one, of which there is one on each network
			at = at.WithZone(strconv.FormatUint(uint64(name.Scope_id), 10))
		}
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
