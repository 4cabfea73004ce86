package live

import (
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"weir/pkg/ingest"
)

// sessionsKept bounds the sessions that are remembered after their end, over
// all streams: about 200 kB.
const sessionsKept = 500

// How a session ended where no Rejection says it.
const (
	// EndedOnPurpose: the publisher said that the stream is over.
	EndedOnPurpose ingest.Reason = "ended"
	// EndedLost: the connection broke.
	EndedLost ingest.Reason = "lost"
)

// SessionRecord is one publish connection, open or over.
type SessionRecord struct {
	// ID counts sessions since the gateway started, from 1.
	ID                        uint64
	Stream, Protocol, Encoder string
	// Backup is true where it came with a backup's key.
	Backup bool
	// Remote is the publisher's address: for operators alone.
	Remote netip.AddrPort
	// Began and Ended are wall-clock times; Ended is zero while it goes on.
	Began, Ended time.Time
	// Reason and Message say why it ended.
	Reason  ingest.Reason
	Message string
	// AccessUnits counts what came in; 0 while it goes on.
	AccessUnits uint64
	// Bytes is what its media came to; 0 while it goes on.
	Bytes uint64
}

// register remembers sessions. Streams write it when one begins or ends, which
// is seldom; readers get copies.
type register struct {
	mu   sync.Mutex
	last uint64
	all  []SessionRecord // by ID
}

// begin remembers a session and numbers it.
func (r *register) begin(rec SessionRecord) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	rec.ID = r.last
	if len(r.all) >= sessionsKept {
		oldest := max(0, slices.IndexFunc(r.all, func(old SessionRecord) bool { return !old.Ended.IsZero() }))
		r.all = slices.Delete(r.all, oldest, oldest+1)
	}
	r.all = append(r.all, rec)
	return rec.ID
}

// end completes a session's record.
func (r *register) end(id uint64, complete func(*SessionRecord)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, ok := slices.BinarySearchFunc(r.all, id, func(rec SessionRecord, id uint64) int { return int(rec.ID) - int(id) })
	if ok {
		complete(&r.all[i])
	}
}

// Sessions lists those of a stream, or of all where stream is empty, the newest
// first: the open ones and up to 500 that are over.
func (m *Manager) Sessions(stream string) []SessionRecord {
	m.register.mu.Lock()
	defer m.register.mu.Unlock()
	var found []SessionRecord
	for _, rec := range slices.Backward(m.register.all) {
		if stream == "" || rec.Stream == stream {
			found = append(found, rec)
		}
	}
	return found
}

// record remembers that a session has begun.
func (s *stream) record(next *session) uint64 {
	return s.register.begin(SessionRecord{
		Stream: s.name, Protocol: next.request.Protocol, Encoder: next.request.Encoder,
		Backup: next.backup(), Remote: next.request.Remote, Began: next.began,
	})
}

// recordEnd remembers why the session ended.
func (f *seat) recordEnd(reason ingest.Reason, message string) {
	units, encoder, bytes := f.came, f.encoder(), f.arrival.total()
	f.session.stream.register.end(f.sessionID, func(rec *SessionRecord) {
		rec.Ended, rec.Reason, rec.Message = time.Now(), reason, message
		rec.AccessUnits, rec.Encoder, rec.Bytes = units, encoder, bytes
	})
}

// recordLoss remembers that the connection broke, or what the protocol's side
// had against the publisher.
func (f *seat) recordLoss(err error) {
	if why, ok := errors.AsType[*ingest.Rejection](err); ok {
		f.recordEnd(why.Reason, why.Message)
		return
	}
	f.recordEnd(EndedLost, "The connection to the publisher broke.")
}
