package live

import (
	"testing"

	"pgregory.net/rapid"

	"weir/pkg/media"
)

// sent is what an encoder at 25 fps sends from 100 s on: a keyframe a second, one
// B-frame between two pictures, and sound that comes a little late.
func sent(seconds int, sync bool) (units []media.AccessUnit) {
	const frame, sample = 3600, 1024
	video := &media.Track{Kind: media.Video, Codec: media.H264, Timescale: media.VideoTimescale, FrameRate: media.Rational{Num: 25, Den: 1}}
	audio := &media.Track{Kind: media.Audio, Codec: media.AAC, Timescale: 48_000, SampleRate: 48_000, Channels: 2, Config: []byte{0x11, 0x90}}
	heard := media.Ticks(100 * 48_000)
	for i := range media.Ticks(25 * seconds) {
		dts, order := media.Ticks(100*90_000)+i*frame, i
		if inGOP := i % 25; inGOP > 0 && inGOP < 24 {
			order = i + 1 - 2*((inGOP+1)%2)
		}
		units = append(units, media.AccessUnit{
			Track: video, DTS: dts, PTS: 100*90_000 + (order+1)*frame, Duration: frame,
			Sync: sync && i%25 == 0, Recovery: !sync && i%25 == 0, Data: []byte{byte(i), byte(i >> 8)},
		})
		for media.Rescale(heard+8*sample, 48_000, 90_000) < dts {
			units = append(units, media.AccessUnit{Track: audio, DTS: heard, PTS: heard, Duration: sample, Sync: true, Data: []byte{0x21}})
			heard += sample
		}
	}
	return units
}

// Wherever a standby's media is to begin, it begins there: with its newest keyframe, as
// a picture that stands still until the next one, with a picture for each part, and with
// sound at once. From then on all of it comes as it was sent.
func TestOpening(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sync := rapid.Bool().Draw(t, "IDR")
		units := sent(8, sync)
		cut := rapid.IntRange(90, 150).Draw(t, "kept")
		var sp spare
		for _, au := range units[:cut] {
			sp.keep(au)
		}
		from := sp.newest + media.Ticks(rapid.IntRange(-90_000, 90_000).Draw(t, "from"))
		o, got := newOpening(from, nil, &sp)
		for _, au := range units[cut:] {
			got = append(got, o.take(au)...)
		}
		if !o.over() {
			t.Fatal("it has no end")
		}
		checkOpening(t, got, from)
	})
}

func checkOpening(t *rapid.T, got []media.AccessUnit, from media.Ticks) {
	const frame = 3600
	if first := got[0]; first.Track.Kind != media.Video || !first.Enters() || first.PTS < from || first.PTS >= from+frame {
		t.Fatalf("it begins with %v at %d, enters %v; want a picture at %d", first.Track.Kind, first.PTS, first.Enters(), from)
	}
	last := map[media.Kind]media.AccessUnit{}
	for _, au := range got {
		before, known := last[au.Track.Kind]
		last[au.Track.Kind] = au
		if au.Discontinuity == known {
			t.Fatalf("%v at %d: discontinuity %v", au.Track.Kind, au.PTS, au.Discontinuity)
		}
		begins := media.Rescale(from, media.VideoTimescale, au.Track.Timescale)
		step, most := au.DTS-before.DTS, stillStep(got[0].Track)+frame
		if au.Track.Kind == media.Audio {
			begins -= au.Duration / 2
			most = au.Duration
		}
		switch {
		case au.PTS < begins, !known && au.PTS-begins > frame:
			t.Fatalf("%v begins at %d, want %d", au.Track.Kind, au.PTS, begins)
		case known && (step <= 0 || step > most):
			t.Fatalf("%v at %d is decoded %d after the one before", au.Track.Kind, au.PTS, step)
		}
	}
}

// A picture that stands still for long can be entered every two seconds: not more often,
// as that would look like a short keyframe interval.
func TestStillEntries(t *testing.T) {
	var sp spare
	units := sent(1, true)
	for _, au := range units {
		sp.keep(au)
	}
	o, got := newOpening(sp.key, nil, &sp)
	if o.moves = false; len(got) == 0 {
		t.Fatal("nothing comes")
	}
	o.next, o.shown = sp.key, false
	entered := 0
	for _, au := range o.stand(sp.key + 5*media.Ticks(media.VideoTimescale)) {
		if au.Enters() {
			entered++
		}
	}
	if entered != 3 {
		t.Errorf("in 5 s it can be entered %d times, want 3", entered)
	}
}

// A spare holds no more than it may, and what it holds can be decoded.
func TestSpareIsBounded(t *testing.T) {
	var sp spare
	for i, au := range sent(30, true) {
		if au.Enters() && au.Track.Kind == media.Video && i > 0 {
			au.Sync = false // a single keyframe
		}
		sp.keep(au)
		if n := len(sp.units); n > 0 && sp.newest-sp.key > media.VideoTimescale.Ticks(mostSpare) && sp.video != nil {
			t.Fatalf("%v are kept", media.VideoTimescale.Duration(sp.newest-sp.key))
		}
	}
	if _, ok := sp.entry(true); ok || len(sp.units) > 150 {
		t.Errorf("%d units are kept that nothing can begin with", len(sp.units))
	}
}
