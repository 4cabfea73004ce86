package libav

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"weir/pkg/media"
)

// clip is a real clip taken apart by ffprobe and ffmpeg.
type clip struct {
	track *media.Track
	units []media.AccessUnit
}

// tool finds a program of the FFmpeg suite.
func tool(tb testing.TB, name string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		tb.Skipf("SKIPPED: %s is not installed, real clips cannot be read; apt install ffmpeg", name)
	}
	return path
}

// mediaFile finds a clip of the shared test media.
func mediaFile(tb testing.TB, name string) string {
	tb.Helper()
	path := filepath.Join("..", "..", "..", "..", "shared", "media", name)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("SKIPPED: the test clip %s is not there: %v", name, err)
	}
	return path
}

// ffmpeg runs a command that must succeed and returns its output.
func ffmpeg(tb testing.TB, args ...string) []byte {
	tb.Helper()
	cmd := exec.Command(tool(tb, "ffmpeg"), append([]string{"-v", "error", "-y"}, args...)...)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("ffmpeg %q: %v\n%s", args, err, problems.String())
	}
	return out
}

type probe struct {
	Streams []struct {
		Codec      string `json:"codec_name"`
		Extradata  string `json:"extradata"`
		Width      int    `json:"width"`
		Height     int    `json:"height"`
		Aspect     string `json:"sample_aspect_ratio"`
		Rate       string `json:"r_frame_rate"`
		TimeBase   string `json:"time_base"`
		SampleRate string `json:"sample_rate"`
		Channels   int    `json:"channels"`
		BitRate    string `json:"bit_rate"`
	} `json:"streams"`
	Packets []struct {
		PTS   int64  `json:"pts"`
		DTS   int64  `json:"dts"`
		Flags string `json:"flags"`
		Data  string `json:"data"`
	} `json:"packets"`
}

// readClip returns the access units of a stream ("v:0", "a:0") of a file, with
// video at 90 kHz and audio at its sampling rate.
func readClip(tb testing.TB, file, stream string) clip {
	tb.Helper()
	out, err := exec.Command(tool(tb, "ffprobe"), "-v", "error", "-of", "json", "-select_streams", stream,
		"-show_streams", "-show_packets", "-show_data", file).Output()
	if err != nil {
		tb.Fatalf("ffprobe %s: %v", file, err)
	}
	var p probe
	if err := json.Unmarshal(out, &p); err != nil || len(p.Streams) != 1 {
		tb.Fatalf("ffprobe %s: %d streams, %v", file, len(p.Streams), err)
	}
	s := p.Streams[0]
	track := &media.Track{
		Kind: media.Video, Codec: media.Codec(s.Codec), Timescale: media.VideoTimescale,
		Config: dump(tb, s.Extradata), Width: s.Width, Height: s.Height,
		SampleAspect: ratio(s.Aspect, ":"), FrameRate: ratio(s.Rate, "/"),
	}
	if s.SampleRate != "" {
		track.Kind, track.FrameRate, track.Channels = media.Audio, media.Rational{}, s.Channels
		track.SampleRate, _ = strconv.Atoi(s.SampleRate)
		track.Timescale = media.Timescale(track.SampleRate)
	}
	track.Bitrate, _ = strconv.Atoi(s.BitRate)
	base := ratio(s.TimeBase, "/")
	c := clip{track: track}
	for _, packet := range p.Packets {
		rescale := func(v int64) media.Ticks {
			return media.Rescale(media.Ticks(v*int64(base.Num)), media.Timescale(base.Den), track.Timescale)
		}
		c.units = append(c.units, media.AccessUnit{
			Track: track, DTS: rescale(packet.DTS), PTS: rescale(packet.PTS),
			Sync: strings.HasPrefix(packet.Flags, "K"), Data: dump(tb, packet.Data),
		})
	}
	return c
}

// dump reads ffprobe's hexadecimal dump.
func dump(tb testing.TB, text string) []byte {
	tb.Helper()
	var out []byte
	for line := range strings.Lines(text) {
		_, columns, ok := strings.Cut(line, ": ")
		if !ok {
			continue
		}
		columns, _, _ = strings.Cut(columns, "  ")
		digits := strings.ReplaceAll(columns, " ", "")
		for i := 0; i+1 < len(digits); i += 2 {
			v, err := strconv.ParseUint(digits[i:i+2], 16, 8)
			if err != nil {
				tb.Fatalf("ffprobe's dump: %v", err)
			}
			out = append(out, byte(v))
		}
	}
	return out
}

func ratio(text, sep string) media.Rational {
	num, den, ok := strings.Cut(text, sep)
	n, err := strconv.Atoi(num)
	d, err2 := strconv.Atoi(den)
	if !ok || err != nil || err2 != nil || n <= 0 || d <= 0 {
		return media.Rational{Num: 1, Den: 1}
	}
	return media.Rational{Num: n, Den: d}
}

// annexB is H.264 with start codes and parameter sets before every IDR, as a
// plain .h264 file has it.
func annexB(config []byte, units []media.AccessUnit) []byte {
	var out []byte
	start := []byte{0, 0, 0, 1}
	var sets []byte
	// AVCDecoderConfigurationRecord, ISO/IEC 14496-15, 5.3.3.1.
	rest := config[5:]
	for _, mask := range []byte{0x1f, 0xff} {
		n := int(rest[0] & mask)
		rest = rest[1:]
		for range n {
			size := int(rest[0])<<8 | int(rest[1])
			sets = append(append(sets, start...), rest[2:2+size]...)
			rest = rest[2+size:]
		}
	}
	for _, au := range units {
		if au.Sync {
			out = append(out, sets...)
		}
		for _, nal := range nalUnits(au.Data) {
			out = append(append(out, start...), nal...)
		}
	}
	return out
}

// nalUnits splits at 4-byte lengths.
func nalUnits(data []byte) (nals [][]byte) {
	for len(data) >= 4 {
		size := int(data[0])<<24 | int(data[1])<<16 | int(data[2])<<8 | int(data[3])
		if size > len(data)-4 {
			panic(fmt.Sprintf("NAL unit of %d bytes in %d", size, len(data)-4))
		}
		nals = append(nals, data[4:4+size])
		data = data[4+size:]
	}
	return nals
}
