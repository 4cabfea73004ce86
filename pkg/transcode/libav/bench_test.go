package libav

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// benchSeconds is how much of the clip a run takes.
const benchSeconds = 10

// cost is what one run took and made: a plain H.264 file per rung.
type cost struct {
	cpu   time.Duration
	rss   int64 // the most resident memory, in bytes
	bytes []int64
	files []string
}

// BenchmarkLadder1080p30 compares the CPU seconds of the worker with those of
// the ffmpeg program of the same version: the same clip, frame count, bit
// rates, preset and forced keyframes, decode once. Runs are interleaved and
// medians compared. It reports
//
//   - cpu-s: the worker's CPU seconds,
//   - rss-MiB: the most memory that it had resident,
//   - vs-usual: against the usual command line, in which every rung is scaled
//     from the source and x264 has the preset's own B-frames and lookahead,
//   - vs-alike: against a command line with the worker's x264 settings and its
//     order of scaling, so that only the programs differ,
//   - size-usual, size-alike: bytes made, against the same,
//   - ssim-loss, vmaf-loss: how much the worst rung is below the usual command
//     line's; VMAF where WEIR_VMAF_FFMPEG names an ffmpeg program with libvmaf
//     and WEIR_VMAF_MODEL its model.
func BenchmarkLadder1080p30(b *testing.B) {
	version, err := exec.Command(tool(b, "ffmpeg"), "-version").Output()
	if err != nil || !bytes.HasPrefix(version, []byte("ffmpeg version 7.1")) {
		b.Skipf("SKIPPED: the ffmpeg program in PATH is not 7.1; run by way of `make bench`, or PATH=$(scripts/ffmpeg bin):$PATH")
	}
	file := filepath.Join(b.TempDir(), "source.flv")
	ffmpeg(b, "-i", mediaFile(b, "camera_1080p30_6M_cbr.flv"), "-an", "-c", "copy", "-t", strconv.Itoa(benchSeconds), file)
	c := readClip(b, file, "v:0")
	rungs := transcode.Ladder(c.track, transcode.LadderConfig{})
	runs := map[string]func() cost{
		"worker": func() cost { return workerCost(b, c, rungs) },
		"usual":  func() cost { return commandCost(b, file, rungs, usualGraph(rungs), nil) },
		"alike":  func() cost { return commandCost(b, file, rungs, alikeGraph(rungs), alikeOptions()) },
	}
	costs := map[string][]cost{}
	for b.Loop() {
		for _, name := range []string{"worker", "usual", "alike"} {
			costs[name] = append(costs[name], runs[name]())
		}
	}
	reportQuality(b, file, rungs, costs["worker"][0].files, costs["usual"][0].files)
	worker := median(costs["worker"])
	b.ReportMetric(worker.Seconds(), "cpu-s")
	b.ReportMetric(float64(costs["worker"][0].rss>>20), "rss-MiB")
	for _, peer := range []string{"usual", "alike"} {
		b.ReportMetric(worker.Seconds()/median(costs[peer]).Seconds(), "vs-"+peer)
		b.ReportMetric(float64(sum(costs["worker"][0].bytes))/float64(sum(costs[peer][0].bytes)), "size-"+peer)
		b.Logf("%s: %s CPU, bytes per rung %v; worker: %s, %v", peer, median(costs[peer]), costs[peer][0].bytes, worker, costs["worker"][0].bytes)
	}
}

func median(costs []cost) time.Duration {
	var all []time.Duration
	for _, c := range costs {
		all = append(all, c.cpu)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func sum(bytes []int64) (total int64) {
	for _, n := range bytes {
		total += n
	}
	return total
}

// workerCost runs a worker process over the clip.
func workerCost(b *testing.B, c clip, rungs []transcode.Rung) cost {
	b.Helper()
	cmd, w, r := startWorker(b)
	order := transcode.Order{Mode: transcode.ModeVideo, Rungs: rungs, Latency: transcode.LatencyBalanced}
	go func() {
		for _, m := range append([]transcode.Message{transcode.Hello{Version: transcode.WireVersion}, order}, script(c, boundariesOf(c.units))...) {
			if w.Write(m) != nil {
				return
			}
		}
	}()
	var answers []transcode.Message
	var rss int64
	for {
		m, err := r.Read()
		if err != nil {
			break
		}
		answers = append(answers, m)
		if len(answers)%(len(c.units)/4) == 0 {
			// The peak that wait tells of is the parent's, if that is larger.
			rss = int64(memoryOf(b, cmd.Process.Pid, "VmHWM"))
		}
	}
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	made := cost{cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	made.rss = rss
	out := sort(b, answers, len(rungs))
	for i, coded := range out.coded {
		if len(coded) != len(c.units) {
			b.Fatalf("%s: %d pictures, want %d", rungs[i].ID, len(coded), len(c.units))
		}
		made.files = append(made.files, writeRung(b, out.tracks[i], coded))
		size := 0
		for _, au := range coded {
			size += len(au.AU.Data)
		}
		made.bytes = append(made.bytes, int64(size))
	}
	return made
}

// startWorker runs this test program as a worker process.
func startWorker(b *testing.B) (*exec.Cmd, *transcode.Writer, *transcode.Reader) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = []string{workerEnv + "=1"}
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	return cmd, transcode.NewWriter(stdin), transcode.NewReader(stdout)
}

// usualGraph scales every rung from the source.
func usualGraph(rungs []transcode.Rung) string {
	var graph strings.Builder
	fmt.Fprintf(&graph, "[0:v]split=%d", len(rungs))
	for i := range rungs {
		fmt.Fprintf(&graph, "[s%d]", i)
	}
	for i, r := range rungs {
		fmt.Fprintf(&graph, ";[s%d]scale=%d:%d:flags=bicubic[v%d]", i, r.Width, r.Height, i)
	}
	return graph.String()
}

// alikeGraph scales the first rung from the source and the others from it, as
// the worker does with the default ladder of 1080p.
func alikeGraph(rungs []transcode.Rung) string {
	var graph strings.Builder
	fmt.Fprintf(&graph, "[0:v]scale=%d:%d:flags=bicubic,split=%d[v0]", rungs[0].Width, rungs[0].Height, len(rungs))
	for i := range rungs[1:] {
		fmt.Fprintf(&graph, "[s%d]", i+1)
	}
	for i, r := range rungs[1:] {
		fmt.Fprintf(&graph, ";[s%d]scale=%d:%d:flags=bicubic[v%d]", i+1, r.Width, r.Height, i+1)
	}
	return graph.String()
}

func alikeOptions() []string {
	e := effortOf(transcode.LatencyBalanced)
	r := transcode.Rung{Preset: tunedPreset, FrameRate: media.Rational{Num: 30, Den: 1}}
	return []string{
		"-bf", strconv.Itoa(e.bframes), "-rc-lookahead", strconv.Itoa(e.pictures(r)),
		"-x264-params", strings.ReplaceAll(e.x264Params(r), "annexb=0:", ""), "-threads:v", "1",
	}
}

// commandCost runs the ffmpeg program over the clip.
func commandCost(b *testing.B, file string, rungs []transcode.Rung, graph string, options []string) cost {
	b.Helper()
	dir := b.TempDir()
	// As nice as the worker is, for the same share of the caches.
	args := []string{"-n", "1", tool(b, "ffmpeg"), "-v", "error", "-y", "-i", file, "-filter_complex", graph}
	for i, r := range rungs {
		args = append(args, "-map", fmt.Sprintf("[v%d]", i), "-c:v", "libx264", "-preset", r.Preset, "-profile:v", r.Profile,
			"-b:v", strconv.Itoa(r.Bitrate), "-maxrate", strconv.Itoa(r.MaxRate), "-bufsize", strconv.Itoa(r.BufferSize),
			"-g", "1000000", "-sc_threshold", "0", "-forced-idr", "1", "-force_key_frames", "expr:gte(t,n_forced*2)")
		args = append(append(args, options...), "-fps_mode", "passthrough", filepath.Join(dir, r.ID+".h264"))
	}
	cmd := exec.Command(tool(b, "nice"), args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	made := cost{cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	for _, r := range rungs {
		info, err := os.Stat(filepath.Join(dir, r.ID+".h264"))
		if err != nil {
			b.Fatal(err)
		}
		made.bytes = append(made.bytes, info.Size())
		made.files = append(made.files, filepath.Join(dir, r.ID+".h264"))
	}
	return made
}

// BenchmarkWire measures what a coded picture of 20 kB costs on the pipe.
func BenchmarkWire(b *testing.B) {
	var pipe bytes.Buffer
	w, r := transcode.NewWriter(&pipe), transcode.NewReader(&pipe)
	var m transcode.Message = transcode.Coded{Rung: 1, MSN: 1, AU: media.AccessUnit{Data: make([]byte, 20_000)}}
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(m); err != nil {
			b.Fatal(err)
		}
		if _, err := r.Read(); err != nil {
			b.Fatal(err)
		}
	}
}
