package live

import (
	"time"

	"weir/pkg/media"
)

// receiveMore takes what else has come by now: media comes in several access units at a
// time, and to wait for one on all channels costs more than most of them do. It takes
// no more than was there, so that nothing else waits for long.
func (s *stream) receiveMore() {
	for range len(s.inbox) {
		s.receive(<-s.inbox)
	}
}

func (s *stream) receive(it item) {
	switch {
	case it.session == s.session:
	case s.standby != nil && it.session == s.standby.session:
		s.receiveStandby(it)
		return
	default:
		return // what a session left behind after it was taken over
	}
	switch {
	case it.metadata != nil:
		s.metadata = *it.metadata
	case it.repairs != nil:
		s.noteRepairs(*it.repairs)
	case it.end != nil:
		s.lose(*it.end)
	default:
		now := time.Now()
		s.units++
		s.count(it, now)
		s.lookouts[it.session].see(it)
		s.fed = now
		if s.opening != nil {
			s.open(it.unit, now)
			return
		}
		s.media(it.unit, now)
	}
}

func (s *stream) media(au media.AccessUnit, now time.Time) {
	if s.absence != nil {
		if s.returns(au, now) {
			s.goLive()
		}
		return
	}
	if s.pipeline != nil && s.pipeline.joinedByVideo(au) {
		s.pipeline.finish()
		s.pipeline, s.intake = nil, &intake{}
	}
	if s.pipeline != nil {
		s.pipeline.push(au)
		return
	}
	s.intake.push(au)
	declares := len(s.lanes) == 0 || s.over
	if s.intake.ready(s.cfg.SourceOnly && declares) && (!declares || s.intake.hears(s.metadata.AudioTracks)) {
		s.goLive()
	}
}

// goLive starts the pipeline with what the intake holds.
func (s *stream) goLive() {
	s.pipeline = newPipeline(s, s.intake)
	units := s.intake.units
	s.intake = nil
	for _, held := range units {
		s.pipeline.push(held)
	}
	s.enter(Live)
	s.persist(true)
	s.publishStatus()
}
