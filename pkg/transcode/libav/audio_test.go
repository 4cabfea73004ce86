package libav

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// adts puts AAC-LC frames into the stream that decoders read without a
// container (ISO/IEC 14496-3, 1.A.2.2).
func adts(track media.Track, coded []transcode.Coded) []byte {
	index := byte(3)
	if track.SampleRate == 44_100 {
		index = 4
	}
	var out []byte
	for _, c := range coded {
		size := len(c.AU.Data) + 7
		out = append(out, 0xff, 0xf1, 1<<6|index<<2, byte(track.Channels)<<6|byte(size>>11), byte(size>>3), byte(size<<5)|0x1f, 0xfc)
		out = append(out, c.AU.Data...)
	}
	return out
}

// mono decodes to one channel of samples; the first belongs at time 0 of the
// file.
func mono(t *testing.T, rate int, args ...string) []float32 {
	t.Helper()
	args = append(args, "-ac", "1", "-ar", strconv.Itoa(rate), "-f", "f32le", "-")
	raw := ffmpeg(t, args...)
	return floats(raw)
}

// lag finds how many samples b comes after a, by correlation over a second
// from place on, within half the span on either side.
func lag(a, b []float32, rate, place, span int) (samples int, likeness float64) {
	window := a[place : place+rate]
	best := -1.0
	for shift := -span; shift <= span; shift++ {
		other := b[place+shift : place+shift+rate]
		var ab, aa, bb float64
		for i := 0; i < rate; i += 3 {
			x, y := float64(window[i]), float64(other[i])
			ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
		}
		if c := ab / math.Sqrt(aa*bb+1e-12); c > best {
			best, samples = c, shift
		}
	}
	return samples, best
}

func encodeAudio(t *testing.T, c clip) result {
	t.Helper()
	order := transcode.Order{Mode: transcode.ModeAudio, Stream: "test", Bitrate: 128_000}
	answers, acc, err := talk(t, order, script(c, nil))
	if err != nil {
		t.Fatal(err)
	}
	if f, p := acc.frames.Load(), acc.packets.Load(); f != 0 || p != 0 {
		t.Errorf("%d frames and %d packets were not freed", f, p)
	}
	return sort(t, answers, 1)
}

// checkGrid checks that the frames follow each other on the grid.
func checkGrid(t *testing.T, coded []transcode.Coded) {
	t.Helper()
	for i, c := range coded {
		if c.AU.PTS%frameSamples != 0 || c.AU.DTS != c.AU.PTS || !c.AU.Sync || c.AU.Duration != frameSamples {
			t.Fatalf("frame %d is off the grid: %+v", i, c.AU.PTS)
		}
		if i > 0 && c.AU.PTS != coded[i-1].AU.PTS+frameSamples {
			t.Fatalf("frame %d: PTS %d after %d", i, c.AU.PTS, coded[i-1].AU.PTS)
		}
	}
}

// timeline decodes what came out and puts it where its times say.
func timeline(t *testing.T, r result) []float32 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.aac")
	if err := os.WriteFile(path, adts(r.tracks[0], r.coded[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	samples := mono(t, r.tracks[0].SampleRate, "-i", path)
	first := int(r.coded[0][0].AU.PTS)
	if first < 0 {
		return samples[-first:]
	}
	return append(make([]float32, first), samples...)
}

// What was heard at a time in the source is heard at that time in the output,
// whatever the codec, the channels and the rate.
func TestAudioKeepsItsPlace(t *testing.T) {
	movie := mediaFile(t, "bbb_480p24_aac51.mp4")
	for name, c := range map[string]struct {
		file string
		// args make the source out of file, of the kind of ext; nothing if
		// it is taken as it is.
		args []string
		ext  string
		rate int
	}{
		"AAC 5.1":       {movie, nil, "", 48_000},
		"AAC 44.1 kHz":  {mediaFile(t, "opengop_bframes_720p30_44k1.mp4"), nil, "", 44_100},
		"MP3 in FLV":    {movie, []string{"-c:a", "libmp3lame", "-ac", "2", "-ar", "44100"}, "flv", 44_100},
		"MP3 22 kHz":    {movie, []string{"-c:a", "libmp3lame", "-ac", "1", "-ar", "22050"}, "flv", 48_000},
		"AAC 32 kHz":    {movie, []string{"-c:a", "aac", "-ac", "2", "-ar", "32000"}, "mp4", 48_000},
		"AAC mono 16 k": {movie, []string{"-c:a", "aac", "-ac", "1", "-ar", "16000"}, "mp4", 48_000},
	} {
		t.Run(name, func(t *testing.T) {
			file := c.file
			if c.ext != "" {
				file = filepath.Join(t.TempDir(), "source."+c.ext)
				ffmpeg(t, append(append([]string{"-i", c.file, "-vn", "-t", "7"}, c.args...), file)...)
			}
			source := readClip(t, file, "a:0")
			source.units = source.units[:min(len(source.units), 330)]
			r := encodeAudio(t, source)
			checkGrid(t, r.coded[0])
			track := r.tracks[0]
			if track.SampleRate != c.rate || track.Channels != 2 || int(track.Timescale) != c.rate || len(track.Config) < 2 {
				t.Fatalf("track %+v, want stereo at %d Hz", track, c.rate)
			}
			want := mono(t, c.rate, "-i", file, "-vn", "-af", "aresample=async=1:first_pts=0")
			got := timeline(t, r)
			place := 3 * c.rate
			if len(want) < place+2*c.rate || len(got) < place+2*c.rate {
				place = c.rate
			}
			samples, likeness := lag(want, got, c.rate, place, c.rate/50)
			ms := float64(samples) * 1000 / float64(c.rate)
			t.Logf("offset %.2f ms, correlation %.3f", ms, likeness)
			if math.Abs(ms) >= 5 || likeness < 0.9 {
				t.Errorf("offset %.2f ms at a correlation of %.3f", ms, likeness)
			}
		})
	}
}

// Access units that are missing become silence, and what follows keeps its
// place; damaged ones are the same.
func TestAudioGapsAreSilent(t *testing.T) {
	c := readClip(t, mediaFile(t, "bbb_480p24_aac51.mp4"), "a:0")
	c.units = c.units[:300]
	whole := timeline(t, encodeAudio(t, c))
	broken := c
	broken.units = append(append([]media.AccessUnit{}, c.units[:100]...), c.units[130:]...)
	broken.units[110].Data = nil
	r := encodeAudio(t, broken)
	checkGrid(t, r.coded[0])
	if r.last.Damaged != 1 {
		t.Errorf("%d damaged units, want 1", r.last.Damaged)
	}
	got := timeline(t, r)
	from, to := int(c.units[105].PTS), int(c.units[125].PTS)
	for i := from; i < to; i++ {
		if math.Abs(float64(got[i])) > 1e-3 {
			t.Fatalf("sound %f in the gap", got[i])
		}
	}
	if samples, likeness := lag(whole, got, 48_000, int(c.units[200].PTS), 960); samples != 0 || likeness < 0.95 {
		t.Errorf("after the gap the sound is %d samples off (correlation %.3f)", samples, likeness)
	}
}

// A worker that starts later makes frames at the same places with the same
// sound, so that one can take over from another.
func TestAudioWorkersAgree(t *testing.T) {
	c := readClip(t, mediaFile(t, "bbb_480p24_aac51.mp4"), "a:0")
	c.units = c.units[:300]
	first := timeline(t, encodeAudio(t, c))
	late := c
	late.units = c.units[77:]
	second := timeline(t, encodeAudio(t, late))
	if samples, likeness := lag(first, second, 48_000, int(c.units[150].PTS), 500); samples != 0 || likeness < 0.95 {
		t.Errorf("%d samples apart, correlation %.3f", samples, likeness)
	}
}

func TestAudioDiscontinuity(t *testing.T) {
	c := readClip(t, mediaFile(t, "bbb_480p24_aac51.mp4"), "a:0")
	c.units = append([]media.AccessUnit{}, c.units[:100]...)
	for i := 50; i < 100; i++ {
		c.units[i].PTS += 100_000
		c.units[i].DTS += 100_000
	}
	c.units[50].Discontinuity = true
	r := encodeAudio(t, c)
	jumps := 0
	for i, coded := range r.coded[0][1:] {
		step := coded.AU.PTS - r.coded[0][i].AU.PTS
		if coded.AU.PTS%frameSamples != 0 || step <= 0 {
			t.Fatalf("PTS %d after %d", coded.AU.PTS, r.coded[0][i].AU.PTS)
		}
		if step != frameSamples {
			jumps++
		}
	}
	if jumps != 1 {
		t.Errorf("%d jumps, want the one of the source", jumps)
	}
	if !bytes.Equal(r.tracks[0].Config, []byte{0x11, 0x90, 0x56, 0xe5, 0}) && len(r.tracks[0].Config) < 2 {
		t.Errorf("config %x", r.tracks[0].Config)
	}
}
