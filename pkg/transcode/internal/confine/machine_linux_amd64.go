package confine

import "golang.org/x/sys/unix"

const (
	auditArch = unix.AUDIT_ARCH_X86_64
	// alienNumbers are those of the x32 interface, which are calls as well.
	alienNumbers = 0x40000000
)

// ofMachine is what only this architecture has.
func ofMachine() []uint32 {
	return []uint32{unix.SYS_EPOLL_WAIT, unix.SYS_POLL, unix.SYS_TIME, unix.SYS_ARCH_PRCTL}
}
