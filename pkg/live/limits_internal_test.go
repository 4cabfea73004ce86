package live

import (
	"testing"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// flow is what an encoder sends: 25 pictures a second, a keyframe each 2 s that is
// five times as large as the others.
type flow struct {
	limits *limiter
	track  *media.Track
	start  time.Time
	count  int
}

func newFlow(rules ingest.Rules) *flow {
	start := time.Unix(1_800_000_000, 0)
	return &flow{
		limits: newLimiter(ingest.Grant{Stream: "main", Rules: rules}, start), start: start,
		track: &media.Track{Kind: media.Video, Codec: media.H264, Timescale: media.VideoTimescale, Width: 1280, Height: 720},
	}
}

// send sends d of media at a bit rate, at pace times real time, and returns when
// it was stopped, and why.
func (f *flow) send(d time.Duration, bitrate int, pace float64) (after time.Duration, why *ingest.Rejection) {
	const fps, interval = 25, 50
	gop := float64(bitrate) / 8 * interval / fps // bytes
	begin := f.count
	for range int(d.Seconds() * fps) {
		size := gop / (interval + 4)
		if f.count%interval == 0 {
			size *= 5
		}
		at := time.Duration(f.count) * time.Second / fps
		now := f.start.Add(time.Duration(begin) * time.Second / fps).Add(time.Duration(float64(at-time.Duration(begin)*time.Second/fps) / pace))
		f.count++
		au := media.AccessUnit{Track: f.track, DTS: media.VideoTimescale.Ticks(at) + media.VideoTimescale.At(f.start), Data: make([]byte, int(size))}
		if why = f.limits.raw(au, now); why == nil {
			why = f.limits.repaired(au)
		}
		if why != nil {
			return at - time.Duration(begin)*time.Second/fps, why
		}
	}
	return 0, nil
}

func TestBitrateLimit(t *testing.T) {
	t.Parallel()
	const most = 4_000_000
	for _, c := range []struct {
		name    string
		bitrate int
		pace    float64
		// stopped after no less and no more; 0 for not at all.
		least, most time.Duration
	}{
		{"within it", most, 1, 0, 0},
		{"a little above", most * 109 / 100, 1, 0, 0},
		{"a fifth above", most * 12 / 10, 1, 5 * time.Second, 12 * time.Second},
		{"ten times", most * 10, 1, 2 * time.Second, 8 * time.Second},
		// What the timestamps say is right, the clock says ten times as much.
		{"timestamps that run", most, 10, 10 * time.Second, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			after, why := newFlow(ingest.Rules{MaxBitrate: most}).send(2*time.Minute, c.bitrate, c.pace)
			if (why != nil) != (c.most > 0) || after < c.least || after > c.most {
				t.Errorf("stopped after %v: %v", after, why)
			}
			if why != nil && (why.Reason != ingest.BitrateExceeded || why.Stream != "main") {
				t.Errorf("%+v", why)
			}
		})
	}
}

// What an encoder catches up after a stall of the network, and a scene of some
// seconds that is hard to encode, are no reason.
func TestBitrateLimitIsPatient(t *testing.T) {
	t.Parallel()
	f := newFlow(ingest.Rules{MaxBitrate: 4_000_000})
	for range 5 {
		for _, step := range []struct {
			d       time.Duration
			bitrate int
			pace    float64
		}{{20 * time.Second, 3_900_000, 1}, {3 * time.Second, 5_500_000, 1}, {20 * time.Second, 3_900_000, 1}, {15 * time.Second, 3_900_000, 20}} {
			if after, why := f.send(step.d, step.bitrate, step.pace); why != nil {
				t.Fatalf("stopped after %v of %+v: %v", after, step, why)
			}
		}
	}
}

func TestSizeAndFrameRateLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		rules         ingest.Rules
		width, height int
		rate          media.Rational
		want          ingest.Reason
	}{
		{"fits", ingest.Rules{MaxResolution: "1280x720", MaxFrameRate: 30}, 1280, 720, media.Rational{Num: 30, Den: 1}, ""},
		{"portrait fits", ingest.Rules{MaxResolution: "1280x720"}, 720, 1280, media.Rational{}, ""},
		{"the limit in portrait", ingest.Rules{MaxResolution: "720x1280"}, 1280, 720, media.Rational{}, ""},
		{"wider", ingest.Rules{MaxResolution: "1280x720"}, 1706, 720, media.Rational{}, ingest.ResolutionExceeded},
		{"square", ingest.Rules{MaxResolution: "1280x720"}, 1280, 1280, media.Rational{}, ingest.ResolutionExceeded},
		{"30 where 29.97 may be", ingest.Rules{MaxFrameRate: 29.97}, 1280, 720, media.Rational{Num: 30, Den: 1}, ""},
		{"60 where 30 may be", ingest.Rules{MaxFrameRate: 30}, 1280, 720, media.Rational{Num: 60, Den: 1}, ingest.FrameRateExceeded},
		{"no rate of its own, 25 come where 20 may", ingest.Rules{MaxFrameRate: 20}, 1280, 720, media.Rational{}, ingest.FrameRateExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFlow(c.rules)
			f.track.Width, f.track.Height, f.track.FrameRate = c.width, c.height, c.rate
			_, why := f.send(30*time.Second, 1_000_000, 1)
			if (why == nil) != (c.want == "") || why != nil && why.Reason != c.want {
				t.Errorf("%v, want %q", why, c.want)
			}
		})
	}
}

func TestMeterForgetsOverGaps(t *testing.T) {
	t.Parallel()
	var m meter
	for second := range int64(8) {
		m.add(second, 100, 10)
	}
	if m.add(1<<40, 100, 10) != 0 || m.over != 0 {
		t.Errorf("a gap counts as %d seconds above the limit", m.over)
	}
	if m.add(0, 100, 10) != 0 || m.newest != 1<<40 {
		t.Error("time that goes back is not passed over")
	}
}
