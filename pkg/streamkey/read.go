package streamkey

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// querier is a database, or a transaction in it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// selectKeys has a row for each secret of each key.
const selectKeys = `
SELECT k.id, k.stream, k.label, k.rules, k.created_at, k.expires_at, k.revoked_at, s.digest, s.created_at, s.valid_until
FROM stream_keys k JOIN stream_key_secrets s ON s.key_id = k.id
WHERE ?1 = '' OR k.id = ?1
ORDER BY k.stream, k.created_at, k.id, s.created_at DESC, s.valid_until IS NOT NULL, s.valid_until DESC`

// list reads one key, or all where id is empty.
func list(ctx context.Context, q querier, id string) (keys []Key, err error) {
	rows, err := q.QueryContext(ctx, selectKeys, id)
	if err != nil {
		return nil, fmt.Errorf("read the stream keys: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		k, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read a stream key: %w", err)
		}
		if last := len(keys) - 1; last >= 0 && keys[last].ID == k.ID {
			keys[last].Secrets = append(keys[last].Secrets, k.Secrets...)
			continue
		}
		keys = append(keys, k)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the stream keys: %w", err)
	}
	return keys, nil
}

// scan reads a row: a key with one of its secrets.
func scan(rows *sql.Rows) (Key, error) {
	var (
		k                                                    Key
		rules                                                string
		bytes                                                []byte
		created, expires, revoked, secretCreated, validUntil sql.NullInt64
	)
	if err := rows.Scan(&k.ID, &k.Stream, &k.Label, &rules, &created, &expires, &revoked, &bytes, &secretCreated, &validUntil); err != nil {
		return Key{}, err //nolint:wrapcheck // list wraps it.
	}
	var s stored
	if err := json.Unmarshal([]byte(rules), &s); err != nil {
		return Key{}, fmt.Errorf("the rules of key %s: %w", k.ID, err)
	}
	k.Rules, k.Passphrase = s.Rules, s.Passphrase
	k.Created, k.Expires, k.Revoked = instant(created), instant(expires), instant(revoked)
	secret := Secret{Created: instant(secretCreated), ValidUntil: instant(validUntil)}
	if copy(secret.digest[:], bytes) != len(secret.digest) {
		return Key{}, fmt.Errorf("a digest of key %s has %d bytes", k.ID, len(bytes))
	}
	k.Secrets = []Secret{secret}
	return k, nil
}

// instant is a time of the database.
func instant(t sql.NullInt64) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return time.Unix(t.Int64, 0).UTC()
}
