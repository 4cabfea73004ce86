package systemd_test

import (
	"net"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"weir/pkg/systemd"
)

func TestNotify(t *testing.T) {
	for name, address := range map[string]string{
		"file":     filepath.Join(t.TempDir(), "notify"),
		"abstract": "@weir-test-" + filepath.Base(t.TempDir()) + filepath.Base(filepath.Dir(t.TempDir())),
	} {
		t.Run(name, func(t *testing.T) {
			manager, err := net.ListenPacket("unixgram", address)
			if err != nil {
				t.Fatal(err)
			}
			defer manager.Close()
			n, err := systemd.New([]string{"HOME=/", "NOTIFY_SOCKET=" + address})
			if err != nil {
				t.Fatal(err)
			}
			for want, say := range map[string]func(){
				`^READY=1\nSTATUS=up$`:                   func() { n.Ready("up") },
				`^STATUS=well$`:                          func() { n.Status("well") },
				`^RELOADING=1\nMONOTONIC_USEC=[1-9]\d*$`: n.Reloading,
				`^STOPPING=1\nEXTEND_TIMEOUT_USEC=1500000\nSTATUS=Draining$`: func() { n.Stopping(1500 * time.Millisecond) },
				`^WATCHDOG=1$`: n.Alive,
			} {
				say()
				heard := make([]byte, 200)
				length, _, err := manager.ReadFrom(heard)
				if err != nil {
					t.Fatal(err)
				}
				if !regexp.MustCompile(want).Match(heard[:length]) {
					t.Errorf("said %q, want %s", heard[:length], want)
				}
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	n, err := systemd.New(nil)
	if n != nil || err != nil {
		t.Errorf("%v, %v", n, err)
	}
	n.Ready("up") // and nothing happens
	if _, err := systemd.New([]string{"NOTIFY_SOCKET=/nowhere/at/all"}); err == nil {
		t.Error("a service manager that is not there was found")
	}
}

func TestWatchdog(t *testing.T) {
	for _, c := range []struct {
		environ []string
		want    time.Duration
	}{
		{nil, 0},
		{[]string{"WATCHDOG_USEC=30000000"}, 30 * time.Second},
		{[]string{"WATCHDOG_USEC=30000000", "WATCHDOG_PID=7"}, 30 * time.Second},
		{[]string{"WATCHDOG_USEC=30000000", "WATCHDOG_PID=8"}, 0},
		{[]string{"WATCHDOG_USEC=soon"}, 0},
	} {
		if got := systemd.Watchdog(c.environ, 7); got != c.want {
			t.Errorf("%v: %v, want %v", c.environ, got, c.want)
		}
	}
}
