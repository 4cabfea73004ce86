package gateway

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"weir/pkg/api"
	"weir/pkg/config"
)

// node is the gateway's own state.
func (g *gateway) node() api.NodeStatus {
	return api.NodeStatus{
		Version: g.version, StartedAt: g.started, Uptime: time.Since(g.started).Seconds(),
		Draining: closed(g.drainer.begun), Open: g.cfg.Load().Auth.Mode == config.AuthOpen, Publishers: g.manager.Publishing(), Cores: runtime.NumCPU(), CPU: cpuTime().Seconds(), Memory: residentMemory(),
		Goroutines: runtime.NumGoroutine(), Streams: len(g.manager.Streams()), Listeners: g.endpoints(),
		Certificates: g.certificates(),
	}
}

// certificates are those of the TLS listeners.
func (g *gateway) certificates() []api.Certificate {
	all := []api.Certificate{}
	if g.certificate == nil {
		return all
	}
	for _, e := range g.certificate.Expiries() {
		c := api.Certificate{Mode: e.Mode, Name: e.Name}
		if !e.NotAfter.IsZero() {
			c.Ends = new(e.NotAfter.UTC())
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b api.Certificate) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (g *gateway) endpoints() []api.Endpoint {
	a := g.listeners.addresses()
	all := []api.Endpoint{}
	for _, e := range []api.Endpoint{
		{Protocol: "rtmp", Address: a.RTMP},
		{Protocol: "rtmps", Address: a.RTMPS},
		{Protocol: "srt", Address: a.SRT},
		{Protocol: "http", Address: a.HTTP},
		{Protocol: "https", Address: a.HTTPS},
		{Protocol: "admin", Address: a.Admin},
	} {
		if e.Address != "" {
			all = append(all, e)
		}
	}
	return all
}

// cpuTime is what this process has used, 0 if the system does not say.
func cpuTime() time.Duration {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// residentMemory is this process's, in bytes, 0 if the system does not say
// (proc_pid_statm(5): the second field, in pages).
func residentMemory() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}
