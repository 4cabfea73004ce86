package ingest_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// farther is the greater of two distances.
func farther(a, b float64) float64 { return math.Max(a, math.Abs(b)) }

// Hours of an encoder whose clock is wrong, over a network that delays: media time
// stays within 100 ms of the clock, no step is seen, and both tracks stay together.
func TestMediaTimeFollowsTheClock(t *testing.T) {
	hours := 3.0
	if testing.Short() {
		hours = 0.5
	}
	for name, c := range map[string]struct {
		ppm  float64
		rate media.Rational
		// early is how much later the first picture comes than the network delays
		// the others.
		early float64
	}{
		"slow": {ppm: -200, rate: fps30}, "fast": {ppm: 200, rate: fps60}, "ntsc": {ppm: 200, rate: ntsc30},
		"right": {rate: fps30}, "late start": {rate: fps30, early: 0.4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, 2))
			s := newSource(c.rate, 48_000)
			timeline := ingest.NewTimeline(ingest.TimelineConfig{Anchor: anchor})
			period, speed := 1/c.rate.Float(), 1+c.ppm/1e6
			var off, step, apart, heard float64
			var lastVideo, lastAudio media.Ticks
			frames, sounds, breaks := 0, 0, 0
			now := 0.0
			for ; now < hours*3600; frames++ {
				at := float64(frames) * period // as the encoder says
				now = math.Max(now, at/speed+0.08*random.Float64())
				if frames == 0 {
					now = c.early
				}
				timeline.Reanchor(anchor.Add(time.Duration((now - c.early) * 1e9)))
				take := func(u media.AccessUnit) {
					u.DTS = u.PTS
					for _, out := range timeline.Push(u) {
						said := out.Track.Timescale.Time(out.PTS).Sub(anchor).Seconds() + c.early
						number := int(out.Data[1]) | int(out.Data[2])<<8 | int(out.Data[3])<<16
						if out.Discontinuity {
							breaks++
						}
						if out.Track.Kind == media.Audio {
							if lastAudio != 0 && out.PTS-lastAudio != 1024 {
								t.Fatalf("audio steps by %d", out.PTS-lastAudio)
							}
							lastAudio, heard = out.PTS, said-float64(number)*1024/48_000
							continue
						}
						if now > 900 || now > 30 && c.early == 0 { // a late start has been worked off
							off = farther(off, said-float64(number)*period/speed)
						}
						if lastVideo != 0 {
							step = farther(step, float64(out.PTS-lastVideo)/90_000-period)
						}
						lastVideo = out.PTS
						if lastAudio != 0 {
							apart = farther(apart, said-float64(number)*period-heard)
						}
					}
				}
				for ; float64(sounds)*1024/48_000 <= at; sounds++ {
					ms := media.Ticks(math.Round(float64(sounds) * 1024 / 48))
					take(media.AccessUnit{Track: s.audio, PTS: ms, Sync: true, Data: []byte{'a', byte(sounds), byte(sounds >> 8), byte(sounds >> 16)}})
				}
				take(media.AccessUnit{
					Track: s.video, PTS: media.Ticks(math.Round(at * 1000)), Sync: frames%s.gop == 0,
					Data: []byte{'v', byte(frames), byte(frames >> 8), byte(frames >> 16)},
				})
			}
			r := timeline.Repairs()
			t.Logf("%.0f ms off the clock at most, pictures %.2f ms off their distance, audio %.1f ms apart; %d steps, %v in all, %d frames repeated, %d left out",
				1000*off, 1000*step, 1000*apart, r.ClockSlews, media.VideoTimescale.Duration(r.Slewed), r.AudioRepeated, r.AudioDropped)
			if off > 0.1 {
				t.Errorf("media time is %.0f ms off the clock", 1000*off)
			}
			if step > 0.0041 { // a step of the slew and one of the grid
				t.Errorf("pictures are %.2f ms off their distance", 1000*step)
			}
			if apart > 0.025 {
				t.Errorf("audio is %.1f ms apart from video", 1000*apart)
			}
			if breaks != 2 || r.Jumps+r.Nudged+r.Restarts+r.RateChanges+r.SilenceInserted > 0 {
				t.Errorf("%d breaks, %+v", breaks, r)
			}
			if drifts := c.ppm != 0 || c.early != 0; drifts != (r.ClockSlews > 0) {
				t.Errorf("%d steps", r.ClockSlews)
			}
			if want := -c.ppm / 1e6 * now; math.Abs(media.VideoTimescale.Duration(r.Slewed).Seconds()-want) > 0.1+c.early {
				t.Errorf("slewed by %v, want about %.3f s", media.VideoTimescale.Duration(r.Slewed), want)
			}
		})
	}
}
