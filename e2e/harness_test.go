//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// missing skips aloud, or fails where everything has to be there.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("WEIR_E2E_REQUIRE") == "1" {
		t.Fatalf("MISSING: %s, and WEIR_E2E_REQUIRE is 1", what)
	}
	t.Skipf("SKIPPED: %s is missing; run `make e2e`, which provides it", what)
}

func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, "the program "+name)
	}
	return path
}

// tail keeps the last lines that a process wrote, for the report of a failure.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (l *tail) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	if len(l.lines) > 200 {
		l.lines = l.lines[100:]
	}
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// weir is one running gateway.
type weir struct {
	t       *testing.T
	process *exec.Cmd
	// rtmp, rtmps and srt are host:port, base and admin http://host:port.
	rtmp, rtmps, srt, base, admin string
	key                           string
	log                           tail
	exited                        chan error
}

// start runs bin/weir on free ports with its data in dir.
func start(t *testing.T, dir string, flags ...string) *weir {
	t.Helper()
	binary, err := filepath.Abs("../bin/weir")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = os.Stat(binary); err != nil {
		missing(t, "bin/weir")
	}
	args := append([]string{
		"serve", "--rtmp.address", "127.0.0.1:0", "--srt.address", "127.0.0.1:0", "--http.address", "127.0.0.1:0",
		"--data-dir", dir, "--log.format", "json",
	}, flags...)
	w := &weir{t: t, process: exec.Command(binary, args...), exited: make(chan error, 1)}
	w.process.Dir = t.TempDir() // no weir.yaml of the developer's
	stderr, err := w.process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = w.process.Start(); err != nil {
		t.Fatal(err)
	}
	up := make(chan struct{})
	go w.read(stderr, up)
	t.Cleanup(func() {
		w.stop()
		if t.Failed() {
			t.Logf("the gateway's log:\n%s", w.log.String())
		}
	})
	select {
	case <-up:
	case <-time.After(20 * time.Second):
		t.Fatalf("the gateway did not start:\n%s", w.log.String())
	}
	raw, err := os.ReadFile(filepath.Join(dir, "stream-key"))
	if err != nil {
		t.Fatal(err)
	}
	w.key = strings.TrimSpace(string(raw))
	return w
}

// read follows the gateway's log and learns its ports from it.
func (w *weir) read(stderr io.Reader, up chan<- struct{}) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		w.log.add(lines.Text())
		var line struct{ Msg, RTMP, RTMPS, SRT, HTTP, Admin string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "weir is up" {
			w.rtmp, w.rtmps, w.srt = line.RTMP, line.RTMPS, line.SRT
			w.base, w.admin = "http://"+line.HTTP, "http://"+line.Admin
			close(up)
		}
	}
	w.exited <- w.process.Wait()
}

// logged is when the gateway logged a message for the first time.
func (w *weir) logged(message string) time.Time {
	w.t.Helper()
	for line := range strings.Lines(w.log.String()) {
		var entry struct {
			Msg  string
			Time time.Time
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == message {
			return entry.Time
		}
	}
	w.t.Fatalf("the gateway did not log %q", message)
	return time.Time{}
}

// stop ends the gateway as an operator would and says how long it took.
func (w *weir) stop() time.Duration {
	if w.process.ProcessState != nil {
		return 0
	}
	began := time.Now()
	_ = w.process.Process.Signal(syscall.SIGTERM)
	select {
	case <-w.exited:
	case <-time.After(15 * time.Second):
		_ = w.process.Process.Kill()
		<-w.exited
	}
	return time.Since(began)
}

func (w *weir) publishURL() string         { return "rtmp://" + w.rtmp + "/live/" + w.key }
func (w *weir) url(path string) string     { return w.base + "/live/main/" + path }
func (w *weir) pageURL(path string) string { return w.base + path }

// get fetches a path and returns its body and status code.
func (w *weir) get(path string) (string, int) {
	w.t.Helper()
	return fetch(w.t, w.base+path)
}

func fetch(t *testing.T, url string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error(), 0
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error(), 0
	}
	return string(body), res.StatusCode
}

// worker is the process id of the gateway's video worker.
func (w *weir) worker() int {
	w.t.Helper()
	pid, ok := w.findWorker()
	if !ok {
		w.t.Fatal("the gateway has no worker process")
	}
	return pid
}

// findWorker looks for the gateway's video worker.
func (w *weir) findWorker() (pid int, ok bool) {
	w.t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, file := range stats {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		after := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
		if parent, _ := strconv.Atoi(after[1]); parent == w.process.Process.Pid && after[0] != "Z" {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			return pid, true
		}
	}
	return 0, false
}

// publisher is an ffmpeg that publishes a clip in real time.
type publisher struct {
	process *exec.Cmd
	log     tail
	exited  chan struct{}
}

func (w *weir) publish(clip string) *publisher { return w.publishTo(clip, w.publishURL()) }

// publishTo publishes to url; options are ffmpeg's for the output.
func (w *weir) publishTo(clip, url string, options ...string) *publisher {
	w.t.Helper()
	arguments := append([]string{"-nostdin", "-v", "warning", "-re", "-i", clip, "-c", "copy"}, options...)
	cmd := exec.Command(program(w.t, "ffmpeg"), append(arguments, "-f", "flv", url)...)
	p := &publisher{process: cmd, exited: make(chan struct{})}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			p.log.add(lines.Text())
		}
		_ = cmd.Wait()
		close(p.exited)
	}()
	w.t.Cleanup(p.kill)
	return p
}

// kill takes the publisher away without a word, as a power cut does.
func (p *publisher) kill() { p.signal(syscall.SIGKILL) }

// end lets the publisher say that the stream is over.
func (p *publisher) end() { p.signal(syscall.SIGINT) }

func (p *publisher) signal(s syscall.Signal) {
	_ = p.process.Process.Signal(s)
	<-p.exited
}

// eventually asks every 100 ms until ok, and fails after limit.
func eventually(t *testing.T, limit time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Since(began) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
		<-tick.C
	}
	return time.Since(began)
}

// pass lets real time go by; the players play meanwhile.
func pass(d time.Duration) { <-time.After(d) }
