//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"io"
	"os/exec"
	"testing"
	"time"
)

// A clock burnt into the picture: its top eighteenth is 32 blocks, white for 1,
// of which 24 are the Unix time in milliseconds, modulo 2^24, most significant
// first, and 8 a checksum. observe.js reads it from the canvas.
const (
	clockBits   = 32
	clockHeight = 18 // of the picture's height
)

// clockBlocks is what the clock shows at now.
func clockBlocks(now time.Time) uint32 {
	ms := uint32(now.UnixMilli()) & 0xffffff
	sum := (ms>>16 ^ ms>>8 ^ ms ^ 0x5a) & 0xff
	return ms<<8 | sum
}

// camera is a camera that films a clip and a clock: raw pictures in real time,
// which ffmpeg encodes as OBS does and publishes.
type camera struct {
	width, height int
	pictures      [][]byte // 4:2:0
}

// openCamera holds the first seconds of a clip in memory.
func openCamera(t *testing.T, clip string, width, height int) *camera {
	t.Helper()
	c := &camera{width: width, height: height}
	const held = 60
	scale := "scale=" + itoa(width) + ":" + itoa(height) + ",fps=30,format=yuv420p"
	raw := decoded(t, clip, "-an", "-vf", scale, "-frames:v", itoa(held), "-f", "rawvideo", "-")
	size := width * height * 3 / 2
	for ; len(raw) >= size; raw = raw[size:] {
		c.pictures = append(c.pictures, raw[:size])
	}
	if len(c.pictures) != held {
		t.Fatalf("%d pictures of the clip, want %d", len(c.pictures), held)
	}
	return c
}

// picture is the nth picture, back and forth through the clip, with the clock.
func (c *camera) picture(n int, now time.Time) []byte {
	k := n % (2*len(c.pictures) - 2)
	if k >= len(c.pictures) {
		k = 2*len(c.pictures) - 2 - k
	}
	p, bits := c.pictures[k], clockBlocks(now)
	for y := range c.height / clockHeight {
		row := p[y*c.width:][:c.width]
		for x := range row {
			row[x] = 16
			if bits>>(clockBits-1-x*clockBits/c.width)&1 == 1 {
				row[x] = 235
			}
		}
	}
	return p
}

// film publishes what the camera sees until the test ends.
func (w *weir) film(c *camera) {
	w.t.Helper()
	const rate = 30
	arguments := []string{
		"-nostdin", "-v", "warning", "-fflags", "nobuffer", "-probesize", "32",
		"-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", itoa(c.width) + "x" + itoa(c.height), "-framerate", itoa(rate), "-i", "-",
		"-f", "lavfi", "-i", "sine=f=440:r=48000",
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1", "-g", itoa(2 * rate), "-sc_threshold", "0",
		"-b:v", "4M", "-maxrate", "4M", "-bufsize", "4M", "-c:a", "aac", "-b:a", "128k",
		"-flush_packets", "1", "-f", "flv", w.publishURL(),
	}
	cmd := exec.Command(program(w.t, "ffmpeg"), arguments...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	var log tail
	stderr, err := cmd.StderrPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			log.add(lines.Text())
		}
	}()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.run(ctx, stdin, rate)
	}()
	w.t.Cleanup(func() {
		cancel()
		_ = cmd.Process.Kill()
		<-done
		_ = cmd.Wait()
		if w.t.Failed() {
			w.t.Logf("the camera's ffmpeg:\n%s", log.String())
		}
	})
}

// run writes pictures at their times until ctx ends.
func (c *camera) run(ctx context.Context, to io.Writer, rate int) {
	began := time.Now()
	for n := 0; ; n++ {
		select {
		case <-time.After(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(rate)))):
		case <-ctx.Done():
			return
		}
		if _, err := to.Write(c.picture(n, time.Now())); err != nil {
			return
		}
	}
}
