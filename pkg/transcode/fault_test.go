package transcode_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// faultAfter is how many units a worker with a fault deals with first.
const faultAfter = 10

// fault does what its name says, in the worker's process, with the picture that
// is due. What it returns is the exit status.
func fault(f *fake, name string, au media.AccessUnit) int {
	au.Data = []byte("a picture")
	switch name {
	case "exits with 0":
		return 0
	case "exits with 1":
		return 1
	case "SIGSEGV":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSEGV)
	case "SIGABRT":
		_ = syscall.Kill(os.Getpid(), syscall.SIGABRT)
	case "SIGKILL":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "panic":
		panic("a worker's own")
	case "hangs":
	case "ignores SIGTERM":
		signal.Ignore(syscall.SIGTERM)
	case "closes stdout":
		_ = os.Stdout.Close()
	case "closes stdin":
		_ = os.Stdin.Close()
	case "memory bomb":
		bomb()
	default:
		babble(f, name, au)
	}
	<-time.After(time.Hour)
	return 0
}

// bomb takes memory until the limit of the process stops it.
func bomb() {
	limit := syscall.Rlimit{Cur: 512 << 20, Max: 512 << 20}
	_ = syscall.Setrlimit(syscall.RLIMIT_DATA, &limit)
	var all [][]byte
	for {
		all = append(all, bytes.Repeat([]byte{1}, 16<<20))
		if len(all) == 1024 {
			panic("nobody has stopped it")
		}
	}
}

// babble says what no worker should.
func babble(f *fake, name string, au media.AccessUnit) {
	start := transcode.Coded{MSN: firstMSN + 1, Starts: true, AU: au}
	switch name {
	case "unknown kind":
		raw(99, 3, []byte("abc"))
	case "huge length":
		raw(9, math.MaxUint32, nil)
	case "length of nothing":
		raw(9, 0, nil)
	case "10 MB of JSON":
		raw(9, 10<<20, bytes.Repeat([]byte("["), 10<<20))
	case "deep JSON":
		raw(9, 1<<19+1, bytes.Repeat([]byte("["), 1<<19))
	case "many tracks":
		text := []byte(`{"tracks":[` + strings.Repeat("{},", 200_000) + "{}]}")
		raw(9, uint32(len(text)+1), text)
	case "no tracks":
		_ = f.w.Write(transcode.Ready{})
	case "tracks of audio":
		_ = f.w.Write(transcode.Ready{Tracks: make([]media.Track, 2)})
	case "wrong rung":
		_ = f.w.Write(transcode.Coded{Rung: 60_000, MSN: firstMSN, AU: au})
	case "wrong rung rests":
		_ = f.w.Write(transcode.Rested{Rung: 60_000})
	case "segment of the future":
		start.MSN = math.MaxUint64
		_ = f.w.Write(start)
	case "segment twice":
		start.MSN = firstMSN
		_ = f.w.Write(start)
	case "negative DTS":
		au.DTS = math.MinInt64
		_ = f.w.Write(transcode.Coded{MSN: firstMSN, AU: au})
	case "time of the future":
		au.PTS = math.MaxInt64
		_ = f.w.Write(transcode.Coded{MSN: firstMSN, AU: au})
	case "progress of the future":
		_ = f.w.Write(transcode.Progress{Units: math.MaxUint64})
	case "more damage than units":
		_ = f.w.Write(transcode.Progress{Units: faultAfter, Damaged: math.MaxUint64})
	case "coded before ready":
		_ = f.w.Write(transcode.Hello{Version: transcode.WireVersion})
		_ = f.w.Write(transcode.Coded{MSN: firstMSN, AU: au})
	case "no hello":
		_ = f.w.Write(transcode.Done{})
	case "half a message":
		raw(10, 100, []byte("x"))
		_ = os.Stdout.Close()
	case "done too early":
		_ = f.w.Write(transcode.Report{Text: "I am done"})
		_ = f.w.Write(transcode.Done{})
	default:
		flood(f, name, au)
	}
}

// flood says something without end.
func flood(f *fake, name string, au media.AccessUnit) {
	line := bytes.Repeat([]byte("x"), 64<<10)
	for {
		var err error
		switch name {
		case "reports without end":
			err = f.w.Write(transcode.Report{Text: strings.Repeat("words ", 500)})
		case "lines without end":
			_, err = os.Stderr.WriteString(strings.Repeat("word\n", 1000))
		case "a line without end":
			_, err = os.Stderr.Write(line)
		case "a segment without end":
			au.Data = line
			err = f.w.Write(transcode.Coded{MSN: firstMSN, AU: au})
		default:
			panic("no fault is called " + name)
		}
		if err != nil {
			<-time.After(time.Hour)
		}
	}
}

// raw writes a message of any kind and length; 9 is Ready and 10 Coded.
func raw(kind byte, length uint32, body []byte) {
	b := append(binary.BigEndian.AppendUint32(nil, length), kind)
	_, _ = os.Stdout.Write(append(b, body...))
}

// Every fault ends the worker, is named, and leaves the gateway as it was. One
// that comes back every time ends in giving up.
func TestFaults(t *testing.T) {
	const wire = "not the worker protocol"
	var cases []*faultCase
	for name, reason := range map[string]string{
		"exits with 0": "exited before it was done", "exits with 1": "exit status 1",
		"SIGSEGV": "exit status 2", "SIGABRT": "exit status 2", "SIGKILL": "signal: killed",
		"panic": "exit status 2", "hangs": "no progress", "ignores SIGTERM": "no progress",
		"closes stdout": "signal: terminated", "closes stdin": "no progress", "memory bomb": "exit status",

		"unknown kind": wire, "huge length": wire, "length of nothing": wire, "10 MB of JSON": wire, "deep JSON": wire,
		"many tracks": "200001 tracks for 2 rungs", "no tracks": "0 tracks for 2 rungs", "tracks of audio": wire,
		"wrong rung": "rung 60000", "wrong rung rests": "rung 60000",
		"segment of the future": "segment 18446744073709551615", "segment twice": "starts on rung 0 after",
		"negative DTS": "DTS", "time of the future": "when the source was at",
		"progress of the future": "progress", "more damage than units": "progress",
		"half a message": "exited", "done too early": "before it was asked",

		"reports without end": "floods", "lines without end": "floods", "a line without end": "floods",
		"a segment without end": "has more than",

		"early coded before ready": "not ready", "early no hello": "want version", "early exits with 1": "exit status 1",
		"early SIGSEGV": "exit status 2", "early hangs": "no progress", "early closes stdout": "signal: terminated",
		"cannot be started": "no such file",
	} {
		cases = append(cases, startFault(t, name, reason))
	}
	for _, c := range cases {
		t.Run(c.name, c.check)
	}
}

// faultCase is a supervisor whose workers all do the same bad deed. It is fed as
// by a live source until it gives up, all beside each other.
type faultCase struct {
	name, reason string
	log          logBuffer
	feeder       *feeder
	done         chan struct{}
}

func startFault(t *testing.T, name, reason string) *faultCase {
	t.Helper()
	c := &faultCase{name: name, reason: reason, done: make(chan struct{})}
	mode := "fault: " + name
	if rest, early := strings.CutPrefix(name, "early "); early {
		mode = "early fault: " + rest
	}
	job := videoJob(t, mode, &c.log)
	if reason == "no progress" {
		job.HangTimeout = 2 * time.Second
	}
	if name == "cannot be started" {
		job.Command = []string{"/nonexistent/weir"}
	}
	c.feeder = newFeeder(transcode.Start(t.Context(), job))
	go c.run()
	return c
}

func (c *faultCase) run() {
	defer close(c.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		c.feeder.push(perSegment)
		for fed := false; !fed; {
			select {
			case _, open := <-c.feeder.s.Output():
				if !open {
					return
				}
			case <-tick.C:
				fed = true
			}
		}
	}
}

func (c *faultCase) check(t *testing.T) {
	select {
	case <-c.done:
	case <-time.After(3 * testDeadline):
		t.Fatalf("not given up: %+v\n%s", c.feeder.s.Stats(), c.log.String())
	}
	stats, log := c.feeder.s.Stats(), c.log.String()
	if !strings.Contains(stats.LastError, c.reason) || stats.GaveUp != stats.LastError {
		t.Errorf("last error %q, given up for %q; want %q\n%s", stats.LastError, stats.GaveUp, c.reason, log)
	}
	if stats.Restarts != 4 || stats.PID != 0 || stats.Backlog != 0 {
		t.Errorf("stats %+v: want four restarts, and nothing left", stats)
	}
	for _, want := range []string{"restart_in=0s", "restart_in=1s", "restart_in=2s", "restart_in=4s", "level=ERROR", "remedy="} {
		if strings.Count(log, want) != 1 {
			t.Errorf("the log has %q not once:\n%s", want, log)
		}
	}
	if len(log) > 1<<20 {
		t.Errorf("%d bytes of log", len(log))
	}
	c.feeder.push(perSegment)
	if c.feeder.s.Stats().Backlog != 0 {
		t.Error("it still takes input")
	}
}

// memory is what the process has of the machine's, in bytes.
func memory(t *testing.T) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the process's memory is read from /proc")
	}
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, resident int
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * os.Getpagesize()
}

// A worker that takes or sends without end costs the gateway nothing.
func TestFaultsTakeNoMemory(t *testing.T) {
	before := memory(t)
	for _, name := range []string{"memory bomb", "lines without end", "many tracks", "a segment without end"} {
		var log logBuffer
		s := transcode.Start(t.Context(), videoJob(t, "fault: "+name, &log))
		newFeeder(s).push(perSegment)
		for s.Stats().Restarts < 2 {
			select {
			case <-s.Output():
			case <-time.After(time.Millisecond):
			}
		}
		s.End()
		for range s.Output() { //nolint:revive // Drained up to its end.
		}
	}
	runtime.GC()
	if grown := memory(t) - before; grown > 200<<20 {
		t.Errorf("the gateway's memory has grown by %d MiB", grown>>20)
	}
}
