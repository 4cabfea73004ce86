package main

import (
	"context"
	"sync"
	"time"

	"weir/pkg/publish"
)

// pictures remembers when each picture was sent to the gateway. What viewers get
// is measured from there: it is before the gateway can have published anything.
type pictures struct {
	mu   sync.Mutex
	sent []time.Time
}

// publish publishes a clip in a loop until ctx ends.
func (p *pictures) publish(ctx context.Context, clip, to string) error {
	return publish.Run(ctx, publish.Options{File: clip, URL: to, Loop: true, Picture: p.note})
}

func (p *pictures) note(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, at)
}

// at is when the picture n was sent, from 0; ok is false if it was not.
func (p *pictures) at(n int) (at time.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n < 0 || n >= len(p.sent) {
		return at, false
	}
	return p.sent[n], true
}
