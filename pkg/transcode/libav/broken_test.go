package libav

import (
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// brokenCases are sources that change or lose something in mid-stream.
func brokenCases() []sourceCase {
	with := func(name string, change func(t *testing.T, r *recording)) sourceCase {
		return sourceCase{
			name: name, rate: "30", change: change,
			args: "-vf setpts=N/30/TB -r 30 -t 4.2" + x264 + "-g 60 -sc_threshold 0 -bf 2",
		}
	}
	jump := func(by time.Duration, from int) func(*testing.T, *recording) {
		return func(_ *testing.T, r *recording) { r.shift(r.keyframe(1)+from, by) }
	}
	// Lost pictures are the last of a GOP, as encoders drop up to a keyframe.
	lose := func(n int) func(*testing.T, *recording) {
		return func(_ *testing.T, r *recording) {
			k := r.keyframe(2)
			r.units = slices.Delete(r.units, k-n, k)
		}
	}
	become := func(args ...string) func(*testing.T, *recording) {
		return func(t *testing.T, r *recording) {
			t.Helper()
			file := filepath.Join(t.TempDir(), "second.mp4")
			ffmpeg(t, append(append([]string{"-i", r.pictures[&r.units[0].Data[0]].file, "-frames:v", "70"}, args...), file)...)
			r.units = r.units[:r.keyframe(2)]
			r.follow(record(t, file))
		}
	}
	return []sourceCase{
		with("a gap of 0.5 s", lose(15)),
		with("a gap of 1.5 s", lose(45)),
		with("five hours forward", jump(5*time.Hour, 0)),
		with("five hours forward between keyframes", jump(5*time.Hour, 20)),
		with("five hours back", func(t *testing.T, r *recording) {
			t.Helper()
			r.shift(0, 6*time.Hour)
			jump(-5*time.Hour, 0)(t, r)
		}),
		with("another size", become("-vf", "scale=640:360", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "22")),
		with("a smaller size", become("-vf", "scale=320:180", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "22")),
		with("other parameters", become("-c:v", "libx264", "-preset", "veryfast", "-crf", "22", "-profile:v", "baseline", "-refs", "4")),
		with("twice the frame rate", become("-r", "60", "-vf", "setpts=N/60/TB", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "22")),
		with("10 bit from now on", become("-pix_fmt", "yuv422p10le", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "22")),
	}
}
