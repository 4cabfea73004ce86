package admission

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/streamkey"
)

// Config is what can be changed while the gateway runs.
type Config struct {
	// Keys are those of the configuration. They win over all others.
	Keys *ingest.Keys
	// Tokens reads JSON Web Tokens; nil if none are taken.
	Tokens *Tokens
	// Webhook is asked about keys that nobody here knows; nil if there is none.
	Webhook *Webhook
}

// Desk decides. Its methods may be called from any goroutine.
type Desk struct {
	ring     *streamkey.Ring
	log      *slog.Logger
	cfg      atomic.Pointer[Config]
	attempts attempts
	memory   memory
}

// New makes a desk that knows the keys of a ring beside those of cfg.
func New(ring *streamkey.Ring, log *slog.Logger, cfg Config) *Desk {
	d := &Desk{ring: ring, log: log}
	d.Configure(cfg)
	return d
}

// Configure holds for the publishers that come from now on.
func (d *Desk) Configure(cfg Config) { d.cfg.Store(&cfg) }

// Admit decides on a publisher. It may wait for the webhook, and for the database
// where nobody has the key.
// The error is an *ingest.Rejection.
func (d *Desk) Admit(ctx context.Context, req ingest.Request) (ingest.Grant, error) {
	from, key := ingest.Neighbourhood(req.Remote.Addr()), digestOf(req.Key)
	if why := d.attempts.check(from, key, time.Now()); why != nil {
		return ingest.Grant{}, why
	}
	grant, err := d.find(ctx, req)
	if err != nil {
		if why, ok := errors.AsType[*ingest.Rejection](err); ok && (why.Reason == ingest.WrongKey || why.Reason == ingest.Denied) {
			d.attempts.wrong(from, key, time.Now())
		}
		return ingest.Grant{}, err
	}
	if why := grant.Rules.Refuse(req); why != nil {
		why.Stream = grant.Stream
		return ingest.Grant{}, why
	}
	d.attempts.right(from, key)
	return grant, nil
}

// find is what a key opens.
func (d *Desk) find(ctx context.Context, req ingest.Request) (ingest.Grant, error) {
	cfg := d.cfg.Load()
	grant, unknown := cfg.Keys.Admit(ctx, req)
	if unknown == nil && !cfg.Keys.Open() {
		return grant, nil
	}
	if kept, known, err := d.ring.Find(ctx, req.Key, time.Now()); known {
		return kept, err
	}
	switch {
	case unknown == nil || req.Key == "":
		return grant, unknown
	case d.ring.HasStream(strings.ToLower(req.Key)):
		return grant, ingest.NameForKey(strings.ToLower(req.Key))
	case cfg.Tokens != nil && isToken(req.Key):
		return cfg.Tokens.open(req.Key, time.Now())
	case cfg.Webhook != nil:
		return d.ask(ctx, cfg.Webhook, req)
	}
	return grant, unknown
}

// Passphrase is what SRT has to be encrypted with by whoever publishes with key;
// empty for none, also where nobody has such a key.
func (d *Desk) Passphrase(ctx context.Context, key string) string {
	if own := d.cfg.Load().Keys.Passphrase(key); own != "" {
		return own
	}
	return d.ring.Passphrase(ctx, key)
}
