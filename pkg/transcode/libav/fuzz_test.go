package libav

import (
	"bytes"
	"encoding/binary"
	"io"
	"os/exec"
	"path/filepath"
	"testing"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// fuzzOrders are what the fuzzed worker is told to make: of video two small
// rungs, or sound.
func fuzzOrders() [2]transcode.Order {
	rung := transcode.Rung{
		ID: "48p", Width: 64, Height: 48, FrameRate: media.Rational{Num: 25, Den: 1}, FrameDivisor: 1,
		Bitrate: 100_000, MaxRate: 150_000, BufferSize: 75_000, Profile: "high", Level: 30, Preset: "ultrafast",
	}
	half := rung
	half.ID, half.Width, half.Height, half.FrameDivisor = "24p", 32, 24, 2
	return [2]transcode.Order{
		{Mode: transcode.ModeVideo, Rungs: []transcode.Rung{rung, half}, Latency: transcode.LatencyLow},
		{Mode: transcode.ModeAudio, Bitrate: 64_000},
	}
}

func wire(messages ...transcode.Message) []byte {
	var out bytes.Buffer
	w := transcode.NewWriter(&out)
	for _, m := range messages {
		_ = w.Write(m) // to memory
	}
	return out.Bytes()
}

// scriptOf is what a gateway says to have a clip encoded, with all that it can
// say in between.
func scriptOf(c clip) []byte {
	messages := []transcode.Message{transcode.TrackChange{Track: *c.track}}
	for i, au := range c.units {
		switch {
		case i%10 == 0:
			messages = append(messages, transcode.BoundaryAt{MSN: uint64(1 + i/10), PTS: au.PTS})
		case i == 15:
			messages = append(messages, transcode.Paces{Paces: []transcode.Pace{transcode.PaceHalf, transcode.PaceOff}})
		case i == 25:
			messages = append(messages, transcode.Resync{}, transcode.TrackChange{Track: *c.track})
		}
		messages = append(messages, transcode.Unit{AU: au})
	}
	return wire(append(messages, transcode.End{})...)
}

// Whatever comes down the pipe after the order, the worker ends by itself, with
// nothing left of what it has taken from libav.
func FuzzRun(f *testing.F) {
	f.Add(false, wire(transcode.End{}))
	f.Add(true, wire(transcode.TrackChange{}, transcode.Unit{}, transcode.End{}))
	if _, err := exec.LookPath("ffmpeg"); err == nil {
		for i, said := range fuzzScripts(f) {
			f.Add(i == 1, said)
		}
	}
	f.Fuzz(func(t *testing.T, sound bool, said []byte) {
		checkRun(t, sound, said)
	})
}

// Messages whose framing holds and whose bytes do not: data edits those of a
// real script, four bytes an edit.
func FuzzRunEdits(f *testing.F) {
	scripts := fuzzScripts(f)
	f.Add(false, []byte{0, 1, 0, 255})
	f.Add(true, []byte{0, 40, 0, 9, 3, 200, 0, 0})
	f.Fuzz(func(t *testing.T, sound bool, edits []byte) {
		said := scripts[0]
		if sound {
			said = scripts[1]
		}
		said = bytes.Clone(said)
		heads := headsOf(said)
		for ; len(edits) >= 4; edits = edits[4:] {
			at := (int(edits[0])<<16 | int(edits[1])<<8 | int(edits[2])) % len(said)
			if !heads[at] {
				said[at] ^= edits[3]
			}
		}
		checkRun(t, sound, said)
	})
}

// headsOf are the places of lengths and kinds in a script.
func headsOf(said []byte) map[int]bool {
	heads := map[int]bool{}
	for at := 0; at < len(said); at += 4 + int(binary.BigEndian.Uint32(said[at:])) {
		for i := range 5 {
			heads[at+i] = true
		}
	}
	return heads
}

// fuzzScripts are what a gateway says of a small picture, and of sound.
func fuzzScripts(f *testing.F) [2][]byte {
	f.Helper()
	file := filepath.Join(f.TempDir(), "tiny.mp4")
	ffmpeg(f, "-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=1.6", "-f", "lavfi", "-i", "sine=d=1.6",
		"-c:v", "libx264", "-g", "10", "-pix_fmt", "yuv420p", "-c:a", "mp2", file)
	sound := readClip(f, file, "a:0")
	messages := []transcode.Message{transcode.TrackChange{Track: *sound.track}}
	for _, au := range sound.units[:30] {
		messages = append(messages, transcode.Unit{AU: au})
	}
	return [2][]byte{scriptOf(readClip(f, file, "v:0")), wire(append(messages, transcode.End{})...)}
}

// checkRun has a worker hear what was said, after hello and order.
func checkRun(t *testing.T, sound bool, said []byte) {
	t.Helper()
	order := fuzzOrders()[0]
	if sound {
		order = fuzzOrders()[1]
	}
	in := append(wire(transcode.Hello{Version: transcode.WireVersion}, order), said...)
	var acc account
	// The error is whatever the script deserves.
	_ = run(t.Context(), bytes.NewReader(in), io.Discard, &acc)
	if frames, packets := acc.frames.Load(), acc.packets.Load(); frames != 0 || packets != 0 {
		t.Errorf("%d frames and %d packets are left", frames, packets)
	}
}
