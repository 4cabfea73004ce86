package ingest_test

import (
	"encoding/json"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// clipPackets reads a clip's packets with ffprobe and rounds their times to
// milliseconds, as an RTMP publisher does.
func clipPackets(t *testing.T, name string, declared media.Rational) []media.AccessUnit {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "media", name)
	probe, err := exec.LookPath("ffprobe")
	if err != nil {
		t.Skip("SKIPPED LOUDLY: ffprobe is not installed, so real clips are not replayed")
	}
	if matches, _ := filepath.Glob(path); len(matches) == 0 {
		t.Skipf("SKIPPED LOUDLY: the clip %s is missing, so it is not replayed", path)
	}
	raw, err := exec.CommandContext(t.Context(), probe, "-v", "error", "-of", "json",
		"-show_entries", "packet=codec_type,pts_time,dts_time,flags:stream=codec_type,sample_rate,channels", path).Output()
	if err != nil {
		t.Fatalf("ffprobe %s: %v", name, err)
	}
	var probed struct {
		Packets []struct {
			Kind  string `json:"codec_type"`
			PTS   string `json:"pts_time"`
			DTS   string `json:"dts_time"`
			Flags string
		}
		Streams []struct {
			Kind     string `json:"codec_type"`
			Rate     string `json:"sample_rate"`
			Channels int
		}
	}
	if err := json.Unmarshal(raw, &probed); err != nil {
		t.Fatalf("read what ffprobe says of %s: %v", name, err)
	}
	tracks := map[string]*media.Track{"video": videoTrack(declared)}
	for _, s := range probed.Streams {
		if s.Kind == "audio" {
			rate, _ := strconv.Atoi(s.Rate)
			tracks["audio"] = aacTrack(rate, s.Channels)
		}
	}
	ms := func(seconds string) media.Ticks {
		at, err := strconv.ParseFloat(seconds, 64)
		if err != nil {
			t.Fatalf("time %q in %s: %v", seconds, name, err)
		}
		return media.Ticks(math.Round(at*1000)) + 1000 // Above zero.
	}
	var units []media.AccessUnit
	for i, p := range probed.Packets {
		units = append(units, media.AccessUnit{
			Track: tracks[p.Kind], DTS: ms(p.DTS), PTS: ms(p.PTS), Sync: p.Flags[0] == 'K',
			Data: []byte{p.Kind[0], byte(i), byte(i >> 8), 0},
		})
	}
	slices.SortStableFunc(units, func(a, b media.AccessUnit) int { return int(a.DTS - b.DTS) })
	return units
}

func TestRealClips(t *testing.T) {
	for _, c := range []struct {
		clip string
		rate media.Rational
	}{
		{"camera_1080p30_6M_cbr.flv", fps30},
		{"camera_720p60_4M_cbr.flv", fps60},
		{"opengop_bframes_720p30_44k1.mp4", ntsc30},
		{"src_butterfly_720p30.mp4", ntsc30},
		{"bbb_480p24_aac51.mp4", media.Rational{Num: 24, Den: 1}},
		{"wave_croatia_1080p25.mp4", media.Rational{Num: 25, Den: 1}},
	} {
		for _, declared := range []float64{0, c.rate.Float()} {
			t.Run(c.clip, func(t *testing.T) {
				units := clipPackets(t, c.clip, media.Rational{})
				out, repairs := pushWith(t, ingest.Metadata{FrameRate: declared}, units)
				if got, want := len(only(out, media.Video)), len(only(units, media.Video)); got != want {
					t.Errorf("%d pictures of %d", got, want)
				}
				if declared > 0 || c.rate.Den == 1 {
					checkGrid(t, out, c.rate)
				}
				worst := checkSync(t, out, units, 0.031)
				if repairs.Jumps+repairs.TrackJumps+repairs.Nudged+repairs.AudioDropped+repairs.Duplicates > 0 {
					t.Errorf("%+v", repairs)
				}
				t.Logf("at most %.1f ms off, %+v", worst*1000, repairs)
			})
		}
	}
}

// The frames of this clip stand on a grid of 29.97, but so many are left out
// that nobody can tell when the next one comes.
func TestClipOfVariableRate(t *testing.T) {
	units := clipPackets(t, "vfr_720p.mp4", media.Rational{})
	out, repairs := push(t, units)
	video := only(out, media.Video)
	if rate := video[len(video)-1].Track.FrameRate; rate.Known() {
		t.Errorf("the rate is %v", rate)
	}
	worst := checkSync(t, out, units, 0.031)
	t.Logf("at most %.1f ms off, %+v", worst*1000, repairs)
}
