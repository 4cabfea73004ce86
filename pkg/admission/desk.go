package admission

import (
	"context"
	"sync/atomic"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/streamkey"
)

// Config is what can be changed while the gateway runs.
type Config struct {
	// Keys are those of the configuration. They win over all others.
	Keys *ingest.Keys
}

// Desk decides. Its methods may be called from any goroutine.
type Desk struct {
	ring *streamkey.Ring
	cfg  atomic.Pointer[Config]
}

// New makes a desk that knows the keys of a ring beside those of cfg.
func New(ring *streamkey.Ring, cfg Config) *Desk {
	d := &Desk{ring: ring}
	d.Configure(cfg)
	return d
}

// Configure holds for the publishers that come from now on.
func (d *Desk) Configure(cfg Config) { d.cfg.Store(&cfg) }

// Admit decides on a publisher. The error is an *ingest.Rejection.
func (d *Desk) Admit(ctx context.Context, req ingest.Request) (ingest.Grant, error) {
	grant, err := d.find(ctx, req)
	if err != nil {
		return ingest.Grant{}, err
	}
	if why := grant.Rules.Refuse(req); why != nil {
		why.Stream = grant.Stream
		return ingest.Grant{}, why
	}
	return grant, nil
}

// find is what a key opens.
func (d *Desk) find(ctx context.Context, req ingest.Request) (ingest.Grant, error) {
	cfg := d.cfg.Load()
	grant, unknown := cfg.Keys.Admit(ctx, req)
	if unknown == nil && !cfg.Keys.Open() {
		return grant, nil
	}
	if kept, known, err := d.ring.Find(req.Key, time.Now()); known {
		return kept, err
	}
	return grant, unknown
}

// Passphrase is what SRT has to be encrypted with by whoever publishes with key;
// empty for none, also where nobody has such a key.
func (d *Desk) Passphrase(key string) string { return d.ring.Passphrase(key) }
