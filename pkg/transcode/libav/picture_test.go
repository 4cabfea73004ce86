package libav

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// unitsOf is the rung's output as access units.
func unitsOf(coded []transcode.Coded) (units []media.AccessUnit) {
	for _, c := range coded {
		units = append(units, c.AU)
	}
	return units
}

// writeRung puts a rung's output into a plain H.264 file.
func writeRung(tb testing.TB, track media.Track, coded []transcode.Coded) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "rung.h264")
	if err := os.WriteFile(path, annexB(track.Config, unitsOf(coded)), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// ssim compares a rung with a source file picture by picture, the source
// scaled by libav's command line; both tagged alike, as the filter is wrong
// otherwise.
func ssim(tb testing.TB, rung, source string, spec transcode.Rung) float64 {
	tb.Helper()
	tags := "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709,setpts=N/30/TB"
	filter := fmt.Sprintf("[1:v]scale=%d:%d:flags=bicubic,%s[a];[0:v]%s[b];[b][a]ssim", spec.Width, spec.Height, tags, tags)
	out, err := exec.Command(tool(tb, "ffmpeg"), "-v", "info", "-i", rung, "-i", source, "-frames:v", "120", "-lavfi", filter, "-f", "null", "-").CombinedOutput()
	if err != nil {
		tb.Fatalf("ssim: %v\n%s", err, out)
	}
	found := regexp.MustCompile(`All:([0-9.]+)`).FindSubmatch(out)
	if found == nil {
		tb.Fatalf("ssim said nothing:\n%s", out)
	}
	v, _ := strconv.ParseFloat(string(found[1]), 64)
	return v
}

func TestRungsLookLikeTheSource(t *testing.T) {
	file := mediaFile(t, "src_butterfly_720p30.mp4")
	c := readClip(t, file, "v:0")
	c.units = c.units[:120]
	rungs := transcode.Ladder(c.track, transcode.LadderConfig{})
	r := transcodeClip(t, c, rungs, boundariesOf(c.units))
	for i, spec := range rungs {
		path := writeRung(t, r.tracks[i], r.coded[i])
		if v := ssim(t, path, file, spec); v < 0.96 {
			t.Errorf("%s: SSIM %.4f against the scaled source", spec.ID, v)
		} else {
			t.Logf("%s: SSIM %.4f", spec.ID, v)
		}
		total := 0
		for _, coded := range r.coded[i] {
			total += len(coded.AU.Data)
		}
		seconds := float64(len(r.coded[i])) / spec.FrameRate.Float()
		if rate := float64(8*total) / seconds; rate > 1.1*float64(spec.Bitrate) {
			t.Errorf("%s: %.0f b/s, asked for %d", spec.ID, rate, spec.Bitrate)
		}
	}
}

// streamInfo asks ffprobe about a rung.
func streamInfo(tb testing.TB, path string) map[string]any {
	tb.Helper()
	out, err := exec.Command(tool(tb, "ffprobe"), "-v", "error", "-of", "json", "-show_streams", path).Output()
	if err != nil {
		tb.Fatal(err)
	}
	var info struct{ Streams []map[string]any }
	if err := json.Unmarshal(out, &info); err != nil || len(info.Streams) != 1 {
		tb.Fatalf("%s: %v", out, err)
	}
	return info.Streams[0]
}

// A source in HDR keeps its colours' names, cut to the 8 bits that play
// everywhere.
func TestHighDynamicRange(t *testing.T) {
	for _, transfer := range []string{"arib-std-b67", "smpte2084"} {
		path := filepath.Join(t.TempDir(), "source.mp4")
		ffmpeg(t, "-i", mediaFile(t, "src_bee_720p30.mp4"), "-an", "-frames:v", "10", "-vf", "scale=640:360", "-pix_fmt", "yuv420p10le",
			"-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc", "-color_range", "tv", "-c:v", "libx264", "-preset", "ultrafast", path)
		picked := readClip(t, path, "v:0")
		rungs := transcode.Ladder(picked.track, smallLadder())
		r := transcodeClip(t, picked, rungs, boundariesOf(picked.units))
		for i := range rungs {
			info := streamInfo(t, writeRung(t, r.tracks[i], r.coded[i]))
			for key, want := range map[string]any{
				"color_primaries": "bt2020", "color_transfer": transfer, "color_space": "bt2020nc", "color_range": "tv", "pix_fmt": "yuv420p",
			} {
				if info[key] != want {
					t.Errorf("%s is %v, want %v", key, info[key], want)
				}
			}
		}
	}
}

// A boundary where the source has no keyframe makes an IDR all the same.
func TestForcedBoundaries(t *testing.T) {
	c := readClip(t, mediaFile(t, "src_butterfly_720p30.mp4"), "v:0")
	c.units = c.units[:115]
	at := map[int]transcode.BoundaryAt{}
	for i, au := range c.units {
		if i%37 == 0 {
			// The first picture at or after it, in order of presentation.
			want := presentation(c.units, 1, nil)
			k, _ := slices.BinarySearch(want, au.PTS)
			at[i] = transcode.BoundaryAt{MSN: uint64(1 + i/37), PTS: want[k]}
		}
	}
	rungs := transcode.Ladder(c.track, transcode.LadderConfig{})
	r := transcodeClip(t, c, rungs, at)
	for i, spec := range rungs {
		checkRung(t, spec, r.coded[i], presentation(c.units, 1, at), at)
	}
}

// bars counts the black lines above and below and the black columns at both
// sides of a rung's last picture.
func bars(t *testing.T, path string, spec transcode.Rung) (lines, columns int) {
	t.Helper()
	raw := ffmpeg(t, "-i", path, "-f", "rawvideo", "-pix_fmt", "gray", "-")
	picture := raw[len(raw)-spec.Width*spec.Height:]
	black := func(next func(i int) (byte, bool)) bool {
		for i := 0; ; i++ {
			v, ok := next(i)
			if !ok {
				return true
			}
			if v > 24 {
				return false
			}
		}
	}
	for y := range spec.Height {
		if black(func(x int) (byte, bool) {
			if x == spec.Width {
				return 0, false
			}
			return picture[y*spec.Width+x], true
		}) {
			lines++
		}
	}
	for x := range spec.Width {
		if black(func(y int) (byte, bool) {
			if y == spec.Height {
				return 0, false
			}
			return picture[y*spec.Width+x], true
		}) {
			columns++
		}
	}
	return lines, columns
}

// The rungs keep their size when the source changes its own; another aspect
// gets bars.
func TestSourceChangesItsSize(t *testing.T) {
	landscape := readClip(t, mediaFile(t, "src_butterfly_720p30.mp4"), "v:0")
	portrait := readClip(t, mediaFile(t, "portrait_720x1280_30.mp4"), "v:0")
	landscape.units, portrait.units = landscape.units[:30], portrait.units[:30]
	for i := range portrait.units {
		portrait.units[i].PTS += 10 * 90_000
		portrait.units[i].DTS += 10 * 90_000
		portrait.units[i].Discontinuity = i == 0
	}
	rungs := transcode.Ladder(landscape.track, transcode.LadderConfig{})
	first := script(landscape, map[int]transcode.BoundaryAt{0: {MSN: 1, PTS: landscape.units[0].PTS}})
	second := script(portrait, map[int]transcode.BoundaryAt{0: {MSN: 2, PTS: portrait.units[0].PTS}})
	order := transcode.Order{Mode: transcode.ModeVideo, Rungs: rungs}
	answers, acc, err := talk(t, order, append(first[:len(first)-1], second...))
	if err != nil || acc.frames.Load() != 0 || acc.packets.Load() != 0 {
		t.Fatalf("%v; %d frames, %d packets left", err, acc.frames.Load(), acc.packets.Load())
	}
	r := sort(t, answers, len(rungs))
	for i, spec := range rungs {
		if len(r.coded[i]) != 60 {
			t.Errorf("%s: %d pictures, want 60", spec.ID, len(r.coded[i]))
		}
		path := writeRung(t, r.tracks[i], r.coded[i])
		lines, columns := bars(t, path, spec)
		// 9:16 in 16:9 leaves 1-(9/16)² of the width.
		want := spec.Width * (256 - 81) / 256
		if lines != 0 || columns < want-6 || columns > want+6 {
			t.Errorf("%s: %d lines and %d columns of bars, want 0 and %d", spec.ID, lines, columns, want)
		}
	}
}

// A damaged access unit costs what depends on it, not the stream.
func TestDamagedUnits(t *testing.T) {
	c := readClip(t, mediaFile(t, "camera_720p60_4M_cbr.flv"), "v:0")
	c.units = c.units[:360]
	at := boundariesOf(c.units)
	c.units[150].Data = []byte{0xff, 0xff, 0xff, 0xff, 1, 2, 3}
	c.units[160].Data = nil
	rungs := transcode.Ladder(c.track, transcode.LadderConfig{})
	r := transcodeClip(t, c, rungs, at)
	// GOPs are 120 pictures: what is left of the second one is lost.
	if r.last.Damaged < 80 || r.last.Damaged > 90 {
		t.Errorf("%d units counted as damaged, want the 90 up to the next keyframe", r.last.Damaged)
	}
	for i, spec := range rungs {
		starts := 0
		for _, coded := range r.coded[i] {
			if coded.Starts {
				starts++
			}
		}
		if starts != len(at) {
			t.Errorf("%s: %d segments, want %d", spec.ID, starts, len(at))
		}
	}
}

// Captions travel in SEI messages and have to reach every rung.
func TestCaptionsReachEveryRung(t *testing.T) {
	path := filepath.Join(t.TempDir(), "captions.mp4")
	ffmpeg(t, "-i", mediaFile(t, "cea608_1080p_captions.ts"), "-c", "copy", "-t", "2", path)
	c := readClip(t, path, "v:0")
	c.units = c.units[:30]
	rungs := transcode.Ladder(c.track, transcode.LadderConfig{})
	r := transcodeClip(t, c, rungs, boundariesOf(c.units))
	for i, spec := range rungs {
		with := 0
		for _, coded := range r.coded[i] {
			for _, nal := range nalUnits(coded.AU.Data) {
				// SEI, user_data_registered_itu_t_t35, ATSC's "GA94".
				if nal[0]&0x1f == 6 && nal[1] == 4 && bytes.Contains(nal, []byte("GA94")) {
					with++
				}
			}
		}
		if with != len(c.units) {
			t.Errorf("%s: %d of %d pictures have captions", spec.ID, with, len(c.units))
		}
	}
}

// After a resync nothing is encoded up to the next boundary, and what was
// decoded before is.
func TestResync(t *testing.T) {
	c := readClip(t, mediaFile(t, "camera_720p60_4M_cbr.flv"), "v:0")
	c.units = c.units[:360]
	rungs := transcode.Ladder(c.track, transcode.LadderConfig{})
	messages := []transcode.Message{transcode.TrackChange{Track: *c.track}, transcode.BoundaryAt{MSN: 1, PTS: c.units[0].PTS}}
	for i, au := range c.units {
		switch i {
		case 60:
			messages = append(messages, transcode.Resync{})
		case 240:
			messages = append(messages, transcode.BoundaryAt{MSN: 3, PTS: au.PTS})
		}
		if i < 60 || i >= 120 {
			messages = append(messages, transcode.Unit{AU: au})
		}
	}
	answers, acc, err := talk(t, transcode.Order{Mode: transcode.ModeVideo, Rungs: rungs}, append(messages, transcode.End{}))
	if err != nil || acc.frames.Load() != 0 {
		t.Fatal(err, acc.frames.Load())
	}
	r := sort(t, answers, len(rungs))
	for i, spec := range rungs {
		count := map[uint64]int{}
		for _, coded := range r.coded[i] {
			count[coded.MSN]++
		}
		if count[1] != 60/spec.FrameDivisor || count[3] != 120/spec.FrameDivisor || len(count) != 2 {
			t.Errorf("%s: pictures per segment %v", spec.ID, count)
		}
	}
}

func TestUnusableOrders(t *testing.T) {
	track := transcode.TrackChange{Track: media.Track{Kind: media.Video, Codec: "vvc", Timescale: 90_000, Width: 64, Height: 64}}
	rung := transcode.Rung{ID: "x", Width: 64, Height: 64, FrameDivisor: 1, Bitrate: 50_000, MaxRate: 60_000, BufferSize: 30_000, Profile: "high", Level: 10, Preset: "veryfast"}
	for name, c := range map[string]struct {
		order    transcode.Order
		messages []transcode.Message
	}{
		"unknown codec":      {transcode.Order{Mode: transcode.ModeVideo, Rungs: []transcode.Rung{rung}}, []transcode.Message{track}},
		"no rungs":           {transcode.Order{Mode: transcode.ModeVideo}, nil},
		"unknown mode":       {transcode.Order{Mode: "smell"}, nil},
		"unit before track":  {transcode.Order{Mode: transcode.ModeVideo, Rungs: []transcode.Rung{rung}}, []transcode.Message{transcode.Unit{AU: media.AccessUnit{Data: []byte{1}}}}},
		"the wrong language": {transcode.Order{Mode: transcode.ModeVideo, Rungs: []transcode.Rung{rung}}, []transcode.Message{transcode.Done{}}},
	} {
		t.Run(name, func(t *testing.T) {
			answers, _, err := talk(t, c.order, c.messages)
			if err == nil {
				t.Fatal("the worker went on")
			}
			if _, ok := answers[len(answers)-1].(transcode.Fatal); !ok {
				t.Errorf("the last word is %#v, want a reason", answers[len(answers)-1])
			}
		})
	}
}
