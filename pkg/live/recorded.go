package live

import "time"

// recordedSince is when a session whose key has the rule record first went on air in
// the broadcast that goes on; zero if none has. Whoever takes over from it, or stands
// in for it, is recorded with it: a recording is of the stream.
func (s *stream) recordedSince(now time.Time) time.Time {
	switch {
	case s.broadcast.IsZero():
		s.recorded = time.Time{}
	case s.recorded.IsZero() && s.session != nil && s.session.grant.Rules.Record:
		s.recorded = now
	}
	return s.recorded
}
