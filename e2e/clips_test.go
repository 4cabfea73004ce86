//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// media is where the real clips are, beside the checkout.
const media = "../../shared/media"

// cached makes a clip once, outside the checkout, and keeps it.
func cached(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	home, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(home, "weir", "clips")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	clip := filepath.Join(folder, name)
	defer alone(t, clip)() // tests that run side by side want the same one
	if _, err := os.Stat(clip); err == nil {
		return clip
	}
	part := filepath.Join(folder, "new-"+name)
	arguments = append(append([]string{"-nostdin", "-v", "error", "-y"}, arguments...), part)
	if out, err := exec.Command(program(t, "ffmpeg"), arguments...).CombinedOutput(); err != nil {
		t.Fatalf("make the clip %s: %v\n%s", name, err, out)
	}
	if err := os.Rename(part, clip); err != nil {
		t.Fatal(err)
	}
	return clip
}

// alone waits until nobody else makes the file, and returns what lets others go on.
func alone(t *testing.T, file string) func() {
	t.Helper()
	lock, err := os.Create(file + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return func() { _ = lock.Close() }
}

// encoding is what OBS sends when it is set up as the README says: CBR, a
// keyframe every 2 s, AAC stereo.
func encoding() []string {
	return []string{
		"-c:v", "libx264", "-preset", "superfast", "-profile:v", "high", "-pix_fmt", "yuv420p",
		"-b:v", "2500k", "-maxrate", "2500k", "-bufsize", "2500k",
		"-g", "60", "-keyint_min", "60", "-sc_threshold", "0", "-bf", "2",
		"-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2",
	}
}

// cameraClip is a minute and a half of camera pictures at 720p30.
func cameraClip(t *testing.T) string {
	t.Helper()
	source := filepath.Join(media, "camera_1080p30_6M_cbr.flv")
	if _, err := os.Stat(source); err != nil {
		missing(t, source)
	}
	arguments := append([]string{"-stream_loop", "2", "-i", source, "-t", "90", "-vf", "scale=1280:720,fps=30"}, encoding()...)
	return cached(t, "camera-720p30-90s.flv", arguments...)
}

// beepClip flashes and beeps at each full second, for 40 s.
func beepClip(t *testing.T) string {
	t.Helper()
	arguments := append([]string{
		"-f", "lavfi", "-i", "color=black:size=1280x720:rate=30,drawbox=color=white:thickness=fill:enable='lt(mod(t,1),0.1)'",
		"-f", "lavfi", "-i", "aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.1)':sample_rate=48000",
		"-t", "40",
	}, encoding()...)
	return cached(t, "beep-720p30-40s.flv", arguments...)
}

// longClip has a keyframe every 10 s.
func longClip(t *testing.T) string {
	t.Helper()
	source := filepath.Join(media, "src_butterfly_720p30.mp4")
	if _, err := os.Stat(source); err != nil {
		missing(t, source)
	}
	arguments := append([]string{"-stream_loop", "4", "-i", source, "-t", "35", "-vf", "fps=30"}, encoding()...)
	arguments = append(arguments, "-g", "300", "-keyint_min", "300")
	return cached(t, "long-720p30-35s.flv", arguments...)
}
