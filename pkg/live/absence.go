package live

import (
	"log/slog"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
	"weir/pkg/slate"
)

// Absence
//
// A stream is absent while no media comes, because its publisher was lost or has
// stalled. After a target duration its timeline goes on without it (decision 3),
// from exactly where the media ended, so that no player sees a hole: with a slate,
// which goes through a pipeline like any publisher's media, or with gaps on all
// renditions.
//
// It goes on slateLag behind the clock. A publisher that comes back is dated by
// the clock, and its media takes a moment to get here: so its first keyframe
// stands behind the absence, which is filled up to there and ends. What it sends
// from before that is dropped.

const (
	// absenceBeat is how often the timeline goes on while no media comes.
	absenceBeat = 250 * time.Millisecond
	// slateLag is how far behind the clock it does so.
	slateLag = time.Second
	// stalledTargets is after how many target durations without media a publisher
	// that is connected counts as absent: what a congested uplink holds back is
	// sent later, and viewers have three target durations in store.
	stalledTargets = 2
	// lateFor is how long a publisher's media may come with times before the end
	// of the absence until it is given new ones.
	lateFor = 3 * time.Second
	// mostMissed is the longest stretch that is filled at once. What is longer,
	// as after a suspension of the machine, stays a hole.
	mostMissed = 20 * time.Second
	// leastGap is the shortest gap that is announced.
	leastGap = media.Ticks(media.VideoTimescale) / 10
)

// SlateMode says how a stream's timeline goes on while no media comes.
type SlateMode string

// The modes.
const (
	// SlateShown, the default, shows a picture or a clip, and gaps where no worker
	// can be had for it.
	SlateShown SlateMode = "slate"
	// SlateGap announces gaps on all renditions.
	SlateGap SlateMode = "gap"
	// SlateOff leaves playlists as they are: players wait.
	SlateOff SlateMode = "off"
)

// Slate says what viewers get while no media comes.
type Slate struct {
	Mode SlateMode
	// Clip is the operator's own, or the built-in picture.
	Clip slate.Clip
	// Repeat is how long the publisher's last picture is shown before it; 0 not at
	// all.
	Repeat time.Duration
}

// OnAir is what a stream's renditions are made of now.
type OnAir string

// What may be on air.
const (
	OnAirNothing OnAir = "nothing"
	OnAirSource  OnAir = "source"
	OnAirSlate   OnAir = "slate"
	OnAirGap     OnAir = "gap"
)

// absence is one that the timeline goes on in.
type absence struct {
	// source is the slate's, nil for gaps.
	source *slate.Source
	// end is how far the timeline has gone on, at 90 kHz.
	end media.Ticks
	// until is where the publisher that has come back begins; 0 for none yet.
	until media.Ticks
	began time.Time
	// late is since when its media comes with times before end; zero if not.
	late time.Time
}

// beat lets the timeline go on where it has to.
func (s *stream) beat(now time.Time) {
	if s.absence == nil && s.pipeline != nil {
		s.aired = s.pipeline.plan
	}
	s.lookOut(now)
	if s.session == nil && s.state == Live && !s.relief(now) { // the other one is gone, too
		s.await()
	}
	if s.absence != nil {
		s.goOn(now)
		return
	}
	if !s.mayBeAbsent() {
		return
	}
	quiet, limit := now.Sub(s.fed), time.Duration(s.target)*time.Second
	if s.session != nil || s.relief(now) {
		limit *= stalledTargets
	}
	prepares := s.session == nil || quiet >= limit/2
	if prepares && s.slates() {
		s.prepareLoops()
	}
	switch {
	case !prepares:
		s.dropLoops(now)
	case quiet >= limit && !s.awaitsLoop():
		s.leaveSource(now)
	}
}

// mayBeAbsent reports whether there is a timeline that has to go on.
func (s *stream) mayBeAbsent() bool {
	return s.cfg.Slate.Mode != SlateOff && len(s.lanes) > 0 && !s.over && !s.drained && s.aired.audio != nil
}

// slates reports whether a slate is to be made, where video is to be shown.
func (s *stream) slates() bool {
	return s.cfg.Slate.Mode != SlateGap && s.aired.source != nil
}

// leaveSource begins an absence at the end of the source's media.
func (s *stream) leaveSource(now time.Time) {
	if s.pipeline != nil {
		s.closePipeline()
	}
	s.opening = nil
	if s.session != nil {
		s.intake = &intake{sawVideo: s.aired.source != nil} // it is to come with pictures again
	}
	a := &absence{end: s.history.last, began: now}
	if latest := media.VideoTimescale.At(now.Add(-mostMissed)); a.end < latest {
		a.end = latest
	}
	s.absence, s.absences = a, s.absences+1
	if program, ok := s.program(); ok {
		s.show(program)
	}
	s.log.Warn("no media comes, the timeline goes on without", slog.String("on_air", string(s.onAir())),
		slog.Duration("after", now.Sub(s.fed).Round(time.Millisecond)), slog.Bool("connected", s.session != nil))
	s.enter(Reconnecting)
	s.goOn(now)
	s.publishStatus()
}

// silenceTrack is what silence is made in: the parameters that the audio rendition
// has already, so that nothing changes there. It is nil where that has had none.
func (s *stream) silenceTrack() *media.Track {
	init := s.audioLanes()[0].init
	if init == nil || !ingest.PlainAAC(init.Track) {
		return nil
	}
	return init.Track
}

// goOn fills the timeline up to shortly before now, or up to where the publisher
// that has come back begins.
func (s *stream) goOn(now time.Time) {
	a := s.absence
	to := media.VideoTimescale.At(now.Add(-slateLag))
	if a.until != 0 {
		to = min(to, a.until)
	}
	s.fillTo(to)
}

func (s *stream) fillTo(to media.Ticks) {
	a := s.absence
	if a.source != nil {
		for _, au := range a.source.Until(to) {
			s.pipeline.push(au)
		}
		a.end = max(a.end, a.source.End())
		return
	}
	length := media.Ticks(s.target) * media.Ticks(media.VideoTimescale)
	for a.end+length <= to {
		s.gap(a.end + length)
	}
}

// gap announces that nothing comes from the end of the absence up to the given
// media time, which becomes its end.
func (s *stream) gap(to media.Ticks) {
	from := s.absence.end
	s.absence.end = to
	b := media.Boundary{MSN: s.history.nextMSN, PTS: from, Period: s.history.newest().Period}
	if b.Period == nil {
		return
	}
	s.history.addGap(b, to)
	for _, l := range s.lanes {
		l.giveUpTo(s.history.nextMSN, &s.history)
	}
	s.persist(true)
}

// returns takes an access unit of a publisher that comes (back) while the timeline
// goes on without it. It reports whether the publisher goes on air with it.
func (s *stream) returns(au media.AccessUnit, now time.Time) bool {
	a := s.absence
	if !s.intake.pushFrom(au, a.end) {
		s.judgeLate(au, now)
		return false
	}
	if a.until == 0 {
		a.until = s.intake.begins()
	}
	if !s.intake.ready(false) { // the target duration is promised already
		return false
	}
	s.fillTo(a.until)
	if a.source == nil && a.until-a.end >= leastGap {
		s.gap(a.until)
	}
	s.log.Info("media comes again", slog.Duration("absent", now.Sub(a.began).Round(time.Millisecond)))
	s.endAbsence()
	return true
}

// judgeLate gives a publisher new times whose media goes on coming with old ones.
func (s *stream) judgeLate(au media.AccessUnit, now time.Time) {
	a := s.absence
	switch at := media.Rescale(au.PTS, au.Track.Timescale, media.VideoTimescale); {
	case at >= a.end: // a keyframe is yet to come
		a.late = time.Time{}
	case a.late.IsZero():
		a.late = now
	case now.Sub(a.late) >= lateFor:
		a.late = time.Time{}
		s.session.restart.Store(true)
	}
}

// endAbsence flushes what the slate's pipeline still holds.
func (s *stream) endAbsence() {
	if s.absence == nil {
		return
	}
	s.absent += time.Since(s.absence.began)
	s.returned = time.Now()
	if s.pipeline != nil {
		s.pipeline.finish()
		s.pipeline = nil
		s.persist(true)
	}
	s.absence = nil
}

// onAir is what the renditions are made of now.
func (s *stream) onAir() OnAir {
	switch {
	case s.absence == nil && s.pipeline == nil:
		return OnAirNothing
	case s.absence == nil:
		return OnAirSource
	case s.absence.source == nil:
		return OnAirGap
	}
	return OnAirSlate
}
