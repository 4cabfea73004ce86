package admission

import (
	"cmp"
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
	// Passphrase is what SRT has to be encrypted with where the key has none of its own;
	// empty for nothing.
	Passphrase string
}

// Desk decides. Its methods may be called from any goroutine.
type Desk struct {
	ring        *streamkey.Ring
	log         *slog.Logger
	cfg         atomic.Pointer[Config]
	attempts    attempts
	passphrases passphrases
	memory      memory
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
// where nobody has the key; but nothing is asked for who has guessed too often.
// The error is an *ingest.Rejection.
func (d *Desk) Admit(ctx context.Context, req ingest.Request) (ingest.Grant, error) {
	at := place{ingest.Neighbourhood(req.Remote.Addr()), digestOf(req.Key)}
	if why := d.attempts.check(at, time.Now()); why != nil {
		return ingest.Grant{}, why
	}
	grant, err := d.find(ctx, req)
	if why := d.recheck(at, err); why != nil {
		return ingest.Grant{}, why
	}
	if err != nil {
		return ingest.Grant{}, err
	}
	if why := grant.Rules.Refuse(req); why != nil {
		why.Stream = grant.Stream
		return ingest.Grant{}, why
	}
	if err := d.unlock(at, req, grant); err != nil {
		if why, ok := errors.AsType[*ingest.Rejection](err); ok {
			why.Stream = grant.Stream
		}
		return ingest.Grant{}, err
	}
	d.attempts.right(at)
	return grant, nil
}

// recheck notes a wrong key, and refuses who is beyond the limit by now: finding a key
// may have taken a while, in which others of the address have guessed.
func (d *Desk) recheck(at place, err error) *ingest.Rejection {
	if why, ok := errors.AsType[*ingest.Rejection](err); ok && (why.Reason == ingest.WrongKey || why.Reason == ingest.Denied) {
		return d.attempts.wrong(at, time.Now())
	}
	return d.attempts.check(at, time.Now())
}

// unlock has a publisher show that it knows the passphrase. A wrong one is a guess; that
// it knows of none is not.
func (d *Desk) unlock(at place, req ingest.Request, grant ingest.Grant) error {
	if req.Unlock == nil {
		return nil
	}
	passphrase := cmp.Or(grant.Passphrase, d.cfg.Load().Passphrase)
	if !req.Encrypted || passphrase == "" {
		return req.Unlock(passphrase)
	}
	if why := d.passphrases.try(at, time.Now()); why != nil {
		return why
	}
	if err := req.Unlock(passphrase); err != nil {
		if why := d.attempts.wrong(at, time.Now()); why != nil {
			return why
		}
		return err
	}
	d.passphrases.right(at)
	return nil
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
