//go:build e2e

package e2e

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os/exec"
	"slices"
	"strconv"
	"testing"
)

// flashes are the times, in seconds, at which the picture turns white. times
// are those of the file's pictures.
func flashes(t *testing.T, file string, times []float64) []float64 {
	t.Helper()
	luma := decoded(t, file, "-an", "-vf", "scale=1:1:flags=area,format=gray", "-fps_mode", "passthrough", "-f", "rawvideo", "-")
	if len(luma) != len(times) {
		t.Fatalf("%s: %d pictures were decoded, %d have a time", file, len(luma), len(times))
	}
	var out []float64
	for i := 1; i < len(luma); i++ {
		if luma[i-1] < 100 && luma[i] >= 100 {
			out = append(out, times[i])
		}
	}
	return out
}

// beeps are the times, in seconds, at which the tone sets in.
func beeps(t *testing.T, file string) []float64 {
	t.Helper()
	const (
		rate  = 48_000
		loud  = 3000
		quiet = rate / 20 // samples: 50 ms
	)
	raw := decoded(t, file, "-vn", "-ac", "1", "-ar", strconv.Itoa(rate), "-f", "s16le", "-")
	start := presentationTimes(t, file, "a:0")[0]
	var out []float64
	silence := 0
	for i := 0; i+1 < len(raw); i += 2 {
		if v := int16(binary.LittleEndian.Uint16(raw[i:])); v > loud || v < -loud {
			if silence > quiet {
				out = append(out, start+float64(i/2)/rate)
			}
			silence = 0
		} else {
			silence++
		}
	}
	return out
}

func decoded(t *testing.T, file string, arguments ...string) []byte {
	t.Helper()
	out, err := exec.Command(program(t, "ffmpeg"), append([]string{"-nostdin", "-v", "error", "-i", file}, arguments...)...).Output()
	if err != nil {
		t.Fatalf("decode %s: %v", file, err)
	}
	return out
}

// presentationTimes are those of the packets, in order of presentation.
func presentationTimes(t *testing.T, file, stream string) []float64 {
	t.Helper()
	out, err := exec.Command(program(t, "ffprobe"), "-v", "error", "-select_streams", stream, "-show_entries", "packet=pts_time", "-of", "json", file).Output()
	if err != nil {
		t.Fatalf("ffprobe %s: %v", file, err)
	}
	var probe struct {
		Packets []struct {
			PTS string `json:"pts_time"`
		}
	}
	if err := json.Unmarshal(out, &probe); err != nil {
		t.Fatal(err)
	}
	var times []float64
	for _, p := range probe.Packets {
		if at, err := strconv.ParseFloat(p.PTS, 64); err == nil {
			times = append(times, at)
		}
	}
	slices.Sort(times)
	return times
}

// offset is by how many seconds a beep comes after the flash nearest to it,
// the median over all beeps.
func offset(t *testing.T, flashes, beeps []float64) float64 {
	t.Helper()
	var all []float64
	for _, beep := range beeps {
		nearest := math.Inf(1)
		for _, flash := range flashes {
			if d := beep - flash; math.Abs(d) < math.Abs(nearest) {
				nearest = d
			}
		}
		if math.Abs(nearest) < 0.5 {
			all = append(all, nearest)
		}
	}
	if len(all) < 5 {
		t.Fatalf("%d beeps have a flash, of %d beeps and %d flashes", len(all), len(beeps), len(flashes))
	}
	slices.Sort(all)
	return all[len(all)/2]
}
