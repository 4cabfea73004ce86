-- A stream key: who holds one of its secrets may publish the stream, within the
-- rules. Times are Unix seconds.
CREATE TABLE stream_keys (
    id         TEXT PRIMARY KEY,     -- 8 hexadecimal digits, for people
    stream     TEXT NOT NULL,
    label      TEXT NOT NULL,        -- for people: whose it is
    rules      TEXT NOT NULL,        -- JSON, see pkg/streamkey.Rules
    created_at INTEGER NOT NULL,
    expires_at INTEGER,              -- NULL: never
    revoked_at INTEGER               -- NULL: not; kept a while, to tell creators why
) STRICT;

-- A key has several secrets while it is rotated. Only digests are kept: a
-- secret has 138 random bits, so SHA-256 needs no salt and no stretching.
CREATE TABLE stream_key_secrets (
    digest      BLOB PRIMARY KEY,    -- SHA-256
    key_id      TEXT NOT NULL REFERENCES stream_keys (id) ON DELETE CASCADE,
    created_at  INTEGER NOT NULL,
    valid_until INTEGER              -- NULL: until the key itself ends
) STRICT;

CREATE INDEX stream_key_secrets_of_key ON stream_key_secrets (key_id);
