package ingest

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// RefusalLog logs publishers that are refused, at most once a second for each reason:
// what anyone can cause without a key neither fills a disk nor hides what a creator
// with another trouble looks for. Its zero value is ready, and safe for concurrent
// use.
type RefusalLog struct {
	mu sync.Mutex
	// reasons has at most as many entries as there are reasons.
	reasons map[Reason]*Seldom
}

// Write logs a refusal; err may say more than what was told to the publisher.
func (l *RefusalLog) Write(ctx context.Context, log *slog.Logger, what Refusal, err error) {
	if attrs, ok := l.of(what.Why.Reason).Allow(time.Now(),
		slog.String("protocol", what.Protocol), slog.String("reason", string(what.Why.Reason)),
		slog.String("stream", what.Why.Stream), slog.String("remote", what.Remote.String()), slog.Any("error", err)); ok {
		log.LogAttrs(ctx, slog.LevelWarn, "publisher refused", attrs...)
	}
}

func (l *RefusalLog) of(reason Reason) *Seldom {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reasons == nil {
		l.reasons = make(map[Reason]*Seldom)
	}
	s, ok := l.reasons[reason]
	if !ok {
		s = new(Seldom)
		l.reasons[reason] = s
	}
	return s
}
