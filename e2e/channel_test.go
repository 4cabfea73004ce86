//go:build e2e

package e2e

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// tone is 8 s of moving pictures and a sine that never pauses, of a given size.
func tone(t *testing.T, size string) string {
	t.Helper()
	arguments := append([]string{
		"-f", "lavfi", "-i", "testsrc2=size=" + size + ":rate=30", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", "8",
	}, small(60)...)
	return cached(t, "tone-"+size+"-30-8s.flv", append(arguments, "-c:a", "aac", "-b:a", "96k")...)
}

// halves are two files that were one: what follows the seam between them is what
// followed it there.
func halves(t *testing.T, clip string) (files [2]string) {
	t.Helper()
	raw, err := os.ReadFile(clip)
	if err != nil {
		t.Fatal(err)
	}
	const middle = 4000
	for i, half := range [][]byte{cutFLV(raw, 0, middle), cutFLV(raw, middle, math.MaxUint32)} {
		files[i] = filepath.Join(t.TempDir(), "half.flv")
		if err := os.WriteFile(files[i], half, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestChannelSeams plays two files that are alike and one that is not, again and again:
// a player plays on over every seam, weir verify finds nothing wrong, and between the
// two that are alike neither a picture nor a sample of sound is missing.
func TestChannelSeams(t *testing.T) {
	t.Parallel()
	alike, other := halves(t, tone(t, "640x360")), halves(t, tone(t, "480x270"))
	config := filepath.Join(t.TempDir(), "weir.yaml")
	text := fmt.Sprintf("channels: [{name: main, files: ['%s', '%s', '%s']}]\n", alike[0], alike[1], other[0])
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b := openBrowser(t)
	w := start(t, t.TempDir(), "--config", config, "--transcode.ladder", "source")
	b.play("hls", w.url("index.m3u8"), nil)
	b.wait("hls", "window.report().playingAt", 20*time.Second)
	began := b.report("hls").Time
	verified(t, w)
	b.wait("hls", fmt.Sprintf("window.report().time > %f", began+17), 40*time.Second) // four seams and more
	r := b.report("hls")
	t.Logf("hls: %.1f s played, stalls %.0f, sizes %v, got over %v", r.Time-began, r.Stalls, r.Heights, r.Notes)
	for _, s := range r.Stalls {
		if s.Ms > 200 {
			t.Errorf("hls.js stood still for %.0f ms", s.Ms)
		}
	}
	if r.Paused || len(r.Errors) > 0 {
		t.Errorf("hls.js: paused %v, errors %v", r.Paused, r.Errors)
	}

	video, sound := w.fetchPeriods("source"), w.fetchPeriods("audio")
	checkPeriods(t, video, true)
	checkPeriods(t, sound, false)
	checkBeside(t, video, sound)
	end, whole := math.NaN(), 0
	for i, p := range video {
		times := p.shown()
		for j := 1; j < len(times); j++ {
			if step := times[j] - times[j-1]; math.Abs(step-1.0/30) > 0.0021 {
				t.Errorf("period %d: picture %d comes %.1f ms after the one before", i, j, 1000*step)
			}
		}
		// Another picture begins where the sound of the one before has ended.
		if gap := times[0] - end; gap > 1024.0/48_000 || gap < -0.002 {
			t.Errorf("period %d begins %.1f ms after the end of the one before", i, 1000*gap)
		}
		end = times[len(times)-1] + 1.0/30
		// What is alike is one period of 8 s, with the seam in its middle.
		if len(p.segments) == 4 {
			whole++
			expectSteadyTone(t, sound[i])
		}
	}
	if whole == 0 || len(video) < 3 {
		t.Errorf("%d periods, of which %d have two files:\n%s", len(video), whole, video[0].text)
	}
}

// expectSteadyTone decodes sound and holds that it is as loud in every hundredth of a
// second, but for the first ones, in which encoders begin, and the last, which may have
// no whole frame any more.
func expectSteadyTone(t *testing.T, w window) {
	t.Helper()
	raw := decoded(t, w.save(t), "-vn", "-ac", "1", "-ar", "48000", "-f", "s16le", "-")
	const step, bytes = 480, 2
	loud := make([]float64, 0, len(raw)/step/bytes)
	for ; len(raw) >= step*bytes; raw = raw[step*bytes:] {
		power := 0.0
		for i := range step {
			sample := float64(int16(binary.LittleEndian.Uint16(raw[i*bytes:])))
			power += sample * sample
		}
		loud = append(loud, math.Sqrt(power/step))
	}
	if len(loud) < 750 {
		t.Fatalf("there are %d ms of sound", 10*len(loud))
	}
	usual := loud[100]
	for i, l := range loud[10 : len(loud)-3] {
		if l < 0.8*usual || l > 1.2*usual {
			t.Errorf("at %d ms the sound is at %.0f %% of what it is otherwise", 10*(i+10), 100*l/usual)
		}
	}
}
