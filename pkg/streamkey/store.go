package streamkey

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"weir/pkg/ingest"
)

// keepRevoked is how long a revoked key is remembered, so that whoever still uses
// it is told what happened to it.
const keepRevoked = 30 * 24 * time.Hour

// Store is the keys in the database. It is safe for concurrent use, also by
// several processes. Times are kept to the second.
type Store struct {
	db *sql.DB
	// check, if not nil, has more to say about rules than ingest.Rules.Validate.
	check func(ingest.Rules) error
}

// NewStore uses a database of pkg/database, which its caller closes. check may
// refuse rules, such as a ladder that is none; nil takes them as they are.
func NewStore(db *sql.DB, check func(ingest.Rules) error) *Store { return &Store{db: db, check: check} }

// stored is the column "rules".
type stored struct {
	ingest.Rules
	Passphrase string `json:"srt_passphrase,omitempty"`
}

// Create makes a key of what is chosen in k: Stream, Label, Rules, Passphrase and
// Expires. The secret is known to its caller alone. The error is an *InvalidError
// where the caller is at fault.
func (s *Store) Create(ctx context.Context, k Key, now time.Time) (made Key, secret string, err error) {
	if err = s.valid(k); err != nil {
		return Key{}, "", err
	}
	k.ID, k.Created, k.Revoked = newID(), now, time.Time{}
	rules, err := json.Marshal(stored{k.Rules, k.Passphrase})
	if err != nil {
		return Key{}, "", fmt.Errorf("write the rules of a stream key: %w", err)
	}
	secret = ingest.NewKey(k.Stream)
	made, err = s.change(ctx, k.ID, func(tx *sql.Tx) error {
		if _, err = tx.ExecContext(ctx, "DELETE FROM stream_keys WHERE revoked_at < ?", now.Add(-keepRevoked).Unix()); err != nil {
			return fmt.Errorf("forget keys that were revoked long ago: %w", err)
		}
		if _, err = tx.ExecContext(ctx, "INSERT INTO stream_keys (id, stream, label, rules, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
			k.ID, k.Stream, k.Label, string(rules), now.Unix(), column(k.Expires)); err != nil {
			return fmt.Errorf("add it: %w", err)
		}
		return addSecret(ctx, tx, k.ID, secret, now)
	})
	if err != nil {
		return Key{}, "", fmt.Errorf("make a key of stream %s: %w", k.Stream, err)
	}
	return made, secret, nil
}

func (s *Store) valid(k Key) error {
	if err := k.validate(); err != nil {
		return err
	}
	if s.check == nil {
		return nil
	}
	if err := s.check(k.Rules); err != nil {
		return &InvalidError{err}
	}
	return nil
}

func addSecret(ctx context.Context, tx *sql.Tx, id, secret string, now time.Time) error {
	d := digestOf(secret)
	if _, err := tx.ExecContext(ctx, "INSERT INTO stream_key_secrets (digest, key_id, created_at) VALUES (?, ?, ?)", d[:], id, now.Unix()); err != nil {
		return fmt.Errorf("add its secret: %w", err)
	}
	return nil
}

// Update lets edit change what people choose of a key: Label, Rules, Passphrase
// and Expires. The errors are ErrUnknown, ErrRevoked and *InvalidError, and
// whatever edit returns.
func (s *Store) Update(ctx context.Context, id string, edit func(*Key) error) (Key, error) {
	k, err := s.change(ctx, id, func(tx *sql.Tx) error {
		k, err := good(ctx, tx, id)
		if err != nil {
			return err
		}
		if err = edit(&k); err != nil {
			return err
		}
		if err = s.valid(k); err != nil {
			return err
		}
		rules, err := json.Marshal(stored{k.Rules, k.Passphrase})
		if err != nil {
			return fmt.Errorf("write its rules: %w", err)
		}
		_, err = tx.ExecContext(ctx, "UPDATE stream_keys SET label = ?, rules = ?, expires_at = ? WHERE id = ?",
			k.Label, string(rules), column(k.Expires), id)
		return err
	})
	if err != nil {
		return Key{}, fmt.Errorf("change stream key %s: %w", id, err)
	}
	return k, nil
}

// Rotate gives a key a new secret, known to its caller alone. The old ones are
// good for overlap more. The errors are ErrUnknown and ErrRevoked.
func (s *Store) Rotate(ctx context.Context, id string, overlap time.Duration, now time.Time) (rotated Key, secret string, err error) {
	rotated, err = s.change(ctx, id, func(tx *sql.Tx) error {
		k, missing := good(ctx, tx, id)
		if missing != nil {
			return missing
		}
		until := now.Add(overlap).Unix()
		if _, err = tx.ExecContext(ctx, "UPDATE stream_key_secrets SET valid_until = min(coalesce(valid_until, ?1), ?1) WHERE key_id = ?2", until, id); err != nil {
			return fmt.Errorf("limit its old secrets: %w", err)
		}
		if _, err = tx.ExecContext(ctx, "DELETE FROM stream_key_secrets WHERE key_id = ? AND valid_until < ?", id, now.Add(-keepRevoked).Unix()); err != nil {
			return fmt.Errorf("forget its oldest secrets: %w", err)
		}
		secret = ingest.NewKey(k.Stream)
		return addSecret(ctx, tx, id, secret, now)
	})
	if err != nil {
		return Key{}, "", fmt.Errorf("rotate stream key %s: %w", id, err)
	}
	return rotated, secret, nil
}

// Revoke ends a key, which cannot be taken back; one that was revoked stays so.
// The error is ErrUnknown if there is none.
func (s *Store) Revoke(ctx context.Context, id string, now time.Time) (Key, error) {
	k, err := s.change(ctx, id, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE stream_keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?", now.Unix(), id)
		return err
	})
	if err != nil {
		return Key{}, fmt.Errorf("revoke stream key %s: %w", id, err)
	}
	return k, nil
}

// change runs do, and returns what the key with that id is then.
func (s *Store) change(ctx context.Context, id string, do func(*sql.Tx) error) (k Key, err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return Key{}, fmt.Errorf("begin a change of the database: %w", err)
	}
	defer func() {
		if undone := tx.Rollback(); !errors.Is(undone, sql.ErrTxDone) {
			err = errors.Join(err, undone)
		}
	}()
	if err = do(tx); err != nil {
		return Key{}, err
	}
	if k, err = one(ctx, tx, id); err != nil {
		return Key{}, err
	}
	if err = tx.Commit(); err != nil {
		return Key{}, fmt.Errorf("keep the change: %w", err)
	}
	return k, nil
}

// good is a key that was not revoked.
func good(ctx context.Context, q querier, id string) (Key, error) {
	k, err := one(ctx, q, id)
	if err == nil && !k.Revoked.IsZero() {
		err = ErrRevoked
	}
	return k, err
}

// Find is the key with that id; the error is ErrUnknown if there is none.
func (s *Store) Find(ctx context.Context, id string) (Key, error) { return one(ctx, s.db, id) }

// List is every key, by stream, the oldest first.
func (s *Store) List(ctx context.Context) ([]Key, error) { return list(ctx, s.db, "") }

func one(ctx context.Context, q querier, id string) (Key, error) {
	if id == "" {
		return Key{}, ErrUnknown // list would take it for all
	}
	found, err := list(ctx, q, id)
	if err == nil && len(found) == 0 {
		err = ErrUnknown
	}
	if err != nil {
		return Key{}, err
	}
	return found[0], nil
}

// column is a time in the database: NULL for none.
func column(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Unix()
}
