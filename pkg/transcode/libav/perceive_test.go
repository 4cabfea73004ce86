package libav

import (
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asticode/go-astiav"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// generated is what ffmpeg makes of its arguments.
func generated(t *testing.T, args string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.mp4")
	cmd := exec.CommandContext(t.Context(), tool(t, "ffmpeg"), append(append([]string{"-v", "error", "-y"}, strings.Fields(args)...), path)...)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg %s: %v: %s", args, err, said)
	}
	return path
}

const smallRung = "-c:v libx264 -preset ultrafast -g 60"

// perceived is what a worker says last of a clip.
func perceived(t *testing.T, messages []transcode.Message) (sights []transcode.Sight, heard []transcode.Heard) {
	t.Helper()
	smallest := transcode.Ladder(&media.Track{Kind: media.Video, Width: 1280, Height: 720, FrameRate: media.Rational{Num: 30, Den: 1}}, transcode.LadderConfig{})
	smallest = smallest[len(smallest)-1:]
	order := transcode.Order{Mode: transcode.ModeVideo, Latency: transcode.LatencyBalanced, Rungs: smallest}
	answers, acc, err := talk(t, order, messages)
	if err != nil {
		t.Fatal(err)
	}
	if n := acc.frames.Load() + acc.packets.Load(); n != 0 {
		t.Errorf("%d native values are left", n)
	}
	for _, m := range answers {
		switch m := m.(type) {
		case transcode.Sight:
			sights = append(sights, m)
		case transcode.Heard:
			heard = append(heard, m)
		case transcode.Report:
			t.Log(m.Text)
		}
	}
	return sights, heard
}

func TestWorkerSeesWhatIsInThePicture(t *testing.T) {
	const moving = "-f lavfi -i testsrc2=s=640x360:r=30 -t 8"
	for name, c := range map[string]struct {
		args         string
		black, still bool
	}{
		"moving":               {moving + " " + smallRung, false, false},
		"black":                {"-f lavfi -i color=black:s=640x360:r=30 -t 8 " + smallRung, true, true},
		"black, full range":    {"-f lavfi -i color=black:s=640x360:r=30 -t 8 -vf scale=out_range=full -pix_fmt yuvj420p " + smallRung, true, true},
		"black with a clock":   {"-f lavfi -i color=black:s=640x360:r=30 -f lavfi -i testsrc2=s=64x36:r=30 -t 8 -filter_complex overlay " + smallRung, false, false},
		"frozen":               {"-f lavfi -i testsrc2=s=640x360:r=30 -t 8 -vf trim=end_frame=1,loop=-1:1 -b:v 500k " + smallRung, false, true},
		"frozen, 10 bits deep": {"-f lavfi -i testsrc2=s=640x360:r=30 -t 8 -vf trim=end_frame=1,loop=-1:1,format=yuv420p10 " + smallRung, false, true},
		"grey":                 {"-f lavfi -i color=0x202020:s=640x360:r=30 -t 8 " + smallRung, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			picture := readClip(t, generated(t, c.args), "v:0")
			sights, _ := perceived(t, script(picture, boundariesOf(picture.units)))
			if len(sights) < 7 || len(sights) > 9 {
				t.Fatalf("%d looks at eight seconds", len(sights))
			}
			last := sights[len(sights)-1]
			if black := last.Brightness < 0.03 && last.Contrast < 0.01; black != c.black {
				t.Errorf("black %v: %+v", black, last)
			}
			if still := last.Still > 5*time.Second; still != c.still {
				t.Errorf("still %v: %+v", still, last)
			}
		})
	}
}

func TestWorkerHearsHowLoudItIs(t *testing.T) {
	picture := readClip(t, generated(t, "-f lavfi -i testsrc2=s=640x360:r=30 -t 1 "+smallRung), "v:0")
	for name, c := range map[string]struct {
		args        string
		least, most float64
		clips       bool
	}{
		"silence":          {args: "-f lavfi -i anullsrc=r=48000", least: transcode.Silence, most: -90},
		"a tone":           {args: "-f lavfi -i sine=f=440:r=48000 -af pan=stereo|c0=c0|c1=c0", least: -24, most: -18}, // ffmpeg's is an eighth
		"a loud tone":      {args: "-f lavfi -i sine=f=440:r=48000 -af pan=stereo|c0=c0|c1=c0,volume=7.5", least: -5, most: -3},
		"a clipped tone":   {args: "-f lavfi -i sine=f=440:r=48000 -af volume=30,aformat=s16,pan=stereo|c0=c0|c1=c0", least: -3, most: 0.5, clips: true},
		"noise at 44.1kHz": {args: "-f lavfi -i anoisesrc=a=0.2:r=44100", least: -25, most: -15},
	} {
		t.Run(name, func(t *testing.T) {
			sound := readClip(t, generated(t, c.args+" -t 8 -c:a aac -b:a 128k -ac 2"), "a:0")
			messages := []transcode.Message{transcode.SoundTrack{Track: *sound.track}}
			for _, au := range sound.units {
				if sound.track.Timescale.Duration(au.PTS)%time.Second < 256*time.Millisecond {
					messages = append(messages, transcode.Sound{AU: au})
				}
			}
			messages = append(messages, transcode.Sound{AU: media.AccessUnit{Data: []byte("nonsense")}})
			_, heard := perceived(t, append(messages, script(picture, boundariesOf(picture.units))...))
			if len(heard) < 6 || len(heard) > 10 {
				t.Fatalf("heard %d times in eight seconds: %+v", len(heard), heard)
			}
			for _, h := range heard[3:] {
				if h.Level < c.least || h.Level > c.most || (h.Clipped > 0.01) != c.clips {
					t.Errorf("%+v", h)
				}
			}
		})
	}
}

// What it costs to look at a second of 1080p, at one picture of it, and to listen
// to a quarter of a second of audio.
func BenchmarkPerceive(b *testing.B) {
	file := mediaFile(b, "camera_1080p30_6M_cbr.flv")
	picture, sound := readClip(b, file, "v:0"), readClip(b, file, "a:0")
	acc, out := &account{}, transcode.NewWriter(io.Discard)
	b.Run("look", func(b *testing.B) {
		d, err := openDecoder(acc, picture.track)
		if err != nil {
			b.Fatal(err)
		}
		defer d.close()
		var seen *astiav.Frame
		for _, au := range picture.units[:10] {
			if err := d.decode(au, func(f *astiav.Frame) error {
				if seen == nil {
					seen = f.Clone()
				}
				return nil
			}); err != nil {
				b.Fatal(err)
			}
		}
		defer seen.Free()
		for b.Loop() {
			e := eye{}
			if err := e.look(seen, out); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("listen", func(b *testing.B) {
		e := newEar(acc, out)
		defer e.close()
		if err := e.change(*sound.track); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			for _, au := range sound.units[:12] {
				if err := e.hear(au); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
