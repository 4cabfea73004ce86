package confine

import "golang.org/x/sys/unix"

const (
	auditArch    = unix.AUDIT_ARCH_AARCH64
	alienNumbers = 0
)

// ofMachine is what only this architecture has.
func ofMachine() []uint32 { return nil }
