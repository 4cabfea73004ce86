package transcode

import "syscall"

// sysProcAttr has the kernel kill the worker when the gateway dies, however it
// dies, and keeps the terminal's Ctrl-C from reaching the worker before the
// gateway has flushed it.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
