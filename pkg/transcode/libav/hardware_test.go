package libav

import (
	"bytes"
	"strings"
	"testing"

	"github.com/asticode/go-astiav"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// TestHardwareThatIsNotThere: whatever is wished for, the stream is encoded, and
// the log says why not in hardware. A machine that has the hardware shows
// that it works instead.
func TestHardwareThatIsNotThere(t *testing.T) {
	c := readClip(t, mediaFile(t, "src_bee_720p30.mp4"), "v:0")
	c.units = c.units[:70]
	rungs := transcode.Ladder(c.track, transcode.LadderConfig{Rungs: []transcode.RungConfig{{Height: 360}, {Height: 240}}})
	for _, wish := range []transcode.Encoder{
		transcode.EncoderAuto, transcode.EncoderNVENC, transcode.EncoderQSV, transcode.EncoderVAAPI,
	} {
		t.Run(string(wish), func(t *testing.T) {
			order := transcode.Order{Mode: transcode.ModeVideo, Stream: "test", Rungs: rungs, Latency: transcode.LatencyLow, Encoder: wish}
			answers, acc, err := talk(t, order, script(c, boundariesOf(c.units)))
			if err != nil {
				t.Fatal(err)
			}
			if f, p := acc.frames.Load(), acc.packets.Load(); f != 0 || p != 0 {
				t.Errorf("%d frames and %d packets were not freed", f, p)
			}
			r := sort(t, answers, len(rungs))
			for i, coded := range r.coded {
				if len(coded) != len(c.units) || !coded[0].Starts {
					t.Errorf("%s: %d pictures of %d", rungs[i].ID, len(coded), len(c.units))
				}
			}
			var said strings.Builder
			for _, report := range r.reports {
				said.WriteString(report.Text + "\n")
			}
			if wish != transcode.EncoderAuto && !strings.Contains(said.String(), string(wish)) || said.Len() == 0 {
				t.Errorf("the log says nothing of %s:\n%s", wish, said.String())
			}
			t.Log(said.String())
		})
	}
}

// TestByteStreamEncoder sends pictures the way of hardware encoders, in another
// format in memory and out with start codes, through the one encoder that is
// here: x264 without the option that makes it write lengths.
func TestByteStreamEncoder(t *testing.T) {
	file := mediaFile(t, "src_butterfly_720p30.mp4")
	c := readClip(t, file, "v:0")
	c.units = c.units[:120]
	spec := transcode.TopRung(c.track, transcode.LadderConfig{}, 0)
	acc := &account{}
	d, err := openDecoder(acc, c.track)
	if err != nil {
		t.Fatal(err)
	}
	h := hardware{
		kind: "x264", codec: "libx264", device: astiav.HardwareDeviceTypeNone, format: astiav.PixelFormatNv12,
		options: [][2]string{{"preset", "veryfast"}, {"forced-idr", "1"}, {"x264-params", "scenecut=0"}},
	}
	enc, err := openHardware(acc, h, spec, colour{})
	if err != nil {
		t.Fatal(err)
	}
	var coded []transcode.Coded
	each := func(p *astiav.Packet) error { //nolint:unparam // encode wants one.
		coded = append(coded, transcode.Coded{AU: media.AccessUnit{
			PTS: media.Ticks(p.Pts()), Sync: p.Flags().Has(astiav.PacketFlagKey), Data: bytes.Clone(enc.data(p)),
		}})
		return nil
	}
	shown := 0
	encode := func(f *astiav.Frame) error {
		f.SetPictureType(astiav.PictureTypeNone)
		if shown == 0 || shown == 50 {
			f.SetPictureType(astiav.PictureTypeI)
		}
		shown++
		return enc.encode(f, each)
	}
	for _, au := range c.units {
		if err := d.decode(au, encode); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.flush(encode); err != nil {
		t.Fatal(err)
	}
	if err := enc.encode(nil, each); err != nil {
		t.Fatal(err)
	}
	for i, one := range coded {
		if one.AU.Sync != (i == 0 || i == 50) {
			t.Errorf("picture %d is a keyframe: %v", i, one.AU.Sync)
		}
	}
	if v := ssim(t, writeRung(t, enc.track, coded), file, spec); v < 0.97 || len(coded) != shown {
		t.Errorf("%d pictures of %d, SSIM %.4f", len(coded), shown, v)
	}
	enc.close()
	d.close()
	if f, p := acc.frames.Load(), acc.packets.Load(); f != 0 || p != 0 {
		t.Errorf("%d frames and %d packets were not freed", f, p)
	}
}

func TestLengthPrefixed(t *testing.T) {
	stream := []byte{0, 0, 0, 1, 9, 16, 0, 0, 0, 1, 103, 1, 0, 0, 1, 104, 2, 0, 0, 1, 6, 5, 0, 0, 0, 1, 101, 1, 2, 3}
	if got, want := lengthPrefixed(stream), []byte{0, 0, 0, 2, 6, 5, 0, 0, 0, 4, 101, 1, 2, 3}; !bytes.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if _, err := avcConfig(stream[:5]); err == nil {
		t.Error("a configuration without parameter sets")
	}
}
