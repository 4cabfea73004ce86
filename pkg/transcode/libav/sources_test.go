package libav

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// sourceCase is one kind of source.
type sourceCase struct {
	name string
	// args make the clip of real pictures; where they are missing, file is it.
	args string
	file string
	// length is how much of it is used, in access units; 0 is all.
	length int
	// rate is the frame rate that the rungs must have, "" for none.
	rate string
	// atKeys cuts at the source's keyframes, as passthrough needs.
	atKeys bool
	// top replaces the passthrough by a rung of the source's size.
	top bool
	// change is done to the recording before ingest.
	change func(t *testing.T, r *recording)
}

// smallLadder has a rung of the full frame rate and one where 60 is halved.
func smallLadder() transcode.LadderConfig {
	return transcode.LadderConfig{Rungs: []transcode.RungConfig{{Height: 216, FrameRate: 60}, {Height: 144}}}
}

// studio makes clips, each once, out of 260 real pictures of 480x270.
type studio struct {
	folder string
	made   map[string]string
}

func newStudio(t *testing.T) studio {
	t.Helper()
	s := studio{t.TempDir(), map[string]string{}}
	ffmpeg(t, "-i", mediaFile(t, "camera_720p60_4M_cbr.flv"), "-an", "-vf", "scale=480:270:flags=bicubic", "-frames:v", "260",
		"-c:v", "libx264", "-preset", "ultrafast", "-qp", "18", s.base())
	return s
}

func (s studio) base() string { return filepath.Join(s.folder, "base.mp4") }

// clip is a file made with the given arguments.
func (s studio) clip(t *testing.T, args string) string {
	t.Helper()
	if s.made[args] == "" {
		s.made[args] = filepath.Join(s.folder, fmt.Sprintf("%d.mp4", len(s.made)))
		ffmpeg(t, append(append([]string{"-i", s.base()}, strings.Fields(args)...), s.made[args])...)
	}
	return s.made[args]
}

const x264 = " -c:v libx264 -preset ultrafast -crf 23 "

func rateCases() []sourceCase {
	at := func(rate, args string) sourceCase {
		return sourceCase{
			name: rate + " fps", rate: rate, atKeys: true,
			args: "-vf setpts=N/(" + rate + ")/TB -r " + rate + " -t 4.2" + x264 + "-sc_threshold 0 -bf 2 " + args,
		}
	}
	return []sourceCase{
		at("24000/1001", "-g 48"), at("25", "-g 50"), at("30000/1001", "-g 60"), at("30", "-g 60"),
		at("50", "-g 100"), at("60000/1001", "-g 120"), at("60", "-g 120"),
		{name: "variable rate", file: "vfr_720p.mp4", length: 80, change: undeclared},
		{name: "variable rate, declared as constant", file: "vfr_720p.mp4", length: 80, rate: "30000/1001"},
	}
}

// undeclared leaves it to ingest to find the frame rate.
func undeclared(_ *testing.T, r *recording) { r.units[0].Track.FrameRate = media.Rational{} }

func keyframeCases() []sourceCase {
	every := func(name, args string, atKeys bool) sourceCase {
		return sourceCase{
			name: "keyframes " + name, rate: "30", atKeys: atKeys,
			args: "-vf setpts=N/30/TB -r 30 -t 4.2" + x264 + args,
		}
	}
	ntsc := every("every 2.002 s", "-g 60 -sc_threshold 0", true)
	ntsc.args, ntsc.rate = strings.ReplaceAll(strings.ReplaceAll(ntsc.args, "N/30/", "N/(30000/1001)/"), "-r 30", "-r 30000/1001"), "30000/1001"
	// Without a declared rate, ingest takes 29.97 for 30 at first and corrects
	// it later, in the middle of a GOP.
	late := every("every 10 s, a rate found late", "-g 300 -sc_threshold 0", false)
	late.rate, late.args = "30", strings.ReplaceAll(strings.ReplaceAll(late.args, "N/30/", "N/(30000/1001)/"), "-r 30 -t 4.2", "-r 30000/1001 -t 7.5")
	late.change = undeclared
	return []sourceCase{
		every("every 0.5 s", "-g 15 -sc_threshold 0", true),
		every("every 1 s", "-g 30 -sc_threshold 0", true),
		every("every 2 s", "-g 60 -sc_threshold 0", false),
		ntsc,
		every("every 4 s", "-g 120 -sc_threshold 0 -bf 3", false),
		every("every 10 s", "-g 300 -sc_threshold 0 -bf 3", false),
		every("auto", "-sc_threshold 40", false),
		late,
		{name: "open GOP and B pyramid", file: "opengop_bframes_720p30_44k1.mp4", length: 130, rate: "30000/1001"},
	}
}

func formCases() []sourceCase {
	made := func(name, args string) sourceCase {
		return sourceCase{
			name: name, rate: "30", top: true,
			args: "-vf setpts=N/30/TB" + strings.Replace(args, " ", " -r 30 -t 2.2"+x264+"-g 60 -bf 2 ", 1),
		}
	}
	return []sourceCase{
		made("odd 853x479", ",scale=855:481,crop=853:479:1:1:exact=1,format=yuv444p "),
		made("4:2:2", ",format=yuv422p "),
		made("10 bit", ",format=yuv420p10le "),
		made("10 bit 4:2:2", ",format=yuv422p10le "),
		made("4:4:4", ",format=yuv444p "),
		made("narrow pixels", ",scale=360:270,setsar=4/3 "),
		made("wide anamorphic pixels", ",scale=540:240,setsar=64/81 "),
		made("narrow portrait pixels", ",crop=152:270,scale=304:270,setsar=1/2 "),
		{name: "portrait", file: "portrait_720x1280_30.mp4", length: 70, rate: "30", atKeys: true},
		{name: "HEVC", file: "hevc_720p30.mp4", length: 40, rate: "30000/1001", top: true},
		{name: "AV1", file: "av1_720p30.mp4", length: 30, rate: "30000/1001", top: true},
	}
}

// TestSources feeds the worker what creators send and decodes what comes out.
func TestSources(t *testing.T) {
	s := newStudio(t)
	cases := append(append(append(rateCases(), keyframeCases()...), formCases()...), brokenCases()...)
	for i, c := range cases {
		if leftOut(i) {
			continue
		}
		t.Run(c.name, func(t *testing.T) { c.check(t, s) })
	}
}

// leftOut is true of most cases with -short: `make race` runs one in six with the race
// detector, and all of them without.
func leftOut(i int) bool { return testing.Short() && i%6 != 0 }

func (c sourceCase) check(t *testing.T, s studio) {
	t.Helper()
	var file string
	if c.file != "" {
		file = mediaFile(t, c.file)
	} else {
		file = s.clip(t, c.args)
	}
	recorded := record(t, file)
	if c.length > 0 {
		recorded.units = recorded.units[:c.length]
	}
	if c.change != nil {
		c.change(t, &recorded)
	}
	units := recorded.repaired()
	want := media.Rational{}
	if c.rate != "" {
		want = ratio(strings.Replace(c.rate+"/1", "/1001/1", "/1001", 1), "/")
	}
	source := units[0].Track
	if source.FrameRate != want {
		t.Fatalf("ingest says %v pictures a second, want %v", source.FrameRate, want)
	}
	at := cut(units, c.atKeys)
	rungs := c.rungs(source)
	answers, acc, err := talk(t, transcode.Order{Mode: transcode.ModeVideo, Rungs: rungs}, converse(units, at))
	if err != nil || acc.frames.Load() != 0 || acc.packets.Load() != 0 {
		t.Fatalf("%v; %d frames, %d packets left", err, acc.frames.Load(), acc.packets.Load())
	}
	r := sort(t, answers, len(rungs))
	if r.last.Damaged > 0 {
		t.Errorf("%d units refused", r.last.Damaged)
	}
	checkTimes(t, rungs, r, units, at)
	checkLook(t, rungs, r, units, recorded)
	for i, spec := range rungs {
		checkShape(t, source, spec, i == len(rungs)-1)
		checkHeaders(t, spec, r.coded[i])
	}
}

func (c sourceCase) rungs(source *media.Track) (rungs []transcode.Rung) {
	cfg := smallLadder()
	if c.top {
		rungs = append(rungs, transcode.TopRung(source, cfg, 0))
	}
	return append(rungs, transcode.Ladder(source, cfg)...)
}

// checkTimes checks that IDR pictures stand where they were asked for and
// every picture where the source has it.
func checkTimes(t *testing.T, rungs []transcode.Rung, r result, units []media.AccessUnit, at map[int]transcode.BoundaryAt) {
	t.Helper()
	// A segment starts at the first picture from its boundary on.
	exact := map[int]transcode.BoundaryAt{}
	for i, b := range at {
		exact[i] = transcode.BoundaryAt{MSN: b.MSN, PTS: firstFrom(units, b.PTS)}
	}
	for i, spec := range rungs {
		checkRung(t, spec, r.coded[i], presentation(units, spec.FrameDivisor, exact), exact)
	}
}

// checkLook compares every picture of every rung with the source's.
func checkLook(t *testing.T, rungs []transcode.Rung, r result, units []media.AccessUnit, recorded recording) {
	t.Helper()
	where := map[media.Ticks]shown{}
	files := map[string][][][]byte{}
	for _, au := range units {
		place := recorded.pictures[&au.Data[0]]
		where[au.PTS] = place
		if files[place.file] == nil {
			files[place.file] = reference(t, place.file, rungs)
		}
	}
	// What the bit rates of such small rungs give. Compared with the picture
	// before or after, these clips have 0.48 to 0.85 in the mean.
	const floor = 0.91
	decoded := decodeAlone(t, rungs, r)
	for i, spec := range rungs {
		opens := map[media.Ticks]bool{}
		for _, coded := range r.coded[i] {
			if coded.Starts {
				opens[coded.AU.PTS] = true
			}
		}
		look := compare(decoded[i], opens, func(pts media.Ticks) []byte {
			place := where[pts]
			return files[place.file][i][place.index]
		}, shapeOf(spec))
		t.Logf("%s: %d pictures, SSIM %.4f, least %.4f, opening %.4f", spec.ID, len(decoded[i]), look.mean, look.least, look.opening)
		if look.mean < floor || look.least < floor-0.08 || look.opening < floor-0.05 {
			t.Errorf("%s (%dx%d): SSIM %.4f in the mean, %.4f at least, %.4f where segments open; want %.2f", spec.ID, spec.Width, spec.Height, look.mean, look.least, look.opening, floor)
		}
	}
}

// checkShape holds a rung's size to the source's and its profile and level to
// what old TVs need.
func checkShape(t *testing.T, source *media.Track, spec transcode.Rung, lowest bool) {
	t.Helper()
	wide := float64(source.Width) * source.SampleAspect.Float()
	aspect := wide / float64(source.Height)
	off := math.Abs(float64(spec.Width)/float64(spec.Height)/aspect - 1)
	limit := 0.01
	if spec.ID == "source" {
		limit = 0.005
	}
	if off > limit {
		t.Errorf("%s: %dx%d distorts by %.2f %%", spec.ID, spec.Width, spec.Height, 100*off)
	}
	if spec.Width%2 != 0 || spec.Height%2 != 0 || float64(spec.Width) > wide+1e-9 || spec.Height > source.Height {
		t.Errorf("%s: %dx%d of %.1fx%d", spec.ID, spec.Width, spec.Height, wide, source.Height)
	}
	if profile := map[bool]string{true: "main", false: "high"}[lowest]; spec.Profile != profile {
		t.Errorf("%s: profile %s, want %s", spec.ID, spec.Profile, profile)
	}
}

// checkHeaders checks what the avcC and the picture parameters say.
func checkHeaders(t *testing.T, spec transcode.Rung, coded []transcode.Coded) {
	t.Helper()
	config := coded[0].AU.Track.Config
	if idc := map[string]byte{"high": 100, "main": 77}[spec.Profile]; config[1] != idc {
		t.Errorf("%s: profile_idc %d in the avcC, want %d", spec.ID, config[1], idc)
	}
	if int(config[3]) != spec.Level || !levelHolds(spec) {
		t.Errorf("%s: level %d in the avcC, %d of %dx%d at %v", spec.ID, config[3], spec.Level, spec.Width, spec.Height, spec.FrameRate)
	}
	info := streamInfo(t, writeRung(t, *coded[0].AU.Track, coded))
	for key, want := range map[string]any{
		"sample_aspect_ratio": "1:1", "width": float64(spec.Width), "height": float64(spec.Height),
		"pix_fmt": "yuv420p", "field_order": "progressive",
	} {
		if info[key] != want {
			t.Errorf("%s: %s is %v, want %v", spec.ID, key, info[key], want)
		}
	}
	for _, key := range []string{"color_range", "color_space", "color_transfer", "color_primaries"} {
		if v, ok := info[key]; !ok || v == "unknown" {
			t.Errorf("%s: no %s", spec.ID, key)
		}
	}
}

// levelHolds checks a rung's level against the rows of ITU-T H.264 Table A-1
// that these rungs can need: it must be the first that holds the rung.
func levelHolds(spec transcode.Rung) bool {
	fps := spec.FrameRate.Float()
	if fps == 0 {
		fps = 60
	}
	blocks := float64((spec.Width + 15) / 16 * ((spec.Height + 15) / 16))
	factor := map[string]int{"high": 1250, "main": 1000}[spec.Profile]
	for _, row := range []struct {
		idc               int
		perSecond, blocks float64
		decoded           float64
		rate, buffer      int
	}{
		{20, 11880, 396, 2376, 2000, 2000},
		{21, 19800, 792, 4752, 4000, 4000},
		{22, 20250, 1620, 8100, 4000, 4000},
		{30, 40500, 1620, 8100, 10000, 10000},
		{31, 108000, 3600, 18000, 14000, 14000},
		{32, 216000, 5120, 20480, 20000, 20000},
		{40, 245760, 8192, 32768, 20000, 25000},
	} {
		if blocks*fps <= row.perSecond && blocks <= row.blocks && 3*blocks <= row.decoded &&
			spec.MaxRate <= row.rate*factor && spec.BufferSize <= row.buffer*factor {
			return spec.Level == row.idc || spec.Level < 20 && row.idc == 20
		}
	}
	return false
}
