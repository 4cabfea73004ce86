package libav

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// reportQuality compares two programs' rungs with the source they were made of.
func reportQuality(b *testing.B, source string, rungs []transcode.Rung, ours, theirs []string) {
	b.Helper()
	measures := map[string]func(*testing.B, string, string, transcode.Rung) float64{"ssim": benchSSIM}
	if os.Getenv("WEIR_VMAF_FFMPEG") != "" {
		measures["vmaf"] = vmaf
	}
	for name, measure := range measures {
		worst := -1e9
		for i, r := range rungs {
			us, them := measure(b, ours[i], source, r), measure(b, theirs[i], source, r)
			b.Logf("%s: %s %.4f, the command line's %.4f", r.ID, name, us, them)
			worst = max(worst, them-us)
		}
		b.ReportMetric(worst, name+"-loss")
	}
}

func benchSSIM(b *testing.B, rung, source string, r transcode.Rung) float64 {
	b.Helper()
	graph := fmt.Sprintf("[0:v]setpts=N/(30*TB)[a];[1:v]scale=%d:%d:flags=bicubic,setpts=N/(30*TB)[b];[a][b]ssim", r.Width, r.Height)
	return score(b, tool(b, "ffmpeg"), rung, source, graph, `SSIM.*All:([0-9.]+)`)
}

// vmaf is taken at the source's size, as the model is for 1080p, of each tenth
// picture.
func vmaf(b *testing.B, rung, source string, _ transcode.Rung) float64 {
	b.Helper()
	graph := "[0:v]scale=1920:1080:flags=bicubic,setpts=N/(30*TB)[a];[1:v]setpts=N/(30*TB)[b];[a][b]libvmaf=n_subsample=10:model_path=" + os.Getenv("WEIR_VMAF_MODEL")
	return score(b, os.Getenv("WEIR_VMAF_FFMPEG"), rung, source, graph, `VMAF score = ([0-9.]+)`)
}

func score(b *testing.B, program, rung, source, graph, pattern string) float64 {
	b.Helper()
	out, err := exec.Command(program, "-nostdin", "-v", "info", "-r", "30", "-i", rung, "-i", source, "-lavfi", graph, "-f", "null", "-").CombinedOutput()
	found := regexp.MustCompile(pattern).FindSubmatch(out)
	if err != nil || found == nil {
		b.Fatalf("%s: %v\n%s", graph, err, out)
	}
	v, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// BenchmarkLatency1080p30 feeds a worker process in real time, as a publisher
// does, with each latency setting. It reports, over all rungs,
//
//   - p50-ms, p95-ms: from the writing of a picture's access unit to the
//     arrival of its encoded form,
//   - cpu-s: the worker's CPU seconds for ten seconds of the source,
//   - ssim: of the first rung.
func BenchmarkLatency1080p30(b *testing.B) {
	file := b.TempDir() + "/source.flv"
	ffmpeg(b, "-i", mediaFile(b, "camera_1080p30_6M_cbr.flv"), "-an", "-c", "copy", "-t", strconv.Itoa(benchSeconds), file)
	c := readClip(b, file, "v:0")
	rungs := transcode.Ladder(c.track, transcode.LadderConfig{})
	for _, latency := range []transcode.Latency{transcode.LatencyLow, transcode.LatencyBalanced, transcode.LatencyQuality} {
		b.Run(string(latency), func(b *testing.B) {
			var delays []time.Duration
			var cpu time.Duration
			var first float64
			for b.Loop() {
				cmd, w, r := startWorker(b)
				sent := feedInTime(b, c, w, transcode.Order{Mode: transcode.ModeVideo, Rungs: rungs, Latency: latency})
				var answers []transcode.Message
				for m, err := r.Read(); err == nil; m, err = r.Read() {
					if coded, ok := m.(transcode.Coded); ok {
						delays = append(delays, time.Since(sent(coded.AU.PTS)))
					}
					answers = append(answers, m)
				}
				if err := cmd.Wait(); err != nil {
					b.Fatal(err)
				}
				cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
				out := sort(b, answers, len(rungs))
				first = benchSSIM(b, writeRung(b, out.tracks[0], out.coded[0]), file, rungs[0])
			}
			slices.Sort(delays)
			b.ReportMetric(float64(delays[len(delays)/2].Milliseconds()), "p50-ms")
			b.ReportMetric(float64(delays[len(delays)*95/100].Milliseconds()), "p95-ms")
			b.ReportMetric(cpu.Seconds()/float64(b.N), "cpu-s")
			b.ReportMetric(first, "ssim")
		})
	}
}

// feedInTime writes the clip at the pace of its DTS. What it returns tells
// when the picture with a PTS was written.
func feedInTime(b *testing.B, c clip, w *transcode.Writer, order transcode.Order) (sent func(media.Ticks) time.Time) {
	b.Helper()
	begin := time.Now()
	zero := c.units[0].DTS
	at := func(dts media.Ticks) time.Time { return begin.Add(media.VideoTimescale.Duration(dts - zero)) }
	written := map[media.Ticks]time.Time{}
	for _, au := range c.units {
		written[au.PTS] = at(au.DTS)
	}
	go func() {
		for _, m := range append([]transcode.Message{transcode.Hello{Version: transcode.WireVersion}, order}, script(c, boundariesOf(c.units))...) {
			if u, ok := m.(transcode.Unit); ok {
				<-time.After(time.Until(at(u.AU.DTS)))
			}
			if w.Write(m) != nil {
				return
			}
		}
	}()
	return func(pts media.Ticks) time.Time { return written[pts] }
}
