package live

import (
	"log/slog"
	"time"

	"weir/pkg/ingest"
)

// begin makes next the stream's session, or its standby. Whoever it takes the place
// of is told that it was taken over.
func (s *stream) begin(next *session) {
	if why := s.refuses(next, time.Now()); why != nil {
		next.finish(why)
		return
	}
	close(next.decided)
	s.makeRoom(next)
	f := s.newSeat(next)
	if s.session != nil {
		s.standBy(f)
		return
	}
	s.seat, s.cfg, s.done = f, s.configFor(next), false
	s.intake = &intake{}
	s.comings.add(next.began)
	s.deadline = time.Time{}
	next.notBefore = s.history.end()
	close(next.accepted)
	if s.state != Reconnecting {
		s.enter(Waiting)
	}
	s.log.Info("publisher connected",
		slog.String("protocol", next.request.Protocol), slog.String("encoder", next.request.Encoder),
		slog.Any("remote", next.request.Remote))
	s.publishStatus()
}

// refuses is why next may not begin, nil if it may.
func (s *stream) refuses(next *session, now time.Time) *ingest.Rejection {
	rules := next.grant.Rules
	switch {
	case s.drained:
		return errStopping()
	case rules.Takeover == ingest.TakeoverForbid && s.rival(next).sends(now):
		return errAlreadyLive(s.name)
	case next.grant.Yields && (s.sends(now) || s.standby != nil && !s.done):
		return errAlreadyLive(s.name)
	case rules.Duration() > 0 && !s.broadcast.IsZero() && now.Sub(s.broadcast) >= rules.Duration():
		return errDuration(rules, s.name)
	}
	return nil
}

// configFor is the configuration for a session: its key may have a ladder of its
// own.
func (s *stream) configFor(next *session) *Config {
	cfg := s.latest.Load()
	words := next.grant.Rules.Ladder
	if words == "" || cfg.KeyLadder == nil {
		return cfg
	}
	ladder, sourceOnly, err := cfg.KeyLadder(words)
	if err != nil {
		s.log.Error("the stream key's ladder cannot be read, the configuration's is used", slog.Any("error", err))
		return cfg
	}
	own := *cfg
	own.Ladder, own.SourceOnly = ladder, sourceOnly
	return &own
}
