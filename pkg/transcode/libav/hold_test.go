package libav

import (
	"testing"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// coded is what comes of a clip that is held to a rate, from the picture with that
// number in order of presentation on.
func coded(t *testing.T, c clip, hold transcode.Hold, from media.Ticks, more ...transcode.BoundaryAt) (units []transcode.Coded) {
	t.Helper()
	rung := transcode.Rung{
		ID: "90p", Width: 160, Height: 90, FrameRate: hold.Rate, FrameDivisor: 1,
		Bitrate: 100_000, MaxRate: 150_000, BufferSize: 75_000, Profile: "high", Level: 30, Preset: "ultrafast",
	}
	messages := []transcode.Message{transcode.TrackChange{Track: *c.track}, transcode.BoundaryAt{MSN: 1, PTS: from}}
	for _, b := range more {
		messages = append(messages, b)
	}
	for _, au := range c.units {
		messages = append(messages, transcode.Unit{AU: au})
	}
	order := transcode.Order{Mode: transcode.ModeVideo, Latency: transcode.LatencyLow, Rungs: []transcode.Rung{rung}, Hold: &hold}
	answers, acc, err := talk(t, order, append(messages, transcode.End{}))
	if err != nil {
		t.Fatal(err)
	}
	if n := acc.frames.Load() + acc.packets.Load(); n != 0 {
		t.Errorf("%d native values are left", n)
	}
	for _, m := range answers {
		if m, ok := m.(transcode.Coded); ok {
			units = append(units, m)
		}
	}
	return units
}

// Whatever comes, a picture is shown at each time of the grid from the first boundary
// to the end: faster, slower, irregular ones, and the last picture alone.
func TestPicturesAreHeldToARate(t *testing.T) {
	made := readClip(t, generated(t, "-f lavfi -i testsrc2=s=320x180:r=25 -t 2 "+smallRung+" -bf 2"), "v:0")
	irregular := made
	irregular.units = nil
	for i, au := range made.units {
		if i%7 != 3 || au.Sync {
			irregular.units = append(irregular.units, au)
		}
	}
	first, last := made.units[0].PTS, made.units[0].PTS
	for _, au := range made.units {
		last = max(last, au.PTS)
	}
	for name, c := range map[string]struct {
		clip clip
		rate media.Rational
		from media.Ticks
		want int
	}{
		"as it is":         {made, media.Rational{Num: 25, Den: 1}, first, 75},
		"faster":           {made, media.Rational{Num: 60_000, Den: 1001}, first, 180},
		"slower":           {made, media.Rational{Num: 10, Den: 1}, first, 30},
		"irregular":        {irregular, media.Rational{Num: 30, Den: 1}, first, 90},
		"the last picture": {made, media.Rational{Num: 30, Den: 1}, last, 90},
	} {
		t.Run(name, func(t *testing.T) {
			second := transcode.BoundaryAt{MSN: 2, PTS: c.from + c.rate.Ticks(20, media.VideoTimescale)}
			units := coded(t, c.clip, transcode.Hold{Rate: c.rate, Until: c.from + 3*90_000}, c.from, second)
			if len(units) != c.want {
				t.Fatalf("%d pictures come, want %d", len(units), c.want)
			}
			for i, u := range units {
				if want := c.from + c.rate.Ticks(int64(i), media.VideoTimescale); u.AU.PTS != want {
					t.Fatalf("picture %d is shown at %d, want %d", i, u.AU.PTS-c.from, want-c.from)
				}
				if u.Starts != (i == 0 || i == 20) || u.Starts != u.AU.Sync {
					t.Errorf("picture %d starts segment %d: %v, sync %v", i, u.MSN, u.Starts, u.AU.Sync)
				}
			}
			if sum := len(units[len(units)-1].AU.Data); name == "the last picture" && sum > 200 {
				t.Errorf("a picture that does not change takes %d bytes", sum)
			}
		})
	}
	if _, _, err := talk(t, transcode.Order{Mode: transcode.ModeVideo, Hold: &transcode.Hold{}}, nil); err == nil {
		t.Error("no rate is taken for one")
	}
}

// A watch sees each keyframe by itself, at once, whatever pictures its decoder would
// wait for, and passes over what is damaged.
func TestWatchLooksAtKeyframes(t *testing.T) {
	for name, c := range map[string]struct {
		args         string
		black, still bool
	}{
		"moving": {"-f lavfi -i testsrc2=s=640x360:r=30 -t 8", false, false},
		"black":  {"-f lavfi -i color=black:s=640x360:r=30 -t 8", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			made := readClip(t, generated(t, c.args+" -c:v libx264 -preset veryfast -bf 3 -g 60"), "v:0")
			messages := []transcode.Message{transcode.TrackChange{Track: *made.track}}
			for _, au := range made.units {
				if au.Sync {
					messages = append(messages, transcode.Unit{AU: au})
				}
			}
			messages = append(messages, transcode.Unit{AU: media.AccessUnit{Sync: true, Data: []byte("nonsense")}}, transcode.End{})
			answers, acc, err := talk(t, transcode.Order{Mode: transcode.ModeWatch}, messages)
			if err != nil {
				t.Fatal(err)
			}
			if n := acc.frames.Load() + acc.packets.Load(); n != 0 {
				t.Errorf("%d native values are left", n)
			}
			var sights []transcode.Sight
			var progress transcode.Progress
			for _, m := range answers {
				switch m := m.(type) {
				case transcode.Sight:
					if len(sights) != int(progress.Units) {
						t.Errorf("the picture of unit %d is seen after %d", len(sights), progress.Units)
					}
					sights = append(sights, m)
				case transcode.Progress:
					progress = m
				}
			}
			if len(sights) != 4 || progress.Units != 5 || progress.Damaged != 1 {
				t.Fatalf("%d looks at 4 keyframes, %+v", len(sights), progress)
			}
			last := sights[3]
			if black := last.Brightness < 0.03 && last.Contrast < 0.01; black != c.black || (last.Still > 5e9) != c.still {
				t.Errorf("%+v", last)
			}
		})
	}
}
