// Package systemd tells the service manager how the gateway fares, as
// sd_notify(3) describes it. Words flow out, nothing flows in, and there are no
// goroutines.
package systemd

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Notifier speaks to the service manager that started this process. A nil
// Notifier is silent: nobody listens. It is safe for concurrent use, and never
// waits longer than a datagram on this machine takes.
type Notifier struct{ conn net.Conn }

// New finds the service manager in the environment ("NAME=value", as from
// os.Environ); the Notifier is nil where there is none. The error says that
// there is one, and why it cannot be reached.
func New(environ []string) (*Notifier, error) {
	address := lookup(environ, "NOTIFY_SOCKET")
	if address == "" {
		return nil, nil //nolint:nilnil // a nil Notifier is a silent one.
	}
	// A leading @ means the abstract namespace, to systemd as to net.
	conn, err := net.Dial("unixgram", address) //nolint:noctx // a datagram socket connects at once.
	if err != nil {
		return nil, fmt.Errorf("reach the service manager at NOTIFY_SOCKET: %w", err)
	}
	return &Notifier{conn: conn}, nil
}

// Watchdog is how long the service manager waits for Alive before it kills pid;
// 0 if it does not (sd_watchdog_enabled(3)).
func Watchdog(environ []string, pid int) time.Duration {
	if of := lookup(environ, "WATCHDOG_PID"); of != "" && of != strconv.Itoa(pid) {
		return 0
	}
	microseconds, err := strconv.ParseInt(lookup(environ, "WATCHDOG_USEC"), 10, 64)
	if err != nil || microseconds <= 0 {
		return 0
	}
	return time.Duration(microseconds) * time.Microsecond
}

// Ready ends the start, or a reload. The status is for systemctl status.
func (n *Notifier) Ready(status string) { n.send("READY=1", "STATUS="+status) }

// Status says in a few words how it goes.
func (n *Notifier) Status(status string) { n.send("STATUS=" + status) }

// Reloading begins a reload, which Ready ends, however it went.
func (n *Notifier) Reloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return
	}
	n.send("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/1000))
}

// Stopping begins the end, which takes at most the time given from now on.
func (n *Notifier) Stopping(most time.Duration) {
	n.send("STOPPING=1", fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", most.Microseconds()), "STATUS=Draining")
}

// Alive keeps the watchdog quiet.
func (n *Notifier) Alive() { n.send("WATCHDOG=1") }

// send is one datagram; one that is lost is nothing that Weir could mend.
func (n *Notifier) send(lines ...string) {
	if n != nil {
		_, _ = n.conn.Write([]byte(strings.Join(lines, "\n")))
	}
}

// lookup is the value of a variable, "" if there is none.
func lookup(environ []string, name string) string {
	for _, variable := range environ {
		if value, ok := strings.CutPrefix(variable, name+"="); ok {
			return value
		}
	}
	return ""
}
