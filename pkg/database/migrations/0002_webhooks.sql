-- Where events are posted to. Times are Unix milliseconds.
CREATE TABLE webhooks (
    id              TEXT PRIMARY KEY,            -- 8 hexadecimal digits
    url             TEXT NOT NULL,
    events          TEXT NOT NULL,               -- JSON: a list of types; [] is all
    label           TEXT NOT NULL,               -- for people
    secret          TEXT NOT NULL,               -- as it is, since it signs; '' where the configuration has it
    configured      INTEGER NOT NULL,            -- 1: of the configuration, 0: of the API
    created_at      INTEGER NOT NULL,
    failures        INTEGER NOT NULL DEFAULT 0,  -- attempts that failed in a row
    failing_since   INTEGER,                     -- NULL: the last attempt was a success
    last_success_at INTEGER,
    last_error      TEXT NOT NULL DEFAULT '',
    disabled_at     INTEGER,                     -- NULL: enabled
    disabled_reason TEXT NOT NULL DEFAULT ''
) STRICT;

-- An event on its way to one webhook. What is done is kept a while to be looked at.
CREATE TABLE webhook_deliveries (
    id         INTEGER PRIMARY KEY,         -- in the order of the events
    webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id   TEXT NOT NULL,
    type       TEXT NOT NULL,
    body       BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    state      TEXT NOT NULL,               -- waiting, delivered, failed or dropped
    attempts   INTEGER NOT NULL DEFAULT 0,
    aside      INTEGER NOT NULL DEFAULT 0,  -- 1: later ones need not wait for it
    next_at    INTEGER NOT NULL,            -- when it is tried (again), while it waits
    done_at    INTEGER,
    status     INTEGER NOT NULL DEFAULT 0,  -- of the last answer; 0: there was none
    error      TEXT NOT NULL DEFAULT ''     -- of the last attempt
) STRICT;

CREATE INDEX webhook_deliveries_of_webhook ON webhook_deliveries (webhook_id, state, aside, id);
