package libav

import (
	"log/slog"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// realWorker runs this test program as the worker.
func realWorker(tb testing.TB) transcode.Worker {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	return transcode.Worker{
		Command: []string{self}, Env: []string{workerEnv + "=1"},
		Log: slog.New(slog.NewTextHandler(tb.Output(), nil)),
	}
}

// A worker that is killed in the middle of a segment is replaced, and every
// segment of every rung is there in the end, with boundaries where they were.
func TestKilledWorkerLosesNothing(t *testing.T) {
	// As the kernel kills for memory, and as native code dies.
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGABRT} {
		t.Run(signal.String(), func(t *testing.T) { checkKilled(t, signal) })
	}
}

func checkKilled(t *testing.T, signal syscall.Signal) {
	t.Helper()
	c := readClip(t, mediaFile(t, "camera_720p60_4M_cbr.flv"), "v:0")
	c.units = c.units[:360]
	at := boundariesOf(c.units)
	rungs := transcode.Ladder(c.track, transcode.LadderConfig{})
	s := transcode.Start(t.Context(), transcode.Job{Worker: realWorker(t), Stream: "test", Rungs: rungs})
	feed := func(from, to int) {
		for i := from; i < to; i++ {
			if b, ok := at[i]; ok {
				s.Boundary(media.Boundary{MSN: b.MSN, PTS: b.PTS})
			}
			s.Push(c.units[i])
		}
	}
	segments := make([]map[uint64][]transcode.Coded, len(rungs))
	for i := range segments {
		segments[i] = map[uint64][]transcode.Coded{}
	}
	tracks := map[*media.Track]bool{}
	take := func(o transcode.Output) {
		if o.Starts {
			segments[o.Rung][o.MSN] = nil
		}
		segments[o.Rung][o.MSN] = append(segments[o.Rung][o.MSN], transcode.Coded{Rung: o.Rung, MSN: o.MSN, Starts: o.Starts, AU: o.AU})
		tracks[o.AU.Track] = true
	}
	feed(0, 240)
	// Up to the middle of the second segment on the first rung.
	for len(segments[0][101]) < 30 {
		take(<-s.Output())
	}
	if err := syscall.Kill(s.Stats().PID, signal); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	var back time.Duration
	feed(240, 360)
	s.End()
	for o := range s.Output() {
		if o.Starts && back == 0 {
			back = time.Since(killed)
		}
		take(o)
	}
	t.Logf("first picture again after %s", back.Round(time.Millisecond))
	if back > 3*time.Second {
		t.Errorf("it took %s to be back", back)
	}
	for i, spec := range rungs {
		var all []transcode.Coded
		for msn := uint64(100); msn < 103; msn++ {
			if n := len(segments[i][msn]); n != 120/spec.FrameDivisor {
				t.Errorf("%s: segment %d has %d pictures", spec.ID, msn, n)
			}
			all = append(all, segments[i][msn]...)
		}
		var pts []media.Ticks
		for _, coded := range all {
			pts = append(pts, coded.AU.PTS)
			if coded.Starts && coded.AU.PTS != at[int(coded.MSN-100)*120].PTS {
				t.Errorf("%s: segment %d opens at %d", spec.ID, coded.MSN, coded.AU.PTS)
			}
		}
		slices.Sort(pts)
		if want := presentation(c.units, spec.FrameDivisor, at); !slices.Equal(pts, want) {
			t.Errorf("%s: %d pictures, want %d", spec.ID, len(pts), len(want))
		}
	}
	if stats := s.Stats(); stats.Restarts != 1 || len(tracks) != len(rungs) {
		t.Errorf("stats %+v; %d tracks for %d rungs: a restart must not change the parameters", stats, len(tracks), len(rungs))
	}
}

// The worker leaves at once when the gateway is gone or asks it to.
func TestWorkerLeaves(t *testing.T) {
	c := readClip(t, mediaFile(t, "src_bee_720p30.mp4"), "v:0")
	rungs := transcode.Ladder(c.track, transcode.LadderConfig{})
	for name, ask := range map[string]func(*os.Process, *os.File) error{
		"end of input": func(_ *os.Process, in *os.File) error { return in.Close() },
		"SIGTERM":      func(p *os.Process, _ *os.File) error { return p.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			in, feed, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			self, _ := os.Executable()
			null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			p, err := os.StartProcess(self, []string{self}, &os.ProcAttr{Env: []string{workerEnv + "=1"}, Files: []*os.File{in, null, null}})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = in.Close(), null.Close()
			w := transcode.NewWriter(feed)
			for _, m := range []transcode.Message{transcode.Hello{Version: transcode.WireVersion}, transcode.Order{Mode: transcode.ModeVideo, Rungs: rungs}, transcode.TrackChange{Track: *c.track}, transcode.BoundaryAt{MSN: 1}} {
				if err = w.Write(m); err != nil {
					t.Fatal(err)
				}
			}
			for _, au := range c.units[:30] {
				if err = w.Write(transcode.Unit{AU: au}); err != nil {
					t.Fatal(err)
				}
			}
			if err = ask(p, feed); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			state, err := p.Wait()
			if err != nil {
				t.Fatal(err)
			}
			if name == "SIGTERM" && state.ExitCode() != 0 {
				t.Errorf("%s; want an orderly end", state)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("took %s to leave", took)
			}
			_ = feed.Close()
		})
	}
}
