package ingest

import (
	"cmp"
	"time"

	"weir/pkg/media"
)

// TimelineConfig is how a source counts time and where its media time starts.
type TimelineConfig struct {
	// Anchor is the Unix time that the first video keyframe's PTS maps to.
	Anchor time.Time
	// Clock is the source's. It holds over what a raw Track says.
	Clock Clock
}

// Repairs counts what a Timeline has put right since it was made.
type Repairs struct {
	// Wraps of the source's counter, and Jumps of its clock by more than a
	// second, each a discontinuity.
	Wraps, Jumps uint64
	// TrackJumps are jumps of one track alone, Blips single wrong timestamps,
	// both put back without a break.
	TrackJumps, Blips uint64
	// ParameterChanges and Restarts are discontinuities at a keyframe: for
	// new decoder parameters, and for time that went back a little and stayed
	// there or for video that had stopped.
	ParameterChanges, Restarts uint64
	// Duplicates were dropped. Nudged access units came at or before the time
	// of the one before and were moved behind it. CompositionOffsets were out
	// of bounds.
	Duplicates, Nudged, CompositionOffsets uint64
	// RateChanges counts new frame rates and GridShifts small corrections of
	// the frame grid's phase.
	RateChanges, GridShifts uint64
	// ClockSlews counts the steps by which media time was moved as the source's
	// clock drifts from ours, and Slewed is their sum at 90 kHz: above 0 where the
	// source's is slow.
	ClockSlews uint64
	Slewed     media.Ticks
	// SilenceInserted counts frames of silence where there is no audio.
	// AudioRepeated and AudioDropped keep audio on its grid where the source's
	// audio clock is slower or faster than its timestamps.
	SilenceInserted, AudioRepeated, AudioDropped uint64
	// WaitedForKeyframe were dropped because nothing before them decodes
	// them, Unusable because they have no sane track, are of audio that was not
	// named or, in a further video track, have no counterpart in the default one.
	WaitedForKeyframe, Unusable uint64
	// Silent is true while silence stands in for audio, and Frozen while audio
	// goes on whose video has stopped.
	Silent, Frozen bool
}

// Timeline repairs the time of one publish session. In go access units as
// they came off the wire, on the source's clock; out come access units on the
// Unix epoch's clock, video at 90 kHz, audio at its sampling rate:
//
//   - They begin with a video keyframe, and the audio beside it. Where no video
//     comes, they are audio alone; a keyframe that comes later is a break.
//   - DTS grows strictly on each track.
//   - Video of a constant frame rate stands exactly on that rate's grid;
//     FrameRate is unknown and Duration 0 where the source has no grid.
//   - Plain AAC is gapless between discontinuities: frames of 1024 samples,
//     silent ones where the source has none. In the mean they stand within 0.6
//     of a frame (14 ms at 44.1 kHz) of the source's own time, however long
//     its audio clock goes wrong, and never more than 40 ms off it (0.6 of a
//     frame below 25.6 kHz). Other audio keeps the source's time; where it
//     stops, silent AAC takes its place, with a Track of its own at the same
//     sampling rate and without a discontinuity.
//   - Media time stays within 100 ms of the time of day for as long as the source's
//     clock is no more than 500 ppm wrong, on both tracks alike.
//   - Discontinuity is set on the first access unit of both tracks after a
//     break, and video goes on with a keyframe.
//   - Pictures of further video tracks follow those of the default one that they
//     stand beside, with the same presentation times.
//   - Further audio tracks are as the default one, from when they are named: what
//     is wrong with one of them is put right in that one alone.
//
// Three stages follow one another. The clock and the jumpJudge make one
// unwrapped time of the source's counters and find the breaks in it. The run,
// the stretch between two breaks, waits for its keyframe and for a frame rate.
// The two tracks put their access units on their grids. A stage may hold
// access units for up to half a second of media, where only the next ones tell
// what a timestamp means: at the start of a run and around a jump.
//
// A Timeline reads no clock and starts no goroutine; one goroutine may use it.
type Timeline struct {
	clock   sourceClock
	judge   jumpJudge
	run     run
	video   videoTrack
	audio   audioTrack
	others  otherTracks
	further furtherAudio
	slew    slew
	repairs Repairs
	meta    Metadata
	out     []media.AccessUnit
}

// NewTimeline makes the Timeline of one session.
func NewTimeline(cfg TimelineConfig) *Timeline {
	clock := sourceClock{timescale: cmp.Or(cfg.Clock.Timescale, 1000), bits: cmp.Or(cfg.Clock.WrapBits, 31)}
	t := &Timeline{clock: clock}
	t.run.floor = media.VideoTimescale.At(cfg.Anchor)
	t.run.waiting = true
	t.video.tick = max(media.Rescale(1, clock.timescale, media.VideoTimescale), 1)
	t.audio.patience = minPatience
	return t
}

// Metadata is what the encoder says of the session; a frame rate counts until
// the first one is settled, HasVideo and HasAudio until the first of their
// kind. Audio tracks that were named once stay.
func (t *Timeline) Metadata(m Metadata) {
	t.meta = m
	t.further.name(m.AudioTracks)
}

// Reanchor says what time it is, before each Push. Media time is slewed to it, at no
// more than 500 ppm, where the source's clock drifts. If media time is more than a second behind at
// the next discontinuity, it goes on from there, so that it does not stay back
// by as long as the source was away; otherwise it goes on where it ended.
func (t *Timeline) Reanchor(now time.Time) {
	t.slew.now = media.VideoTimescale.At(now)
	if t.run.started {
		t.run.floor = t.slew.now
	}
}

// Restart has media time go on from the time of day at the next keyframe, if it
// is more than a second behind that.
func (t *Timeline) Restart() {
	if t.run.started {
		t.repairs.Restarts++
		t.run.restart = true
	}
}

// Push takes one access unit as it came and returns those whose time is
// settled, in order of arrival: none, one, or several when silence fills a gap
// or held ones are released. The slice is valid until the next call; Data is
// shared with raw.
func (t *Timeline) Push(raw media.AccessUnit) []media.AccessUnit {
	t.out = t.out[:0]
	if !usable(raw.Track) {
		t.repairs.Unusable++
		return nil
	}
	switch {
	case raw.Track.Number == 0:
		u := t.clock.stamp(raw, &t.repairs)
		for _, ruled := range t.judge.push(u, &t.repairs) {
			t.admit(ruled.unit, ruled.breaks)
		}
	case raw.Track.Kind == media.Video:
		t.others.push(t, raw)
	default:
		t.further.push(t, raw)
	}
	t.further.release(t)
	return t.out
}

// End releases what is held. Nothing may be pushed after it.
func (t *Timeline) End() []media.AccessUnit {
	t.out = t.out[:0]
	for _, ruled := range t.judge.flush(&t.repairs) {
		t.admit(ruled.unit, ruled.breaks)
	}
	t.settle()
	t.further.release(t)
	if t.run.started {
		t.audio.finish(t)
		t.further.finish(t)
	}
	return t.out
}

// Repairs is what has been put right so far.
func (t *Timeline) Repairs() Repairs {
	r := t.repairs
	r.Silent, r.Frozen = t.audio.missing, t.run.frozen
	return r
}

func usable(track *media.Track) bool {
	if track == nil {
		return false
	}
	switch track.Kind {
	case media.Video:
		return true
	case media.Audio:
		return track.SampleRate > 0 && track.SampleRate <= maxSampleRate
	}
	return false
}
