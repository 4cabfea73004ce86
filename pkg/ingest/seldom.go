package ingest

import (
	"log/slog"
	"sync"
	"time"
)

// Seldom lets a log line through at most once a second, so that what other
// people send cannot fill a disk. It counts what it holds back. It is safe for concurrent
// use.
type Seldom struct {
	mu      sync.Mutex
	last    time.Time
	omitted int
}

// Allow reports whether to log now. The attributes are those to log: the given
// ones and how many lines were held back since the last.
func (s *Seldom) Allow(now time.Time, attrs ...slog.Attr) ([]slog.Attr, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.last) < time.Second {
		s.omitted++
		return nil, false
	}
	if s.omitted > 0 {
		attrs = append(attrs, slog.Int("omitted", s.omitted))
	}
	s.omitted, s.last = 0, now
	return attrs, true
}
