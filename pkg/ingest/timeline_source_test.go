package ingest_test

import (
	"math"
	"slices"
	"time"

	"pgregory.net/rapid"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// anchor is where the tests' media time starts.
var anchor = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

var (
	fps30  = media.Rational{Num: 30, Den: 1}
	fps60  = media.Rational{Num: 60, Den: 1}
	ntsc30 = media.Rational{Num: 30_000, Den: 1001}
)

func videoTrack(declared media.Rational) *media.Track {
	return &media.Track{Kind: media.Video, Codec: media.H264, Timescale: 1000, Config: []byte{1, 100, 0, 31}, FrameRate: declared}
}

func aacTrack(rate, channels int) *media.Track {
	return &media.Track{
		Kind: media.Audio, Codec: media.AAC, Timescale: 1000,
		Config: ingest.LCConfig(rate, channels), SampleRate: rate, Channels: channels,
	}
}

// source is an encoder that rounds to milliseconds, as FLV makes it do.
type source struct {
	rate     media.Rational
	video    *media.Track
	audio    *media.Track
	gop      int
	reorder  bool
	round    func(float64) float64
	begin    float64 // Seconds of the first decode time.
	audioLag float64 // Seconds that audio starts after the first picture.
}

func newSource(rate media.Rational, sampleRate int) source {
	return source{
		rate: rate, video: videoTrack(rate), audio: aacTrack(sampleRate, 2),
		gop: int(math.Round(2 * rate.Float())), reorder: true, round: math.Floor,
	}
}

// display is the place in a closed GOP of the k-th picture that is decoded,
// with two B pictures between references.
func display(k, gop int) int {
	if k == 0 {
		return 0
	}
	group, place := (k-1)/3*3, (k-1)%3
	last := min(group+3, gop-1)
	if place == 0 {
		return last
	}
	return group + place
}

// delay is how many frames PTS is ahead of DTS at a keyframe.
const delay = 2

// units are the source's access units in order of time.
func (s source) units(length float64) []media.AccessUnit {
	var all []media.AccessUnit
	ms := func(at float64) media.Ticks { return media.Ticks(s.round((s.begin + at) * 1000)) }
	period := 1 / s.rate.Float()
	for i := 0; float64(i)*period < length; i++ {
		shown := float64(i)
		if s.reorder {
			shown = float64(i - i%s.gop + display(i%s.gop, s.gop) + delay)
		}
		all = append(all, media.AccessUnit{
			Track: s.video, DTS: ms(float64(i) * period), PTS: ms(shown * period), Sync: i%s.gop == 0,
			Data: []byte{'v', byte(i), byte(i >> 8), byte(i >> 16)},
		})
	}
	if s.audio == nil {
		return all
	}
	first := s.audioLag + float64(all[0].PTS-all[0].DTS)/1000
	for i := 0; ; i++ {
		at := first + float64(i)*1024/float64(s.audio.SampleRate)
		if at >= length+first-s.audioLag {
			break
		}
		all = append(all, media.AccessUnit{
			Track: s.audio, DTS: ms(at), PTS: ms(at), Sync: true, Data: []byte{'a', byte(i), byte(i >> 8), byte(i >> 16)},
		})
	}
	slices.SortStableFunc(all, func(a, b media.AccessUnit) int { return int(a.DTS - b.DTS) })
	return all
}

// wrap reduces times to the 32 bits of the wire.
func wrap(units []media.AccessUnit) []media.AccessUnit {
	for i := range units {
		offset := units[i].PTS - units[i].DTS
		units[i].DTS &= 1<<32 - 1
		units[i].PTS = units[i].DTS + offset
	}
	return units
}

// move adds milliseconds to the units that match.
func move(units []media.AccessUnit, by media.Ticks, match func(i int, u media.AccessUnit) bool) []media.AccessUnit {
	units = slices.Clone(units)
	for i, u := range units {
		if match(i, u) {
			units[i].DTS += by
			units[i].PTS += by
		}
	}
	return units
}

func without(units []media.AccessUnit, match func(media.AccessUnit) bool) []media.AccessUnit {
	return slices.DeleteFunc(slices.Clone(units), match)
}

func isVideo(u media.AccessUnit) bool { return u.Track.Kind == media.Video }

// push runs units through a new Timeline and checks what always holds, and
// that there is audio.
func push(t rapid.TB, units []media.AccessUnit) ([]media.AccessUnit, ingest.Repairs) {
	t.Helper()
	return pushWith(t, ingest.Metadata{}, units)
}

func pushWith(t rapid.TB, meta ingest.Metadata, units []media.AccessUnit) ([]media.AccessUnit, ingest.Repairs) {
	t.Helper()
	out, repairs := pushAny(t, meta, units)
	if len(out) > 10 && len(only(out, media.Audio)) == 0 {
		t.Fatal("there is no audio")
	}
	return out, repairs
}

// pushAny does not ask for audio: of a few wild access units there may be too
// little for a frame of silence.
func pushAny(t rapid.TB, meta ingest.Metadata, units []media.AccessUnit) ([]media.AccessUnit, ingest.Repairs) {
	t.Helper()
	timeline := ingest.NewTimeline(ingest.TimelineConfig{Anchor: anchor})
	timeline.Metadata(meta)
	var out []media.AccessUnit
	for _, u := range wrap(slices.Clone(units)) {
		out = append(out, timeline.Push(u)...)
	}
	out = append(out, timeline.End()...)
	checkInvariants(t, out)
	return out, timeline.Repairs()
}

// checkInvariants fails where the output of a Timeline breaks its promises.
func checkInvariants(t rapid.TB, out []media.AccessUnit) {
	t.Helper()
	var last [3]*media.AccessUnit
	for i := range out {
		u := &out[i]
		kind := u.Track.Kind
		before := last[kind]
		switch {
		case i == 0 && kind == media.Video && u.PTS != media.VideoTimescale.At(anchor):
			t.Fatalf("begins with %s at %d", kind, u.PTS)
		case before == nil && !u.Discontinuity:
			t.Fatalf("the first %s has no discontinuity", kind)
		case kind == media.Video && u.Discontinuity && !u.Enters():
			t.Fatalf("unit %d: video breaks without a keyframe", i)
		case kind == media.Video && u.Track.Timescale != media.VideoTimescale:
			t.Fatalf("unit %d: video at %d", i, u.Track.Timescale)
		case kind == media.Audio && int(u.Track.Timescale) != u.Track.SampleRate:
			t.Fatalf("unit %d: audio at %d", i, u.Track.Timescale)
		}
		if before != nil {
			checkStep(t, i, before, u)
		}
		last[kind] = u
	}
}

func checkStep(t rapid.TB, i int, before, u *media.AccessUnit) {
	t.Helper()
	if before.Track.Timescale == u.Track.Timescale && u.DTS <= before.DTS {
		t.Fatalf("unit %d: %s DTS %d after %d", i, u.Track.Kind, u.DTS, before.DTS)
	}
	if u.Discontinuity || !ingest.PlainAAC(u.Track) {
		return
	}
	if !ingest.PlainAAC(before.Track) {
		return // Silence in its place.
	}
	if u.Track != before.Track {
		t.Fatalf("unit %d: audio parameters change without a discontinuity", i)
	}
	if u.DTS != before.DTS+1024 {
		t.Fatalf("unit %d: audio is not gapless: %d after %d", i, u.DTS, before.DTS)
	}
}

// only are the units of a kind.
func only(out []media.AccessUnit, kind media.Kind) []media.AccessUnit {
	return without(out, func(u media.AccessUnit) bool { return u.Track.Kind != kind })
}

// breaks counts the discontinuities of a kind, the first one included.
func breaks(out []media.AccessUnit, kind media.Kind) (n int) {
	for _, u := range only(out, kind) {
		if u.Discontinuity {
			n++
		}
	}
	return n
}

// seconds is a unit's PTS since the anchor.
func seconds(u media.AccessUnit) float64 {
	return float64(u.PTS-u.Track.Timescale.At(anchor)) / float64(u.Track.Timescale)
}

// isSilence tells inserted frames from the source's.
func isSilence(u media.AccessUnit) bool { return len(u.Data) > 4 }

// checkGrid fails unless video stands on the grid of rate from the anchor on.
func checkGrid(t rapid.TB, out []media.AccessUnit, rate media.Rational) {
	t.Helper()
	start := media.VideoTimescale.At(anchor)
	on := func(at media.Ticks) bool {
		slot := int64(math.Round(float64(at-start) * rate.Float() / 90_000))
		return start+rate.Ticks(slot, media.VideoTimescale) == at
	}
	for i, u := range only(out, media.Video) {
		if u.Track.FrameRate != rate {
			t.Fatalf("picture %d: rate %v, want %v", i, u.Track.FrameRate, rate)
		}
		if !on(u.DTS) || !on(u.PTS) || !on(u.DTS+u.Duration) {
			t.Fatalf("picture %d at DTS %d, PTS %d, duration %d is off the grid", i, u.DTS-start, u.PTS-start, u.Duration)
		}
	}
}

// checkSync fails if a unit of the source stands more than limit seconds from
// where its own time says, and returns the greatest distance.
func checkSync(t rapid.TB, out, units []media.AccessUnit, limit float64) float64 {
	t.Helper()
	first := slices.IndexFunc(units, func(u media.AccessUnit) bool { return isVideo(u) && u.Sync })
	zero := float64(units[first].PTS)
	wants := make(map[string]float64)
	for _, u := range units {
		wants[string(u.Data)] = (float64(u.PTS) - zero) / 1000
	}
	worst := 0.0
	for _, u := range out {
		want, known := wants[string(u.Data)]
		if !known {
			continue
		}
		worst = max(worst, math.Abs(seconds(u)-want))
		if worst > limit {
			t.Fatalf("%s of %.3f s came out at %.3f s", u.Track.Kind, want, seconds(u))
		}
	}
	return worst
}
