package gateway

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/cmplx"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"weir/pkg/ingest"
	"weir/pkg/ingest/mpegts"
	"weir/pkg/media"
	"weir/pkg/publish"
)

// tones are what the audio tracks of the clips sound like, in Hz, and languages what
// they are spoken in.
var (
	tones     = []int{440, 880, 1760}
	languages = []string{"deu", "eng", "fra"}
)

// polyglot makes a clip with an audio track for each tone.
func polyglot(t *testing.T, name string) string {
	t.Helper()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skipf("SKIPPED, NOT TESTED: ffmpeg is not installed: %v", err)
	}
	args := []string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30"}
	maps := []string{"-map", "0"}
	for i, tone := range tones {
		args = append(args, "-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=%d:sample_rate=48000", tone))
		maps = append(maps, "-map", strconv.Itoa(i+1), fmt.Sprintf("-metadata:s:a:%d", i), "language="+languages[i])
	}
	clip := filepath.Join(t.TempDir(), name)
	args = append(append(args, maps...), "-t", "9", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast",
		"-x264-params", "keyint=60:min-keyint=60:scenecut=0", "-c:a", "aac", "-ac", "2", clip)
	if out, failed := exec.CommandContext(t.Context(), ffmpeg, args...).CombinedOutput(); failed != nil {
		t.Skipf("SKIPPED, NOT TESTED: this ffmpeg makes no clip: %v, %s", failed, out)
	}
	return clip
}

// TestAudioTracks publishes a clip with three audio tracks over Enhanced RTMP and as a
// transport stream, and hears the right tone in each of three renditions, cut at the
// same places.
func TestAudioTracks(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(t *testing.T, w *way){
		"Enhanced RTMP": func(t *testing.T, w *way) {
			t.Helper()
			options := publish.Options{File: polyglot(t, "clip.mp4"), URL: "rtmp://" + w.address + "/live/choir", Speed: 100}
			if err := publish.Run(t.Context(), options); err != nil {
				t.Fatal(err)
			}
		},
		"MPEG-TS": func(t *testing.T, w *way) {
			t.Helper()
			stream, err := os.ReadFile(polyglot(t, "clip.ts"))
			if err != nil {
				t.Fatal(err)
			}
			w.feed(t, stream)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWay(t)
			send(t, w)
			st, ok := w.windows.Stream("choir")
			if !ok {
				t.Fatal("nothing was published")
			}
			p, err := st.Wait(t.Context(), func(p *media.Presentation) bool { return p.Ended })
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Windows) != 1+len(tones) {
				t.Fatalf("%d renditions", len(p.Windows))
			}
			for i, tone := range tones {
				window := p.Windows[1+i]
				if got := window.Rendition.Language; got != languages[i][:2] {
					t.Errorf("%s is in %q", window.Rendition.ID, got)
				}
				if got := heardTone(t, window); got != tone {
					t.Errorf("%s sounds at %d Hz, want %d", window.Rendition.ID, got, tone)
				}
				for n, seg := range window.Segments {
					if same := p.Windows[0].Segments[n]; seg.Gap || seg.MSN != same.MSN || seg.Period != same.Period {
						t.Errorf("segment %d of %s is %+v, of the source %+v", n, window.Rendition.ID, seg, same)
					}
				}
			}
			if stats := w.server.Stats(); stats.BadUnits+stats.OtherUnits > 0 {
				t.Errorf("stats %+v", stats)
			}
		})
	}
}

// feed publishes a transport stream, as a caller of SRT does.
func (w *way) feed(t *testing.T, stream []byte) {
	t.Helper()
	session, err := w.manager.Publish(t.Context(), ingest.Request{Protocol: "srt", Clock: mpegts.Clock(), Application: "live", Key: "choir"})
	if err != nil {
		t.Fatal(err)
	}
	d := mpegts.NewDemuxer(0)
	write := func(units []media.AccessUnit) {
		for _, u := range units {
			if err := session.Write(t.Context(), u); err != nil {
				t.Fatal(err)
			}
		}
	}
	named := false
	for packets := range slices.Chunk(stream, 7*188) {
		units, err := d.Push(packets)
		if err != nil {
			t.Fatal(err)
		}
		if m, ok := d.Metadata(); ok && !named {
			session.Metadata(m)
			named = true
		}
		write(units)
	}
	write(d.End())
	session.Close(ingest.End{OnPurpose: true})
}

// heardTone decodes a rendition and finds which of the tones it is; 0 if it is none, or
// not the same from the beginning to the end.
func heardTone(t *testing.T, w *media.Window) int {
	t.Helper()
	const rate = 8000
	in := slices.Clone(w.Segments[0].Init.Bytes)
	for _, seg := range w.Segments {
		for _, part := range seg.Parts {
			in = append(in, part.Bytes...)
		}
	}
	decode := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", "pipe:0", "-ac", "1", "-ar", strconv.Itoa(rate), "-f", "s16le", "pipe:1")
	decode.Stdin = bytes.NewReader(in)
	raw, err := decode.Output()
	if err != nil {
		t.Fatalf("ffmpeg cannot decode %s: %v", w.Rendition.ID, err)
	}
	samples := make([]float64, len(raw)/2)
	for i := range samples {
		samples[i] = float64(int16(binary.LittleEndian.Uint16(raw[2*i:])))
	}
	if len(samples) < 7*rate {
		t.Errorf("%s lasts %d samples", w.Rendition.ID, len(samples))
	}
	heard := 0
	for second := range slices.Chunk(samples[rate/10:len(samples)-rate/10], rate/2) {
		if len(second) < rate/2 {
			break
		}
		tone := loudest(second, rate)
		if heard != 0 && tone != heard {
			return 0
		}
		heard = tone
	}
	return heard
}

// loudest is the tone that makes most of the samples; 0 if none makes half of them.
func loudest(samples []float64, rate int) (tone int) {
	var energy, most float64
	for _, v := range samples {
		energy += v * v
	}
	for _, candidate := range tones {
		var sum complex128
		for i, v := range samples {
			sum += complex(v, 0) * cmplx.Exp(complex(0, -2*math.Pi*float64(candidate)*float64(i)/float64(rate)))
		}
		share := 2 * real(sum*cmplx.Conj(sum)) / float64(len(samples)) / energy
		if share > 0.5 && share > most {
			tone, most = candidate, share
		}
	}
	return tone
}
