package libav

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// TestStarvedWorker feeds a real worker in real time and lets it run for a
// seventh of the time only: rungs give way within two seconds, the last one stays
// whole, memory stays flat, and everything comes back when the CPU does.
func TestStarvedWorker(t *testing.T) {
	// Cheap to decode, and costly to encode but for the last rung.
	file := filepath.Join(t.TempDir(), "source.mp4")
	ffmpeg(t, "-i", mediaFile(t, "camera_720p60_4M_cbr.flv"), "-an", "-vf", "scale=854:480", "-r", "30", "-t", "8",
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "60", "-b:v", "1M", file)
	c := readClip(t, file, "v:0")
	rungs := transcode.Ladder(c.track, transcode.LadderConfig{Preset: "medium", Rungs: []transcode.RungConfig{
		{Height: 400}, {Height: 360}, {Height: 144, FrameRate: 15},
	}})
	w := realWorker(t)
	w.RestoreAfter = 1500 * time.Millisecond
	s := transcode.Start(t.Context(), transcode.Job{Worker: w, Stream: "test", Rungs: rungs})
	got := make(chan tally, 1)
	go func() { got <- count(s.Output(), len(rungs)) }()
	feeding, stop := context.WithCancel(t.Context())
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		feedLoop(feeding, s, c)
	}()
	await(t, "the worker keeps up", 20*time.Second, func() bool {
		st := s.Stats()
		return st.Speed > 0 && st.Backlog < 100*time.Millisecond && st.Shed == st.Restored
	})
	pid := s.Stats().PID
	before := memoryOf(t, pid, "VmRSS")

	release := starve(t, pid)
	shed := s.Stats().Shed
	await(t, "the worker falls behind", 5*time.Second, func() bool { return s.Stats().Backlog > 300*time.Millisecond })
	began := time.Now()
	await(t, "a rung gives way", 10*time.Second, func() bool { return s.Stats().Shed > shed })
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the first rung gave way after %v", took)
	}
	await(t, "the worker keeps up with what is left", 30*time.Second, func() bool { return s.Stats().Backlog < 300*time.Millisecond })
	if grown := memoryOf(t, pid, "VmRSS") - before; grown > 20<<20 {
		t.Errorf("the worker has grown by %d MiB", grown>>20)
	}
	left := s.Stats().Paces
	release()
	await(t, "all rungs are back", 40*time.Second, func() bool {
		for _, p := range s.Stats().Paces {
			if p != transcode.PaceFull {
				return false
			}
		}
		return true
	})
	stop()
	<-fed
	s.End()
	result := <-got
	st := s.Stats()
	t.Logf("starved, the rungs ran at %v; %d steps down, %d up; %d units dropped; segments per rung %v", left, st.Shed, st.Restored, st.Dropped, result.segments)
	if left[2] == transcode.PaceOff || result.rests[2] > 0 || result.missing[2] > 0 {
		t.Errorf("the last rung ran at %v, rested %d times and lacks %d segments", left[2], result.rests[2], result.missing[2])
	}
	if st.Dropped > 0 || st.Restarts > 0 {
		t.Errorf("%d access units were dropped, %d workers restarted", st.Dropped, st.Restarts)
	}
}

// tally is what came of each rung.
type tally struct{ segments, missing, rests []int }

func count(outputs <-chan transcode.Output, rungs int) tally {
	c := tally{make([]int, rungs), make([]int, rungs), make([]int, rungs)}
	last := make([]uint64, rungs)
	for o := range outputs {
		switch {
		case o.Rested:
			c.rests[o.Rung]++
		case o.Starts:
			c.segments[o.Rung]++
			if last[o.Rung] != 0 {
				c.missing[o.Rung] += int(o.MSN - last[o.Rung] - 1)
			}
			last[o.Rung] = o.MSN
		}
	}
	return c
}

// feedLoop pushes the clip again and again at the pace of a live source.
func feedLoop(ctx context.Context, s *transcode.Supervisor, c clip) {
	begin, msn := time.Now(), uint64(1)
	frame := media.Ticks(media.VideoTimescale) / 30
	length := frame * media.Ticks(len(c.units))
	at := boundariesOf(c.units)
	for round := media.Ticks(0); ; round++ {
		for i, au := range c.units {
			offset := round*length - c.units[0].DTS
			au.DTS, au.PTS = au.DTS+offset, au.PTS+offset
			select {
			case <-time.After(time.Until(begin.Add(media.VideoTimescale.Duration(au.DTS)))):
			case <-ctx.Done():
				return
			}
			if b, ok := at[i]; ok {
				s.Boundary(media.Boundary{MSN: msn, PTS: b.PTS + offset})
				msn++
			}
			s.Push(au)
		}
	}
}

// starve lets the process run for a seventh of the time until release is called.
func starve(t *testing.T, pid int) (release func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_ = syscall.Kill(pid, syscall.SIGSTOP)
			<-time.After(90 * time.Millisecond)
			_ = syscall.Kill(pid, syscall.SIGCONT)
			<-time.After(15 * time.Millisecond)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// await polls until it is so.
func await(t *testing.T, what string, within time.Duration, so func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(within)
	for !so() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// memoryOf is a size of a process in bytes, VmRSS or VmHWM (proc(5)).
func memoryOf(tb testing.TB, pid int, which string) int {
	tb.Helper()
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), which+":")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		tb.Fatal(err)
	}
	return kib << 10
}
