package streamkey

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"weir/pkg/ingest"
)

// look is how often a Ring asks the database whether somebody has changed it: a
// pragma that reads one word.
const look = time.Second

// Ring is a copy of the keys in memory. Its methods may be called from any
// goroutine; Find touches the database only for a secret that the copy does not know.
type Ring struct {
	store *Store
	log   *slog.Logger
	// revoked is told of each key that is gone; nil for nobody.
	revoked func(ctx context.Context, id string)
	held    atomic.Pointer[held]

	// mu keeps two who read the database from overtaking each other.
	mu       sync.Mutex
	follower follower
	// failing is whether the database could not be read the last time.
	failing bool
	// gone are the keys that revoked has to be told of.
	gone []string
}

// held is an immutable copy.
type held struct {
	keys map[string]Key // by ID
	// secrets leads from a digest to what it opens.
	secrets map[digest]entry
	streams map[string]bool
}

type entry struct {
	id     string
	secret Secret
}

// NewRing reads the keys. revoked is called by Refresh and Run for each key that
// was good in the copy before and is not any more; it may take a while, but not
// for ever.
func NewRing(ctx context.Context, store *Store, log *slog.Logger, revoked func(ctx context.Context, id string)) (*Ring, error) {
	r := &Ring{store: store, log: log, revoked: revoked}
	r.held.Store(&held{})
	return r, r.Refresh(ctx)
}

// Refresh reads the keys anew.
func (r *Ring) Refresh(ctx context.Context) error {
	r.mu.Lock()
	err := r.read(ctx)
	r.mu.Unlock()
	r.tell(ctx)
	return err
}

// read is called with mu held.
func (r *Ring) read(ctx context.Context) error {
	keys, err := r.store.List(ctx)
	if err != nil {
		return err
	}
	next := &held{keys: make(map[string]Key, len(keys)), secrets: make(map[digest]entry, len(keys)), streams: make(map[string]bool)}
	for _, k := range keys {
		next.keys[k.ID], next.streams[k.Stream] = k, true
		for _, s := range k.Secrets {
			next.secrets[s.digest] = entry{k.ID, s}
		}
	}
	before := r.held.Swap(next)
	for id, k := range before.keys {
		if now, there := next.keys[id]; k.Revoked.IsZero() && (!there || !now.Revoked.IsZero()) {
			r.gone = append(r.gone, id)
		}
	}
	return nil
}

// tell is called without mu: whoever is told may take a while.
func (r *Ring) tell(ctx context.Context) {
	r.mu.Lock()
	gone := r.gone
	r.gone = nil
	r.mu.Unlock()
	if r.revoked == nil {
		return
	}
	for _, id := range gone {
		r.revoked(ctx, id)
	}
}

// Run follows the database, whoever changes it, until ctx ends: a key that was
// revoked is gone after two seconds at most.
func (r *Ring) Run(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	defer r.letGo()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		r.catchUp(ctx)
		r.tell(ctx)
	}
}

// catchUp reads the keys if somebody has changed them. Where that fails, those
// read last go on.
func (r *Ring) catchUp(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.follower.follow(ctx, r)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil && !r.failing:
		r.log.Error("the stream keys cannot be read, those read last go on", slog.Any("error", err))
	case err == nil && r.failing:
		r.log.Info("the stream keys can be read again")
	}
	if r.failing = err != nil; r.failing {
		r.follower.close()
	}
}

func (r *Ring) letGo() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.follower.close()
}

// follower asks for changes on a connection of its own: SQLite's data_version
// tells changes by others than the connection that asks
// (sqlite.org/pragma.html#pragma_data_version).
type follower struct {
	conn    *sql.Conn
	version int64
}

// follow is called with the ring's mu held.
func (f *follower) follow(ctx context.Context, r *Ring) error {
	if f.conn == nil {
		conn, err := r.store.db.Conn(ctx)
		if err != nil {
			return fmt.Errorf("open a connection to the database: %w", err)
		}
		f.conn, f.version = conn, -1
	}
	var version int64
	if err := f.conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version); err != nil {
		return fmt.Errorf("ask for changes of the database: %w", err)
	}
	if version == f.version {
		return nil
	}
	if err := r.read(ctx); err != nil {
		return err
	}
	f.version = version
	return nil
}

func (f *follower) close() {
	if f.conn != nil {
		_ = f.conn.Close() // it is only given back
		f.conn = nil
	}
}

// Find is what a secret opens; known is false if it is nobody's. The error is an
// *ingest.Rejection where the key is not good (any more). A key that was made this
// moment, by whichever process, is good: for a secret that the copy does not know,
// the database is asked whether it has changed.
//
// Digests are compared, and a map leads to the only one that can be equal: how
// long that takes tells of a digest, and nobody can choose a secret by its
// digest. The comparison itself takes constant time.
func (r *Ring) Find(ctx context.Context, secret string, now time.Time) (grant ingest.Grant, known bool, err error) {
	k, s, ok := r.search(ctx, secret)
	if !ok {
		return ingest.Grant{}, false, nil
	}
	if err := refuse(k, s, now); err != nil {
		return ingest.Grant{}, true, err
	}
	return ingest.Grant{Stream: k.Stream, Key: k.ID, Rules: k.Rules, Passphrase: k.Passphrase}, true, nil
}

// HasStream reports whether a stream of that name has a key.
func (r *Ring) HasStream(name string) bool { return r.held.Load().streams[name] }

// search looks into the copy, and again after the database was asked.
func (r *Ring) search(ctx context.Context, secret string) (Key, Secret, bool) {
	if k, s, ok := r.lookup(secret); ok || secret == "" {
		return k, s, ok
	}
	r.catchUp(ctx)
	return r.lookup(secret)
}

func (r *Ring) lookup(secret string) (Key, Secret, bool) {
	d := digestOf(secret)
	held := r.held.Load()
	e := held.secrets[d]
	if subtle.ConstantTimeCompare(e.secret.digest[:], d[:]) != 1 {
		return Key{}, Secret{}, false
	}
	return held.keys[e.id], e.secret, true
}

// refuse says why a key is not good.
func refuse(k Key, s Secret, now time.Time) error {
	rejection := ingest.Rejection{Stream: k.Stream}
	switch state := k.State(now); {
	case state == Revoked:
		rejection.Reason = ingest.KeyRevoked
		rejection.Message = "This stream key was revoked. Ask whoever runs the server for a new one, and put it into your encoder."
	case state == Expired:
		rejection.Reason = ingest.KeyExpired
		rejection.Message = fmt.Sprintf("This stream key has expired (%s). Ask whoever runs the server for a new one, or to let it last longer.", k.Expires.Format(time.RFC3339))
	case !s.ValidUntil.IsZero() && !now.Before(s.ValidUntil):
		rejection.Reason = ingest.KeyExpired
		rejection.Message = fmt.Sprintf("This stream key was replaced by a new one (%s). Put the new one into your encoder.", s.ValidUntil.Format(time.RFC3339))
	default:
		return nil
	}
	return &rejection
}
