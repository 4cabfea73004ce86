package live

import (
	"testing"
	"time"

	"weir/pkg/doctor"
	"weir/pkg/media"
)

// sight counts pictures of 30 fps and audio that arrive late and wait, both as
// given, for d.
func sight(v *vitals, d, late, waits time.Duration) doctor.Observations {
	video := &media.Track{Kind: media.Video, Codec: media.H264, Timescale: media.VideoTimescale, Width: 1280, Height: 720, FrameRate: media.Rational{Num: 30, Den: 1}}
	audio := &media.Track{Kind: media.Audio, Codec: media.AAC, Timescale: 48_000, SampleRate: 48_000, Channels: 2}
	began := time.Unix(1_800_000_000, 0)
	sound := began
	for at, n := began, 0; at.Before(began.Add(d)); at, n = at.Add(time.Second/30), n+1 {
		pts := media.VideoTimescale.At(at)
		v.unit(at.Add(late), at.Add(late+waits), media.AccessUnit{Track: video, DTS: pts, PTS: pts, Sync: n%60 == 0, Data: make([]byte, 10_000)})
		for ; sound.Before(at); sound = sound.Add(1024 * time.Second / 48_000) {
			pts := media.Timescale(48_000).At(sound)
			v.unit(sound.Add(late), sound.Add(late+waits), media.AccessUnit{Track: audio, DTS: pts, PTS: pts, Sync: true, Data: make([]byte, 300)})
		}
		if n%30 == 29 {
			v.look(at)
		}
	}
	var o doctor.Observations
	v.observe(&o, video, audio)
	return o
}

func TestVitals(t *testing.T) {
	o := sight(&vitals{}, 30*time.Second, 40*time.Millisecond, 0)
	for m, want := range map[doctor.Measure][2]float64{
		doctor.KeyframeInterval: {1.99, 2.01}, doctor.KeyframeSpread: {0, 0.01}, doctor.OpenGOPs: {0, 0},
		doctor.VideoBitrate: {2.39e6, 2.41e6}, doctor.BitratePeak: {99, 101}, doctor.FramesMissing: {0, 0.2},
		doctor.AudioBitrate: {112_000, 113_000}, doctor.AudioOffset: {0, 0.001}, doctor.QueueDelay: {0, 0},
	} {
		if got, ok := o.Value(m); !ok || got < want[0] || got > want[1] {
			t.Errorf("measure %d is %v (%v), want %v", m, got, ok, want)
		}
	}
	if _, ok := o.Value(doctor.Drift); ok {
		t.Error("half a minute tells no drift")
	}
}

// What waits in the stream's own inbox is no fault of the way to it.
func TestServerThatIsBehindIsToldFromAnUplinkThatIs(t *testing.T) {
	o := sight(&vitals{}, 30*time.Second, 0, 800*time.Millisecond)
	o.Set(doctor.Delay, 3)
	d, now := doctor.New(), time.Unix(1_800_000_000, 0)
	var found []doctor.Finding
	for range 5 {
		found = d.Look(now, &o)
		now = now.Add(time.Second)
	}
	if len(found) != 1 || found[0].Code != "server_behind" || found[0].Hop != doctor.Gateway {
		t.Errorf("%+v", found)
	}
}

// The cost of an access unit; there are about a hundred a second and stream.
func BenchmarkVitals(b *testing.B) {
	var v vitals
	video := &media.Track{Kind: media.Video, Codec: media.H264, Timescale: media.VideoTimescale, FrameRate: media.Rational{Num: 30, Den: 1}}
	began := time.Unix(1_800_000_000, 0)
	au := media.AccessUnit{Track: video, DTS: media.VideoTimescale.At(began), Data: make([]byte, 10_000)}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		au.DTS += 3000
		au.PTS, au.Sync = au.DTS+3000, n%60 == 0
		v.unit(began, began, au)
	}
}

// The cost of a look, once a second and stream, at one that is well.
func BenchmarkLook(b *testing.B) {
	var v vitals
	o := sight(&v, 30*time.Second, 40*time.Millisecond, 0)
	d, now := doctor.New(), time.Unix(1_800_000_000, 0)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Second)
		if found := d.Look(now, &o); len(found) > 0 {
			b.Fatal(found)
		}
	}
}

func TestVitalsAllocateNothing(t *testing.T) {
	var v vitals
	track := &media.Track{Kind: media.Audio, Timescale: 48_000}
	au := media.AccessUnit{Track: track, DTS: 1 << 40, Data: make([]byte, 300)}
	if n := testing.AllocsPerRun(100, func() {
		au.DTS += 1024
		v.unit(time.Time{}, time.Time{}, au)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
