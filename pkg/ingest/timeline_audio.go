package ingest

import (
	"bytes"

	"weir/pkg/media"
)

const (
	// minPatience is how far audio may be behind video before silence takes
	// its place; audio that comes later all the same raises it up to
	// maxPatience.
	minPatience = second / 2
	maxPatience = 3 * second
	// maxFill bounds the silence that one gap is worth.
	maxFill = 5 * second
	// maxDrift is how far audio may stand from the source's time in the mean,
	// in frames, before a frame is repeated or left out: half a frame is as
	// near as whole frames come.
	maxDrift = 0.55
	// driftPace is the weight of one frame in that mean.
	driftPace = 1.0 / 64
	// maxAhead is how far audio goes on when video has stopped: what no video
	// goes with cannot be cut into segments.
	maxAhead = 2 * second
)

// audioTrack puts plain AAC on its grid of frames, fills it with silence where
// the source has none, and passes other audio on.
type audioTrack struct {
	// number is media.Track's.
	number int
	// source is the track as it came last, track as it leaves; track is nil
	// before any audio.
	source, track *media.Track
	// plain is true where track is plain AAC; foreign where source has other
	// parameters than track and waits for a new run.
	plain, foreign bool
	silence        []byte
	// substitute is the track of silence in place of audio that is not plain:
	// plain AAC at the same sampling rate, nil where track is plain.
	substitute *media.Track

	// next is the end of what has been returned, in samples of track on the
	// epoch's clock. started is true once this run has audio.
	// lastDTS is the start of the last frame where track is not plain.
	next, lastDTS media.Ticks
	started       bool
	// missing is true while silence stands in for audio, patience how far
	// audio may be behind video before it does.
	missing  bool
	patience media.Ticks
	// drift is how far the source's time is ahead of next, in the mean, in
	// samples.
	drift         float64
	discontinuity bool
	last          unit
}

func (a *audioTrack) timescale() media.Timescale { return a.track.Timescale }

// samples is a media time at 90 kHz in samples.
func (a *audioTrack) samples(at media.Ticks) media.Ticks {
	return media.Rescale(at, media.VideoTimescale, a.timescale())
}

// end is the end of what has been returned, at 90 kHz.
func (a *audioTrack) end() media.Ticks {
	if a.track == nil {
		return 0
	}
	return media.Rescale(a.next, a.timescale(), media.VideoTimescale)
}

// halfFrame is at 90 kHz; a frame that begins so much before a run belongs to
// it.
func halfFrame(track *media.Track) media.Ticks {
	if track == nil {
		return 0
	}
	return media.Rescale(aacFrame/2, media.Timescale(track.SampleRate), media.VideoTimescale)
}

// bound is how far a frame may stand from the source's time, in samples: less
// than 30 ms, or a little more than half a frame, which is as near as whole
// frames come.
func (a *audioTrack) bound() media.Ticks {
	return max(a.timescale().Ticks(30_000_000), aacFrame*6/10)
}

// begin starts a run.
func (a *audioTrack) begin() {
	a.started, a.discontinuity = false, true
	if a.foreign {
		a.adopt(a.source)
	}
}

// finish fills audio up to the end of the video before a run ends.
func (a *audioTrack) finish(t *Timeline) {
	a.fillTo(t, t.video.end)
}

// adopt makes source the track that leaves.
func (a *audioTrack) adopt(source *media.Track) {
	end := a.end()
	track := *source
	track.Timescale = media.Timescale(source.SampleRate)
	a.track, a.plain, a.foreign, a.missing = &track, PlainAAC(source), false, false
	a.silence, a.substitute = SilentFrame(source.Channels), nil
	if !a.plain {
		a.silence, a.substitute = SilentFrame(2), a.silent(source.SampleRate)
	}
	a.next = a.samples(end)
	a.lastDTS = a.next - 1
}

// silent is the track of silence at a sampling rate.
func (a *audioTrack) silent(rate int) *media.Track {
	track := SilentTrack(rate)
	track.Number = a.number
	return track
}

// standIn makes silence the track that leaves; audio with other parameters
// then waits for a new run. Encoders give all their tracks the same ones.
func (a *audioTrack) standIn(t *Timeline) {
	const rate = 48_000
	track := a.silent(rate)
	if a.number != 0 && t.audio.plain {
		alike := *t.audio.track
		alike.Number = a.number
		track = &alike
	}
	a.adopt(track)
	a.source, a.missing = nil, true
	a.start(t, a.samples(t.run.start))
}

// alike reports whether source continues what leaves, without a new init.
func (a *audioTrack) alike(source *media.Track) bool {
	if source.Codec != a.track.Codec || source.SampleRate != a.track.SampleRate || source.Channels != a.track.Channels {
		return false
	}
	if a.plain {
		return PlainAAC(source)
	}
	return bytes.Equal(source.Config, a.track.Config)
}

// push returns an audio unit where it belongs, through t.out.
func (a *audioTrack) push(t *Timeline, u unit) {
	if a.repeats(&u) {
		t.repairs.Duplicates++
		return
	}
	at := u.dts + t.run.offset
	if at < t.run.start-halfFrame(u.raw.Track) {
		t.repairs.WaitedForKeyframe++
		return
	}
	if at-t.video.end > maxAhead && !t.run.alone {
		t.repairs.AudioDropped++
		if a.number == 0 {
			t.outrun()
		}
		return
	}
	if u.raw.Track != a.source {
		a.notice(t, u.raw.Track)
	}
	switch {
	case a.foreign:
		t.repairs.AudioDropped++
	case a.plain:
		a.place(t, &u, a.samples(at))
	default:
		a.pass(t, &u, a.samples(at))
	}
}

func (a *audioTrack) repeats(u *unit) bool {
	same := a.last.raw.Track == u.raw.Track && a.last.dts == u.dts && bytes.Equal(a.last.raw.Data, u.raw.Data)
	if !same {
		a.last = *u
	}
	return same
}

// notice takes a new track pointer; other parameters wait for a new run.
func (a *audioTrack) notice(t *Timeline, source *media.Track) {
	a.source = source
	switch {
	case a.track == nil:
		a.adopt(source)
	case a.alike(source):
		a.foreign = false
	default:
		a.foreign = true
		t.run.restart = true
		t.repairs.ParameterChanges++
	}
}

// start sets the grid of this run: through the time at, from the first frame
// that is not half a frame before the run.
func (a *audioTrack) start(t *Timeline, at media.Ticks) {
	a.started, a.drift = true, 0
	frames := max(roundDiv(at-a.samples(t.run.start), aacFrame), 0)
	a.next = max(a.next, at-frames*aacFrame)
	a.fill(t, at)
}

// place puts a frame on the grid, behind silence if it comes late. A frame
// that comes early is dropped.
func (a *audioTrack) place(t *Timeline, u *unit, at media.Ticks) {
	if !a.started {
		a.start(t, at)
	}
	off := at - a.next
	if off < -a.bound() {
		t.repairs.AudioDropped++
		a.endure(t, u)
		return
	}
	if off > a.bound() {
		a.fill(t, a.next+max(roundDiv(off, aacFrame), 1)*aacFrame)
		a.drift = float64(at - a.next)
	}
	a.missing = false
	a.drift += (float64(at-a.next) - a.drift) * driftPace
	if a.drift < -maxDrift*aacFrame {
		t.repairs.AudioDropped++
		a.drift += aacFrame
		return
	}
	if a.drift > maxDrift*aacFrame {
		// What was heard just now is heard again: less of a break than silence.
		t.repairs.AudioRepeated++
		a.drift -= aacFrame
		a.emit(t, u.raw.Data)
	}
	a.emit(t, u.raw.Data)
}

// endure waits longer from now on where audio was only late.
func (a *audioTrack) endure(t *Timeline, u *unit) {
	if late := t.video.lastDTS - u.dts - t.run.offset; a.missing && late > 0 {
		a.patience = min(max(a.patience, late+minPatience), maxPatience)
	}
	a.missing = false
}

// follow fills with silence when video has come to now without audio.
func (a *audioTrack) follow(t *Timeline, now media.Ticks) {
	none := a.track == nil && t.meta.HasAudio != nil && !*t.meta.HasAudio
	behind := now - t.run.start
	if a.started {
		behind = now - a.end()
	}
	if behind > a.patience || none {
		a.missing = true
	}
	if !a.missing {
		return
	}
	a.fillTo(t, now)
}

// fillTo returns silence up to a media time at 90 kHz. Where a run has had no
// audio yet, plain silence is its track: audio that is not plain is encoded,
// and nothing would come out of that before it comes.
func (a *audioTrack) fillTo(t *Timeline, limit media.Ticks) {
	if a.track == nil || !a.plain && !a.started {
		a.standIn(t)
	}
	if !a.started {
		a.start(t, a.samples(t.run.start))
	}
	a.fill(t, a.samples(limit))
}

// fill returns silent frames as long as they end by limit.
func (a *audioTrack) fill(t *Timeline, limit media.Ticks) {
	limit = min(limit, a.next+a.samples(maxFill))
	for a.next+aacFrame <= limit {
		t.repairs.SilenceInserted++
		a.emit(t, a.silence)
	}
}

// emit returns a frame of plain AAC: the source's own, or silence.
func (a *audioTrack) emit(t *Timeline, data []byte) {
	track := a.track
	if a.substitute != nil {
		track = a.substitute
	}
	t.out = append(t.out, media.AccessUnit{
		Track: track, DTS: a.next, PTS: a.next, Duration: aacFrame,
		Sync: true, Discontinuity: a.discontinuity, Data: data,
	})
	a.discontinuity, a.lastDTS = false, a.next
	a.next += aacFrame
}

// pass returns audio that will be encoded, at the source's own time. What
// comes too late for the silence in its place is dropped, as in place.
func (a *audioTrack) pass(t *Timeline, u *unit, at media.Ticks) {
	if a.missing && at < a.next-a.bound() {
		t.repairs.AudioDropped++
		a.endure(t, u)
		return
	}
	a.missing = false
	if at <= a.lastDTS {
		t.repairs.Nudged++
		at = a.lastDTS + 1
	}
	out := u.raw
	out.Track, out.DTS, out.PTS, out.Duration = a.track, at, at, a.track.FrameDuration()
	out.Sync, out.Discontinuity = true, a.discontinuity
	t.out = append(t.out, out)
	a.started, a.discontinuity, a.lastDTS = true, false, at
	a.next = max(a.next, at+max(out.Duration, 1))
}

func roundDiv(a, b media.Ticks) media.Ticks {
	return media.Ticks(floorDiv(int64(2*a+b), int64(2*b)))
}
