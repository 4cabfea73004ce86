package ingest

import (
	"bytes"
	"math"

	"weir/pkg/media"
)

const (
	// reviewEvery is the longest time between two looks at how well the grid
	// fits; a keyframe is an occasion too.
	reviewEvery = 5 * second
	// driftLimit is how far frames may stand from the grid in the mean before
	// it moves: more than rounding to milliseconds explains.
	driftLimit = float64(second) * 0.0015
	// driftTolerance is how well a drift must agree with another frame rate.
	driftTolerance = float64(second) * 0.001
	// missLimit is the distance from the grid that counts as a miss, beside
	// an eighth of a frame, and missShare the share of misses, in the last
	// frames, at which there is no grid.
	missLimit = float64(second) * 0.0025
	missShare = 0.3
	// sparse is the mean step, in slots, at which there is no grid.
	sparse = 1.6
	// persistent is how many nudged frames in a row mean that time has gone
	// back for good.
	persistent = 16
)

// videoTrack puts video on its frame grid.
type videoTrack struct {
	// tick is the source's tick at 90 kHz.
	tick media.Ticks
	// source is the track as it came, track as it leaves.
	source, track *media.Track
	// entered is true once an IDR picture came: a run may start at recovery
	// points then, as the session's keyframes may be nothing else.
	entered bool
	grid    grid
	fit     fit
	recent  recentTimes

	// lastDTS and end are media times: the last decode time and the end of
	// what has been presented; lastSlot is the last decode slot.
	lastDTS, end media.Ticks
	emitted      bool
	// seen is true once any picture has come.
	seen bool
	// step is the last source step of a source without a grid.
	step media.Ticks
	last unit
	// nudged counts frames in a row that were moved by more than a frame.
	nudged        int
	discontinuity bool
}

// fit is how well the frames of late stand on the grid: running means.
type fit struct {
	// since is when the grid was set and reviewed when it was last looked at.
	since, reviewed media.Ticks
	// drift is the distance from the grid, misses the share of frames far from
	// it and advance the step in slots.
	drift, misses, advance float64
	slot                   int64
	frames                 int
}

func (f *fit) reset(at media.Ticks) { *f = fit{since: at, reviewed: at, advance: 1} }

func (f *fit) note(slot int64, residual media.Ticks, rate media.Rational) {
	const pace = 1.0 / 16
	miss := 0.0
	off := float64(residual) - f.drift
	if math.Abs(off) > max(missLimit, float64(second)/rate.Float()/8) {
		miss = 1
	}
	if f.frames == 0 {
		f.slot = slot - 1
	}
	f.frames++
	f.drift += off * max(pace, 1/float64(f.frames))
	f.misses += (miss - f.misses) * pace / 2
	f.advance += (float64(slot-f.slot) - f.advance) * pace / 2
	f.slot = slot
}

// adopt takes new decoder parameters; their frame rate is not known yet.
func (v *videoTrack) adopt(source *media.Track) {
	v.source, v.grid = source, grid{}
}

// begin starts a run at the keyframe u with the rate that is known.
func (v *videoTrack) begin(u unit) {
	v.grid = newGrid(v.grid.rate, u.pts, u.dts)
	v.fit.reset(u.dts)
	v.recent.clear()
	v.nudged, v.discontinuity, v.step = 0, true, 0
}

// settle sets the measured rate at the start of a run.
func (v *videoTrack) settle(rate media.Rational) {
	v.setRate(rate, v.grid.pts, v.grid.dts)
	if rate.Known() && v.recent.count <= recentFrames {
		v.grid.shift(v.recent.bias(rate))
	}
}

// setRate puts a new grid through the given times; the track changes with it.
func (v *videoTrack) setRate(rate media.Rational, pts, dts media.Ticks) {
	track := *v.source
	track.Timescale = media.VideoTimescale
	track.FrameRate = rate
	v.track = &track
	v.grid = newGrid(rate, pts, dts)
	v.fit.reset(dts)
}

// repeats reports whether u is the last unit once more.
func (v *videoTrack) repeats(u *unit) bool {
	same := v.last.raw.Track == u.raw.Track && v.last.dts == u.dts && v.last.pts == u.pts &&
		bytes.Equal(v.last.raw.Data, u.raw.Data)
	if !same {
		v.last = *u
	}
	return same
}

// nominal is the duration of one frame, as far as it is known.
func (v *videoTrack) nominal() media.Ticks {
	if v.grid.rate.Known() {
		return v.grid.rate.Ticks(1, media.VideoTimescale)
	}
	return max(v.step, v.tick)
}

// push returns the unit on its grid, through t.out.
func (v *videoTrack) push(t *Timeline, u unit) {
	if u.raw.Sync || u.dts-v.fit.reviewed >= reviewEvery {
		v.review(t, &u)
	}
	t.follow(&u)
	out := u.raw
	out.Track, out.Discontinuity, out.Duration = v.track, v.discontinuity, 0
	if v.grid.rate.Known() {
		v.place(t, &u, &out)
	} else {
		v.pass(t, &u, &out)
	}
	v.discontinuity, v.emitted, v.lastDTS = false, true, out.DTS
	v.end = max(v.end, out.PTS+max(out.Duration, v.nominal()))
	t.out = append(t.out, out)
	t.others.follow(t, u.raw, &out)
	t.audio.follow(t, out.DTS)
	t.further.follow(t, out.DTS)
}

// place snaps to the grid. A frame whose slot is taken gets the next one.
func (v *videoTrack) place(t *Timeline, u *unit, out *media.AccessUnit) {
	offset := t.run.offset
	slot, residual := v.grid.decode(u.dts)
	composition := v.grid.presentation(u.pts) - slot
	if dts := v.grid.at(slot) + offset; v.emitted && dts <= v.lastDTS {
		slot = v.grid.after(v.lastDTS - offset)
		v.nudge(t, v.grid.at(slot)+offset-dts)
	} else {
		v.nudged = 0
		v.fit.note(slot, residual, v.grid.rate)
	}
	out.DTS = v.grid.at(slot) + offset
	out.PTS = v.grid.at(slot+composition) + offset
	out.Duration = v.grid.at(slot+1) - v.grid.at(slot)
}

// pass leaves the times of a source without a grid as they are.
func (v *videoTrack) pass(t *Timeline, u *unit, out *media.AccessUnit) {
	out.DTS = u.dts + t.run.offset
	if v.emitted && out.DTS <= v.lastDTS {
		by := v.lastDTS + v.tick - out.DTS
		v.nudge(t, by)
		out.DTS += by
	} else {
		v.nudged = 0
		if !v.discontinuity {
			v.step = min(out.DTS-v.lastDTS, second)
		}
	}
	out.PTS = out.DTS + u.pts - u.dts
}

// nudge notes that a frame was moved; when that goes on, the next keyframe
// begins a new run.
func (v *videoTrack) nudge(t *Timeline, by media.Ticks) {
	t.repairs.Nudged++
	if by <= v.nominal()+v.nominal()/2 && by < second/10 {
		v.nudged = 0
		return
	}
	v.nudged++
	if v.nudged >= persistent && !t.run.restart {
		t.repairs.Restarts++
		t.run.restart = true
	}
}

// review looks at how well the grid has fitted since the last look, and sets
// another rate or moves the grid by what the frames have drifted.
func (v *videoTrack) review(t *Timeline, u *unit) {
	f := &v.fit
	f.reviewed = u.dts
	rate := v.grid.rate
	if !rate.Known() || f.misses > missShare || f.advance > sparse {
		if v.recent.len() < fitFrames {
			return
		}
		measured := v.recent.measure(v.tick, t.declared(), rate)
		if measured != rate {
			t.repairs.RateChanges++
			v.setRate(measured, u.pts, u.dts)
		}
		return
	}
	if math.Abs(f.drift) < driftLimit {
		return
	}
	drift := media.Ticks(math.Round(f.drift))
	slot, _ := v.grid.decode(u.dts)
	pts, dts := v.grid.at(v.grid.presentation(u.pts)), v.grid.dts+rate.Ticks(slot-v.grid.lag, media.VideoTimescale)
	if neighbour, ok := f.explain(rate, u.dts); ok {
		t.repairs.RateChanges++
		v.setRate(neighbour, pts+drift, dts+drift)
		return
	}
	t.repairs.GridShifts++
	v.grid.shift(drift)
	f.reset(u.dts)
}

// explain finds the rate 0.1 % away whose frames would have drifted as they
// did since the grid was set: 29.97 instead of 30, or the reverse.
func (f *fit) explain(rate media.Rational, now media.Ticks) (media.Rational, bool) {
	since := float64(now - f.since)
	for _, other := range [2]media.Rational{
		reduced(rate.Num*1000, rate.Den*1001), reduced(rate.Num*1001, rate.Den*1000),
	} {
		expected := since * (1 - other.Float()/rate.Float())
		if math.Abs(expected-f.drift) < driftTolerance && math.Abs(expected) > driftLimit {
			return other, true
		}
	}
	return media.Rational{}, false
}
