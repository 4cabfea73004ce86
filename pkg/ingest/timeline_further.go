package ingest

import (
	"slices"

	"weir/pkg/media"
)

const (
	// heldSounds is how much of a further audio track may wait, in access units.
	heldSounds = 128
	// furtherPatience is how far a further audio track may be behind video before
	// silence takes its place: more than for the default one, as viewers of the
	// others do not wait for it.
	furtherPatience = second
)

// furtherAudio gives the audio tracks beside the default one their times. They are
// on the source's clock as well, so what is put right there holds for them. They
// never decide about it: one that leaves the others is brought back, one that is
// missing is silent. Only new parameters begin another run, as they do in the
// default track.
type furtherAudio struct {
	tracks []*furtherTrack
}

// furtherTrack is one of them.
type furtherTrack struct {
	audioTrack

	// lane is where the track stands on the source's clock.
	lane lane
	// before is where it stood before the last break of that clock, and over where
	// what is late of it ends.
	before lane
	over   media.Ticks
	// held is what has come and cannot be placed yet.
	held []media.AccessUnit
	// base and latest are the first and the last of the times in a row that lie
	// somewhere else, where strayed is true.
	base, latest media.Ticks
	strayed      bool
}

// name makes the tracks of those that were not named before.
func (f *furtherAudio) name(all []AudioTrack) {
	for _, one := range all {
		if one.Number != 0 && f.find(one.Number) == nil {
			f.tracks = append(f.tracks, &furtherTrack{audioTrack: audioTrack{number: one.Number, patience: furtherPatience, discontinuity: true}})
		}
	}
}

func (f *furtherAudio) find(number int) *furtherTrack {
	for _, one := range f.tracks {
		if one.number == number {
			return one
		}
	}
	return nil
}

// push takes an access unit of a further track.
func (f *furtherAudio) push(t *Timeline, raw media.AccessUnit) {
	one := f.find(raw.Track.Number)
	if one == nil {
		t.repairs.Unusable++
		return
	}
	if len(one.held) == heldSounds {
		t.repairs.WaitedForKeyframe++
		one.held = slices.Delete(one.held, 0, 1)
	}
	one.held = append(one.held, raw)
}

// release places what is held, unless the default tracks have yet to tell what time
// it is.
func (f *furtherAudio) release(t *Timeline) {
	r := &t.run
	if !r.started || r.waiting || r.measuring || len(t.judge.held) > 0 {
		return
	}
	for _, one := range f.tracks {
		for _, raw := range one.held {
			one.admit(t, raw)
		}
		clear(one.held)
		one.held = one.held[:0]
	}
}

// restart follows a break of the source's clock, which goes on at the time at: what
// was before it is of no use.
func (f *furtherAudio) restart(t *Timeline, at media.Ticks) {
	for _, one := range f.tracks {
		one.before, one.lane, one.strayed = one.lane, lane{}, false
		one.before.at -= one.before.shift
		one.over = one.before.at + maxPatience
		one.trim(t, at)
	}
}

// begin starts a run at the source's time at.
func (f *furtherAudio) begin(t *Timeline, at media.Ticks) {
	for _, one := range f.tracks {
		one.trim(t, at)
		one.begin()
	}
}

// trim forgets what is held of other times than those that begin at the time at: it
// says nothing of where the track stands now.
func (o *furtherTrack) trim(t *Timeline, at media.Ticks) {
	o.held = slices.DeleteFunc(o.held, func(raw media.AccessUnit) bool {
		off := t.clock.at(raw) + o.lane.shift - at
		return off < -maxStep || off > maxPatience
	})
	if len(o.held) > 0 { // it was held for longer than near is
		o.lane.known, o.lane.at = true, t.clock.at(o.held[0])+o.lane.shift
	}
}

// finish fills all of them up to the end of the video before a run ends.
func (f *furtherAudio) finish(t *Timeline) {
	for _, one := range f.tracks {
		one.finish(t)
	}
}

// follow fills with silence those that media time now has left behind.
func (f *furtherAudio) follow(t *Timeline, now media.Ticks) {
	for _, one := range f.tracks {
		one.follow(t, now)
	}
}

// end is where the last of them ends, at 90 kHz.
func (f *furtherAudio) end() (end media.Ticks) {
	for _, one := range f.tracks {
		end = max(end, one.end()+halfFrame(one.track))
	}
	return end
}

// admit places an access unit.
func (o *furtherTrack) admit(t *Timeline, raw media.AccessUnit) {
	at := t.clock.at(raw)
	u := unit{raw: raw, dts: at, pts: at}
	if !o.locate(t, &u) {
		t.repairs.Blips++
		return
	}
	o.lane.accept(u.dts)
	if t.run.alone && u.dts+t.run.offset-t.audio.end() > maxAhead {
		t.repairs.AudioDropped++
		return
	}
	o.push(t, u)
}

// locate brings u to where its track stands beside the others. It reports false
// while it is not clear where that is: a time that lies somewhere else is wrong,
// unless all that follow for judgeHold lie there.
func (o *furtherTrack) locate(t *Timeline, u *unit) bool {
	apart := o.lane.shift
	u.shift(apart)
	switch {
	case o.lane.near(u.dts), t.judge.near(u.dts):
		o.strayed = false
		return true
	case apart != 0 && t.judge.near(u.dts-apart): // it has come back by itself
		u.shift(-apart)
		o.lane.shift, o.strayed = 0, false
		return true
	case o.before.near(u.dts) && u.dts < o.over: // it was sent late
		o.before.at = u.dts
		return false
	case !o.strayed || !near(u.dts, o.latest):
		o.strayed, o.base, o.latest = true, u.dts, u.dts
		return false
	}
	o.latest = u.dts
	if o.latest-o.base < judgeHold {
		return false
	}
	t.repairs.TrackJumps++
	by := t.judge.newest() - u.dts
	u.shift(by)
	o.lane.shift, o.strayed = apart+by, false
	return true
}
