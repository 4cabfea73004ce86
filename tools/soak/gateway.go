package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"

	"weir/tools/process"
	"weir/tools/scrape"
)

// gateway is the one that is measured.
type gateway struct {
	command     *exec.Cmd
	data        string
	rtmp, admin string
	// lost counts the connections that were cut off, broadcasts those that ended
	// on purpose.
	lost, broadcasts atomic.Int64
	// drained is closed when its log has ended.
	drained chan struct{}
}

// startGateway starts a gateway on free ports that takes any key and encodes
// nothing.
func startGateway(ctx context.Context, program string) (*gateway, error) {
	data, err := os.MkdirTemp("", "weir-soak-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the gateway: %w", err)
	}
	g := &gateway{data: data, drained: make(chan struct{})}
	const free = "127.0.0.1:0"
	g.command = exec.CommandContext(ctx, program, "serve", "--rtmp.address", free, "--srt.address", free, "--http.address", free, "--admin.address", free, //nolint:gosec // whoever runs this names it.
		"--auth.mode", "open", "--transcode.ladder", "source", "--log.format", "json", "--data-dir", data)
	g.command.Cancel = func() error { return g.command.Process.Signal(syscall.SIGTERM) }
	log, err := g.command.StderrPipe()
	if err == nil {
		err = g.command.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var up struct{ Msg, RTMP, Admin string }
		if json.Unmarshal(lines.Bytes(), &up) == nil && up.Msg == "weir is up" {
			g.rtmp, g.admin = up.RTMP, up.Admin
			break
		}
	}
	go func() {
		defer close(g.drained)
		_, _ = io.Copy(io.Discard, log) // or the gateway would wait for a reader of its log
	}()
	if g.rtmp == "" {
		g.stop()
		return nil, errors.New("the gateway did not come up")
	}
	return g, nil
}

// stop ends the gateway and removes what it has left.
func (g *gateway) stop() {
	_ = g.command.Process.Signal(syscall.SIGTERM)
	<-g.drained
	_ = g.command.Wait()
	_ = os.RemoveAll(g.data)
}

// look takes a sample.
func (g *gateway) look(ctx context.Context) (sample, error) {
	pid := g.command.Process.Pid
	s := sample{resident: float64(process.Resident(pid)) / (1 << 20), lost: g.lost.Load(), broadcasts: g.broadcasts.Load()}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return s, fmt.Errorf("count the gateway's descriptors: %w", err)
	}
	s.descriptors = float64(len(open))
	const goroutines, windows = "go_goroutines", "weir_stream_window_bytes"
	sums, err := scrape.Sums(ctx, "http://"+g.admin+"/metrics", goroutines, windows)
	if err != nil {
		return s, err
	}
	s.goroutines, s.beyond = sums[goroutines], s.resident-sums[windows]/(1<<20)
	return s, nil
}
