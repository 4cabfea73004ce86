package ingest

import "weir/pkg/media"

const (
	// measureHold is how much video is held at most to find its frame rate,
	// measureUnits how many access units of both tracks.
	measureHold  = second / 2
	measureUnits = 256
	// earlyAudio is how many audio units that come before the keyframe they
	// belong to are kept.
	earlyAudio = 64
)

// run is the stretch of time between two discontinuities. In it, source time
// plus offset is media time, for both tracks.
type run struct {
	// started is true after the first one. floor is the time of day, start
	// where the run starts; both are media times at 90 kHz.
	started      bool
	floor, start media.Ticks
	offset       media.Ticks
	// waiting drops everything up to the next keyframe; restart begins a new
	// run there and goes on until then.
	waiting, restart bool
	// frozen is true from when audio has left video behind up to the keyframe.
	frozen bool
	// measuring holds units until the frame rate is known.
	measuring bool
	held      []unit
	early     []unit
	// alone is true while there is audio and no video. first is the first
	// audio that has waited for video, if waits is true.
	alone, waits bool
	first        media.Ticks
}

// admit takes the next unit in the source's unwrapped time; breaks is true
// where that time is a new one.
func (t *Timeline) admit(u unit, breaks bool) {
	if breaks {
		t.settle()
		t.run.waiting, t.run.waits = true, false
		t.run.early = t.run.early[:0]
		t.video.recent.clear()
		t.further.restart(t, u.dts)
	}
	if u.video() {
		t.admitVideo(u)
		return
	}
	switch {
	case t.run.waiting:
		t.keepEarly(u)
		if t.waitedEnough(&u) {
			t.beginAlone()
		}
	case t.run.alone:
		t.pushAlone(u)
	case t.run.measuring:
		t.hold(u)
	default:
		t.audio.push(t, u)
	}
}

func (t *Timeline) admitVideo(u unit) {
	v := &t.video
	if v.repeats(&u) {
		t.repairs.Duplicates++
		return
	}
	v.seen = true
	enters := u.raw.Sync || u.raw.Recovery && v.entered
	v.entered = v.entered || u.raw.Sync
	if t.run.alone && !enters {
		t.repairs.WaitedForKeyframe++
		return
	}
	if u.raw.Track != v.source && !t.run.waiting {
		t.settle()
		t.repairs.ParameterChanges++
		t.run.waiting = true
		v.recent.clear()
	}
	if t.run.waiting && !enters {
		t.repairs.WaitedForKeyframe++
		return
	}
	begins := t.run.waiting || t.run.restart && enters
	if begins {
		t.settle()
		t.begin(u)
	}
	v.recent.push(u.dts)
	if t.run.measuring {
		t.hold(u)
	} else {
		v.push(t, u)
	}
	if begins {
		t.joinEarly(u.dts)
	}
}

// keepEarly keeps the last audio before a keyframe: a muxer may send audio a
// little ahead of the video that belongs to it.
func (t *Timeline) keepEarly(u unit) {
	if len(t.run.early) == earlyAudio {
		t.repairs.WaitedForKeyframe++
		copy(t.run.early, t.run.early[1:])
		t.run.early = t.run.early[:earlyAudio-1]
	}
	t.run.early = append(t.run.early, u)
}

// begin starts a run with the keyframe u, right behind all that has been
// returned before. A frame rate that was known stays.
func (t *Timeline) begin(u unit) {
	r, v := &t.run, &t.video
	if r.started {
		if !r.alone {
			t.audio.finish(t)
			t.further.finish(t)
		}
		t.goOn(max(v.end, v.lastDTS+v.nominal()+u.pts-u.dts))
	} else {
		r.start = r.floor
	}
	r.measuring = u.raw.Track != v.source || !v.grid.rate.Known()
	if u.raw.Track != v.source {
		v.adopt(u.raw.Track)
	}
	r.started, r.waiting, r.restart, r.alone, r.frozen = true, false, false, false, false
	r.offset = r.start - u.pts
	v.begin(u)
	t.audio.begin()
	t.further.begin(t, u.dts)
	t.slew.begin(u)
}

// goOn starts the next run behind audio and the given end of video, or at the
// time of day if that is more than a second later.
func (t *Timeline) goOn(videoEnd media.Ticks) {
	r := &t.run
	r.start = max(videoEnd, t.audio.end()+halfFrame(t.audio.track), t.further.end())
	if r.floor-r.start > second {
		r.start = r.floor
	}
}

// joinEarly lets the audio that came before the keyframe at key follow it.
func (t *Timeline) joinEarly(key media.Ticks) {
	early := t.run.early
	t.run.early = t.run.early[:0]
	for _, a := range early {
		if near(a.dts, key) {
			t.admit(a, false)
		}
	}
}

// outrun ends the run where video has stopped and audio goes on; the next
// keyframe begins a new one.
func (t *Timeline) outrun() {
	if !t.run.waiting {
		t.repairs.Restarts++
		t.run.waiting, t.run.frozen = true, true
	}
}

// hold keeps a unit until the frame rate is settled.
func (t *Timeline) hold(u unit) {
	r := &t.run
	r.held = append(r.held, u)
	recent := &t.video.recent
	enough := len(r.held) >= measureUnits
	if n := recent.len(); n > 0 && u.video() {
		enough = enough || recent.at(n-1)-recent.at(0) >= measureHold
		if declared := t.declared(); n >= fitFrames && declared.Known() {
			enough = enough || recent.fits(declared, t.video.tick)
		}
	}
	if enough {
		t.settle()
	}
}

// declared is the frame rate that the source names, the decoder parameters
// before the metadata.
func (t *Timeline) declared() media.Rational {
	if rate := believable(t.video.source.FrameRate); rate.Known() {
		return rate
	}
	return declaredRate(t.meta.FrameRate)
}

// settle ends the measuring, if there is any, and releases what is held.
func (t *Timeline) settle() {
	r, v := &t.run, &t.video
	if !r.measuring {
		return
	}
	r.measuring = false
	rate := v.recent.measure(v.tick, t.declared(), declaredRate(t.meta.FrameRate))
	v.settle(rate)
	// The grid goes through the middle of the rounding errors of all frames
	// so far; the keyframe stands at the start of the run all the same.
	r.offset = r.start - v.grid.pts
	held := t.run.held
	t.run.held = t.run.held[:0]
	for _, u := range held {
		if u.video() {
			t.video.push(t, u)
		} else {
			t.audio.push(t, u)
		}
	}
	clear(held)
}
