package transcode_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// source is a track of the given shape; aspect "" means square pixels.
func source(width, height int, fps media.Rational, bitrate int) *media.Track {
	return &media.Track{
		Kind: media.Video, Codec: media.H264, Timescale: media.VideoTimescale,
		Width: width, Height: height, SampleAspect: media.Rational{Num: 1, Den: 1},
		FrameRate: fps, Bitrate: bitrate,
	}
}

func fps(num, den int) media.Rational { return media.Rational{Num: num, Den: den} }

// line is a rung as the golden tables spell it.
func line(r transcode.Rung) string {
	rate := "vfr"
	if r.FrameRate.Known() {
		rate = r.FrameRate.String()
	}
	return fmt.Sprintf("%s %dx%d@%s/%d %dk/%dk/%dk %s@%d", r.Name, r.Width, r.Height, rate, r.FrameDivisor,
		r.Bitrate/1000, r.MaxRate/1000, r.BufferSize/1000, r.Profile, r.Level)
}

func lines(rungs []transcode.Rung) string {
	var all []string
	for _, r := range rungs {
		all = append(all, line(r))
	}
	return strings.Join(all, "\n")
}

func TestLadder(t *testing.T) {
	anamorphic := source(720, 576, fps(25, 1), 4_000_000)
	anamorphic.SampleAspect = fps(64, 45)
	narrow := source(1440, 1080, fps(30, 1), 8_000_000)
	narrow.SampleAspect = fps(4, 3)
	for _, c := range []struct {
		name string
		src  *media.Track
		cfg  transcode.LadderConfig
		want []string
	}{
		{"1080p30", source(1920, 1080, fps(30, 1), 6_000_000), transcode.LadderConfig{}, []string{
			"720p 1280x720@30/1 2800k/3360k/1680k high@31",
			"480p 854x480@30/1 1400k/1680k/840k high@31",
			"360p 640x360@30/1 800k/960k/480k main@30",
		}},
		{"1080p60", source(1920, 1080, fps(60, 1), 9_000_000), transcode.LadderConfig{}, []string{
			"720p60 1280x720@60/1 4200k/5040k/2520k high@32",
			"480p 854x480@30/2 1400k/1680k/840k high@31",
			"360p 640x360@30/2 800k/960k/480k main@30",
		}},
		{"720p60", source(1280, 720, fps(60, 1), 4_000_000), transcode.LadderConfig{}, []string{
			"480p 854x480@30/2 1400k/1680k/840k high@31",
			"360p 640x360@30/2 800k/960k/480k main@30",
		}},
		{"720p59.94", source(1280, 720, fps(60000, 1001), 4_000_000), transcode.LadderConfig{}, []string{
			"480p 854x480@30000/1001/2 1399k/1678k/839k high@31",
			"360p 640x360@30000/1001/2 800k/960k/480k main@30",
		}},
		{"480p", source(854, 480, fps(24, 1), 0), transcode.LadderConfig{}, []string{
			"360p 640x360@24/1 702k/842k/421k main@30",
		}},
		{"odd 853x479", source(853, 479, fps(30, 1), 0), transcode.LadderConfig{}, []string{
			"360p 642x360@30/1 802k/962k/481k main@30",
		}},
		{"360p", source(640, 360, fps(30, 1), 900_000), transcode.LadderConfig{}, nil},
		{"portrait", source(720, 1280, fps(30, 1), 3_000_000), transcode.LadderConfig{}, []string{
			"480p 480x854@30/1 1400k/1680k/840k high@31",
			"360p 360x640@30/1 800k/960k/480k main@30",
		}},
		{"4:3", source(1440, 1080, fps(30, 1), 0), transcode.LadderConfig{}, []string{
			"720p 960x720@30/1 2245k/2694k/1347k high@31",
			"480p 640x480@30/1 1058k/1269k/634k high@30",
			"360p 480x360@30/1 626k/751k/375k main@30",
		}},
		{"anamorphic PAL", anamorphic, transcode.LadderConfig{}, []string{
			"480p 854x480@25/1 1258k/1509k/754k high@30",
			"360p 640x360@25/1 719k/862k/431k main@30",
		}},
		{"anamorphic HD", narrow, transcode.LadderConfig{}, []string{
			"720p 1280x720@30/1 2800k/3360k/1680k high@31",
			"480p 854x480@30/1 1400k/1680k/840k high@31",
			"360p 640x360@30/1 800k/960k/480k main@30",
		}},
		{"poor source", source(1920, 1080, fps(30, 1), 2_000_000), transcode.LadderConfig{}, []string{
			"720p 1280x720@30/1 1400k/1680k/840k high@31",
			"480p 854x480@30/1 979k/1175k/587k high@31",
			"360p 640x360@30/1 685k/823k/411k main@30",
		}},
		{"variable rate", source(1280, 720, media.Rational{}, 0), transcode.LadderConfig{}, []string{
			"480p 854x480@vfr/1 1400k/1680k/840k high@31",
			"360p 640x360@vfr/1 800k/960k/480k main@31",
		}},
		{"2160p", source(3840, 2160, fps(30, 1), 0), transcode.LadderConfig{}, []string{
			"1080p 1920x1080@30/1 5000k/6000k/3000k high@40",
			"720p 1280x720@30/1 2800k/3360k/1680k high@31",
			"480p 854x480@30/1 1400k/1680k/840k high@31",
			"360p 640x360@30/1 800k/960k/480k main@30",
		}},
		{"too close", source(880, 496, fps(30, 1), 0), transcode.LadderConfig{}, []string{
			"360p 638x360@30/1 798k/957k/478k main@30",
		}},
		{"custom", source(1920, 1080, fps(60, 1), 5_000_000), transcode.LadderConfig{
			Preset: "faster",
			Rungs:  []transcode.RungConfig{{Height: 240}, {Height: 900, Bitrate: 20_000_000, FrameRate: 30}, {Height: 540, Bitrate: 3_500_000}, {Height: 1440}},
		}, []string{
			"900p 1600x900@30/2 4750k/5700k/2850k high@40",
			"540p60 960x540@60/1 3500k/4200k/2100k high@32",
			"240p 426x240@30/2 400k/480k/240k main@21",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, want := lines(transcode.Ladder(c.src, c.cfg)), strings.Join(c.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestTopRung(t *testing.T) {
	for _, c := range []struct {
		src  *media.Track
		cap  int
		want string
	}{
		{source(1920, 1080, fps(30, 1), 6_000_000), 0, "1080p 1920x1080@30/1 5000k/6000k/3000k high@40"},
		{source(1920, 1080, fps(30, 1), 6_000_000), 720, "720p 1280x720@30/1 2800k/3360k/1680k high@31"},
		{source(1920, 1080, fps(60, 1), 4_000_000), 0, "1080p60 1920x1080@60/1 3800k/4560k/2280k high@42"},
		{source(853, 479, fps(25, 1), 0), 0, "479p 852x478@25/1 1250k/1500k/750k high@30"},
		{source(640, 360, fps(30, 1), 0), 720, "360p 640x360@30/1 800k/960k/480k high@30"},
		{source(1080, 1920, fps(30, 1), 0), 720, "720p 720x1280@30/1 2800k/3360k/1680k high@31"},
	} {
		r := transcode.TopRung(c.src, transcode.LadderConfig{}, c.cap)
		if got := line(r); got != c.want || r.ID != "source" {
			t.Errorf("TopRung(%dx%d, %d) = %q id %q, want %q", c.src.Width, c.src.Height, c.cap, got, r.ID, c.want)
		}
	}
}

func TestLadderHoldsItsRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := source(
			rapid.IntRange(16, 4096).Draw(t, "width"), rapid.IntRange(16, 4096).Draw(t, "height"),
			fps(rapid.IntRange(1, 240_000).Draw(t, "num"), rapid.SampledFrom([]int{1000, 1001, 2000}).Draw(t, "den")),
			rapid.IntRange(0, 50_000_000).Draw(t, "bitrate"))
		src.SampleAspect = fps(rapid.IntRange(1, 4).Draw(t, "sarx"), rapid.IntRange(1, 4).Draw(t, "sary"))
		var custom []transcode.RungConfig
		for _, h := range rapid.SliceOfN(rapid.IntRange(2, 2160), 0, 5).Draw(t, "heights") {
			custom = append(custom, transcode.RungConfig{Height: h, Bitrate: rapid.IntRange(0, 30_000_000).Draw(t, "rate")})
		}
		wide := float64(src.Width) * src.SampleAspect.Float()
		tall := float64(src.Height)
		rungs := transcode.Ladder(src, transcode.LadderConfig{Rungs: custom})
		for i, r := range append(rungs, transcode.TopRung(src, transcode.LadderConfig{}, 0)) {
			holds(t, r, src, wide, tall)
			if i > 0 && i < len(rungs) && min(r.Width, r.Height) > min(rungs[i-1].Width, rungs[i-1].Height) {
				t.Fatalf("rung %d is larger than the one above it", i)
			}
		}
	})
}

// holds checks what every rung promises whatever the source.
func holds(t *rapid.T, r transcode.Rung, src *media.Track, wide, tall float64) {
	if r.Width%2 != 0 || r.Height%2 != 0 || r.Width < 2 || r.Height < 2 {
		t.Fatalf("odd or empty size %dx%d", r.Width, r.Height)
	}
	if float64(r.Width) > math.Max(2, wide) || float64(r.Height) > math.Max(2, tall) {
		t.Fatalf("%dx%d enlarges %.1fx%.1f", r.Width, r.Height, wide, tall)
	}
	if (r.Width > r.Height && wide < tall) || (r.Width < r.Height && wide > tall) {
		t.Fatalf("%dx%d turns %.1fx%.1f", r.Width, r.Height, wide, tall)
	}
	// Within the two lines that even numbers cost.
	short, long := math.Min(wide, tall), math.Max(wide, tall)
	if ideal := long / short * float64(min(r.Width, r.Height)); math.Abs(float64(max(r.Width, r.Height))-ideal) > 3 {
		t.Fatalf("%dx%d bends the aspect of %.1fx%.1f", r.Width, r.Height, wide, tall)
	}
	if src.Bitrate >= 64_000 && r.Bitrate >= src.Bitrate {
		t.Fatalf("%d b/s is not below the source's %d", r.Bitrate, src.Bitrate)
	}
	if r.Bitrate <= 0 && short > 2 && r.Width*r.Height > 1000 {
		t.Fatalf("no bits for %dx%d", r.Width, r.Height)
	}
	if r.Bitrate > r.MaxRate || 2*r.BufferSize > r.MaxRate {
		t.Fatalf("bit rate %d, peak %d, buffer %d", r.Bitrate, r.MaxRate, r.BufferSize)
	}
	if r.FrameRate.Float() > 60.6 || (r.FrameDivisor > 1 && src.FrameRate.Float() < 30.3) {
		t.Fatalf("divisor %d for %s", r.FrameDivisor, src.FrameRate)
	}
	segment := 2 * time.Second
	if r.Bandwidth(segment) < r.MaxRate+r.BufferSize/2 || r.AverageBandwidth() <= r.Bitrate {
		t.Fatalf("bandwidth %d and %d promise too little", r.Bandwidth(segment), r.AverageBandwidth())
	}
}
