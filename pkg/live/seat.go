package live

import (
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// seat is one of the two places for a session in a stream, and what the stream has
// learned of who has it. It belongs to the stream's goroutine.
type seat struct {
	// session is nil while there is none.
	session *session
	// sessionID is the session's number in the register, came how many access units
	// it has sent.
	sessionID, came uint64
	metadata        ingest.Metadata
	repairs         ingest.Repairs
	arrival         arrival
	vitals          vitals
	// heard is when the session last sent media, or began.
	heard time.Time
}

// newSeat records that next has begun.
func (s *stream) newSeat(next *session) seat {
	now := time.Now()
	if s.broadcast.IsZero() {
		s.broadcast = now
	}
	next.broadcast = s.broadcast
	return seat{session: next, sessionID: s.record(next), arrival: newArrival(now), heard: now}
}

// count takes note of an access unit.
func (f *seat) count(it item, now time.Time) {
	f.came++
	f.heard = it.arrived
	f.arrival.unit(it.arrived, it.unit)
	if it.unit.Track.Number == 0 {
		f.vitals.unit(it.arrived, now, it.unit)
	}
}

func (f *seat) noteRepairs(r ingest.Repairs) {
	f.repairs = r
	f.vitals.repairs.add(time.Now(), r)
	f.vitals.slewed = media.VideoTimescale.Duration(r.Slewed)
}

// ended ends the session, as its connection has.
func (f *seat) ended(end ingest.End) {
	f.session.finish(errSessionClosed)
	if end.OnPurpose {
		f.recordEnd(EndedOnPurpose, "The publisher ended the stream.")
		return
	}
	f.recordLoss(end.Err)
}
