package live

import (
	"context"
	"log/slog"
	"time"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// lookout looks at what a publisher sends, whether it is on air or not, by a worker
// that decodes its keyframes and some of its audio. It belongs to the stream's
// goroutine.
type lookout struct {
	worker *transcode.Supervisor
	stop   context.CancelFunc
	judge  *judge
	// pictured is when the last picture came, and key when the last keyframe did.
	pictured, key time.Time
}

// lookOut has both publishers looked at while there are two and it matters, and nobody
// otherwise; it judges what is seen.
func (s *stream) lookOut(now time.Time) {
	wanted := s.latest.Load().SwitchOn
	both := len(wanted) > 0 && s.session != nil && s.standby != nil
	for of, l := range s.lookouts {
		if !both || of != s.session && of != s.standby.session {
			l.stop()
			delete(s.lookouts, of)
		}
	}
	if !both {
		return
	}
	for _, of := range []*session{s.session, s.standby.session} {
		l := s.lookouts[of]
		if l == nil {
			l = s.newLookout(now)
			s.lookouts[of] = l
		}
		stats := l.worker.Stats()
		l.judge.look(now, seen{sight: stats.Sight, heard: stats.Heard, pictured: l.pictured, key: l.key}, wanted)
	}
}

func (s *stream) newLookout(now time.Time) *lookout {
	ctx, stop := context.WithCancel(context.Background())
	l := &lookout{stop: stop, judge: newJudge(now)}
	l.worker = transcode.Watch(ctx, transcode.WatchJob{
		Worker: transcode.Worker{Command: s.cfg.WorkerCommand, Log: s.cfg.Log}, Stream: s.name,
	})
	log := s.log
	s.helpers.Go(func() {
		for range l.worker.Output() { //nolint:revive // nothing comes of it but its end.
		}
		if reason := l.worker.Stats().GaveUp; reason != "" {
			log.Error("a publisher cannot be looked at: whether it is black, frozen or silent is not known", slog.String("reason", reason))
		}
	})
	return l
}

// endLookouts looks at nobody any more.
func (s *stream) endLookouts() {
	for _, l := range s.lookouts {
		l.stop()
	}
}

// see takes an access unit of the publisher.
func (l *lookout) see(it item) {
	au := it.unit
	switch {
	case l == nil || au.Track.Number != 0:
	case au.Track.Kind == media.Audio:
		l.worker.Listen(au)
	default:
		l.pictured = it.arrived
		if au.Enters() {
			l.key = it.arrived
			l.worker.Push(au)
		}
	}
}
