package transcode_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

const (
	testRate     = 30
	perSegment   = 2 * testRate
	frame        = media.Ticks(90_000 / testRate)
	firstMSN     = uint64(1_790_000_000)
	testDeadline = 20 * time.Second
)

// logBuffer collects what a supervisor logs.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// fakeCommand has the test program behave as mode says.
func fakeCommand(t *testing.T, mode string, log *logBuffer) transcode.Worker {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return transcode.Worker{
		Command: []string{self},
		Env:     []string{fakeEnv + "=" + mode, fakeOnce + "=" + filepath.Join(t.TempDir(), "once")},
		Log:     slog.New(slog.NewTextHandler(log, nil)),
	}
}

func videoJob(t *testing.T, mode string, log *logBuffer) transcode.Job {
	t.Helper()
	track := source(1280, 720, fps(testRate, 1), 3_000_000)
	return transcode.Job{Worker: fakeCommand(t, mode, log), Stream: "main", Rungs: transcode.Ladder(track, transcode.LadderConfig{})}
}

// feeder pushes pictures with a keyframe and a boundary every two seconds.
type feeder struct {
	s     *transcode.Supervisor
	track *media.Track
	n     int
	// gop is how many pictures there are from keyframe to keyframe.
	gop    int
	poison int
}

func newFeeder(s *transcode.Supervisor) *feeder {
	return &feeder{s: s, track: source(1280, 720, fps(testRate, 1), 3_000_000), gop: perSegment, poison: -1}
}

func (f *feeder) push(frames int) {
	for range frames {
		pts := media.Ticks(f.n) * frame
		if f.n%perSegment == 0 {
			f.s.Boundary(media.Boundary{MSN: firstMSN + uint64(f.n/perSegment), PTS: pts})
		}
		data := fmt.Sprintf("picture %d", f.n)
		if f.n == f.poison {
			data = "poison"
		}
		f.s.Push(media.AccessUnit{Track: f.track, DTS: pts, PTS: pts, Duration: frame, Sync: f.n%f.gop == 0, Data: []byte(data)})
		f.n++
	}
}

// got is what a reader keeps of the output: for each rung and MSN the pictures
// of the job's two rungs since it last started.
type got struct {
	segments []map[uint64][]int
	starts   int
	tracks   map[*media.Track]bool
}

func newGot() *got {
	g := &got{segments: make([]map[uint64][]int, 2), tracks: map[*media.Track]bool{}}
	for i := range g.segments {
		g.segments[i] = map[uint64][]int{}
	}
	return g
}

func (g *got) add(t *testing.T, o transcode.Output) {
	t.Helper()
	segment := g.segments[o.Rung]
	if o.Starts {
		g.starts++
		if _, next := segment[o.MSN+1]; next {
			t.Errorf("rung %d: segment %d starts again after it was complete", o.Rung, o.MSN)
		}
		segment[o.MSN] = nil
	}
	if _, open := segment[o.MSN]; !open {
		t.Errorf("rung %d: segment %d goes on without a start", o.Rung, o.MSN)
	}
	segment[o.MSN] = append(segment[o.MSN], int(o.AU.PTS/frame))
	g.tracks[o.AU.Track] = true
}

// all reads until Output is closed.
func (g *got) all(t *testing.T, s *transcode.Supervisor) {
	t.Helper()
	deadline := time.After(testDeadline)
	for {
		select {
		case o, ok := <-s.Output():
			if !ok {
				return
			}
			g.add(t, o)
		case <-deadline:
			t.Fatal("Output is still open")
		}
	}
}

// complete checks that every rung has each picture of the segments but those
// missing, once and in order.
func (g *got) complete(t *testing.T, segments int, missing ...int) {
	t.Helper()
	for rung, have := range g.segments {
		for i := range segments {
			pictures, ok := have[firstMSN+uint64(i)]
			if slices.Contains(missing, i) {
				if ok {
					t.Errorf("rung %d: segment %d is there, should be missing", rung, i)
				}
				continue
			}
			if len(pictures) != perSegment {
				t.Errorf("rung %d, segment %d: %d pictures, want %d", rung, i, len(pictures), perSegment)
				continue
			}
			for j, p := range pictures {
				if p != i*perSegment+j {
					t.Errorf("rung %d, segment %d: picture %d in place of %d", rung, i, p, i*perSegment+j)
					break
				}
			}
		}
	}
}

// restarts waits for the nth restart.
func restarts(t *testing.T, s *transcode.Supervisor, n uint64) {
	t.Helper()
	deadline := time.After(testDeadline)
	for s.Stats().Restarts < n {
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatalf("stats %+v, want %d restarts", s.Stats(), n)
		}
	}
}

func TestEverythingIsDeliveredOnce(t *testing.T) {
	var log logBuffer
	s := transcode.Start(t.Context(), videoJob(t, "good", &log))
	newFeeder(s).push(5 * perSegment)
	s.End()
	g := newGot()
	g.all(t, s)
	g.complete(t, 5)
	stats := s.Stats()
	if stats.Restarts != 0 || stats.Dropped != 0 || stats.PID != 0 || stats.LastError != "" || stats.Backlog != 0 {
		t.Errorf("stats %+v after a clean run\n%s", stats, log.String())
	}
}

// Whatever a worker does once, the next one makes up for it.
func TestReplayAfterFailure(t *testing.T) {
	for mode, reason := range map[string]string{
		"crash":               "exit status 3",
		"crash between rungs": "exit status 3",
		"fatal":               "no such codec",
		"hang":                "no progress",
		"garbage":             "not the worker protocol",
		"wrong rung":          "rung 9",
		"parrot":              "not the worker's to say",
		"few tracks":          "1 tracks for 2 rungs",
		"close stdin":         "no progress",
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			var log logBuffer
			job := videoJob(t, mode, &log)
			job.HangTimeout = 2 * time.Second
			s := transcode.Start(t.Context(), job)
			newFeeder(s).push(5 * perSegment)
			s.End()
			g := newGot()
			g.all(t, s)
			g.complete(t, 5)
			stats := s.Stats()
			if stats.Restarts != 1 || stats.Dropped != 0 || !strings.Contains(stats.LastError, reason) {
				t.Errorf("stats %+v, want one restart for %q", stats, reason)
			}
			if len(g.tracks) != 2 {
				t.Errorf("%d tracks for 2 rungs: a restart must not change the init segments", len(g.tracks))
			}
			if !strings.Contains(log.String(), "restart_in=0s") || !strings.Contains(log.String(), reason) {
				t.Errorf("the log does not say why and when:\n%s", log.String())
			}
		})
	}
}

func TestKilledWorkerIsReplaced(t *testing.T) {
	var log logBuffer
	s := transcode.Start(t.Context(), videoJob(t, "good", &log))
	f := newFeeder(s)
	g := newGot()
	f.push(perSegment + 20)
	// Half a segment has come out on both rungs.
	for range 2 * (perSegment + 20) {
		g.add(t, <-s.Output())
	}
	if err := syscall.Kill(s.Stats().PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	restarts(t, s, 1)
	f.push(2*perSegment - 20)
	s.End()
	g.all(t, s)
	g.complete(t, 3)
	if stats := s.Stats(); stats.Restarts != 1 || !strings.Contains(stats.LastError, "signal: killed") {
		t.Errorf("stats %+v, want one restart for a kill", stats)
	}
	if !strings.Contains(log.String(), "replay=6") {
		t.Errorf("the replay of 20 pictures, 0.67 s, is not in the log:\n%s", log.String())
	}
}

// A reader that stalls stalls the worker; it is not taken for a hang.
func TestStalledReaderIsNotAHang(t *testing.T) {
	var log logBuffer
	job := videoJob(t, "good", &log)
	job.HangTimeout = 200 * time.Millisecond
	s := transcode.Start(t.Context(), job)
	newFeeder(s).push(4 * perSegment)
	<-time.After(time.Second)
	s.End()
	g := newGot()
	g.all(t, s)
	g.complete(t, 4)
	if stats := s.Stats(); stats.Restarts != 0 {
		t.Errorf("stats %+v: a stalled reader cost a worker\n%s", stats, log.String())
	}
}

func TestCancelEndsTheProcess(t *testing.T) {
	for _, mode := range []string{"good", "hang", "silent"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			var log logBuffer
			ctx, cancel := context.WithCancel(t.Context())
			s := transcode.Start(ctx, videoJob(t, mode, &log))
			newFeeder(s).push(2 * perSegment)
			for s.Stats().PID == 0 {
				<-time.After(time.Millisecond)
			}
			pid := s.Stats().PID
			cancel()
			began := time.Now()
			for range s.Output() { //nolint:revive // Drained up to its end.
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("took %s to end", took)
			}
			if err := syscall.Kill(pid, 0); err == nil {
				t.Errorf("process %d is still there", pid)
			}
		})
	}
}

func TestAudioGoesOnWhereItStopped(t *testing.T) {
	var log logBuffer
	s := transcode.StartAudio(t.Context(), transcode.AudioJob{Worker: fakeCommand(t, "crash", &log), Stream: "main"})
	track := &media.Track{Kind: media.Audio, Codec: media.MP3, Timescale: 48_000, SampleRate: 48_000, Channels: 2}
	const frames = 300
	for i := range frames {
		at := media.Ticks(i) * 1024
		s.Push(media.AccessUnit{Track: track, DTS: at, PTS: at, Sync: true, Data: []byte{byte(i)}})
	}
	s.End()
	next := 0
	for o := range s.Output() {
		if o.AU.PTS != media.Ticks(next)*1024 {
			t.Fatalf("PTS %d in place of %d", o.AU.PTS, next*1024)
		}
		next++
	}
	if next != frames || s.Stats().Restarts != 1 {
		t.Errorf("%d of %d frames, stats %+v", next, frames, s.Stats())
	}
}

func TestLatePushesAreHarmless(t *testing.T) {
	var log logBuffer
	s := transcode.Start(t.Context(), videoJob(t, "good", &log))
	s.End()
	newFeeder(s).push(perSegment)
	s.End()
	if _, open := <-s.Output(); open {
		t.Error("something was encoded after End")
	}
}
