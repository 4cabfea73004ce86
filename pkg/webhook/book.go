package webhook

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// book keeps webhooks in the database. Its methods may be called from many
// goroutines.
type book struct{ db *sql.DB }

// ms is how the database has times; 0 is none.
func ms(t time.Time) int64 { return t.UnixMilli() }

func fromMS(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64).UTC()
}

const selectWebhooks = `SELECT id, url, events, label, secret, configured, created_at,
	failures, failing_since, last_success_at, last_error, disabled_at, disabled_reason,
	(SELECT count(*) FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'waiting')
	FROM webhooks w `

// webhooks are all of them, the oldest first.
func (b book) webhooks(ctx context.Context) ([]Webhook, error) {
	rows, err := b.db.QueryContext(ctx, selectWebhooks+"ORDER BY created_at, id")
	if err != nil {
		return nil, fmt.Errorf("list the webhooks: %w", err)
	}
	defer rows.Close()
	var all []Webhook
	for rows.Next() {
		w, err := scanWebhook(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list the webhooks: %w", err)
	}
	return all, nil
}

// webhook is one of them; the error is ErrUnknown where there is none.
func (b book) webhook(ctx context.Context, id string) (Webhook, error) {
	w, err := scanWebhook(b.db.QueryRowContext(ctx, selectWebhooks+"WHERE id = ?", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Webhook{}, ErrUnknown
	}
	return w, err
}

func scanWebhook(scan func(...any) error) (Webhook, error) {
	var (
		w                          Webhook
		events                     string
		created                    int64
		failing, success, disabled sql.NullInt64
	)
	err := scan(&w.ID, &w.URL, &events, &w.Label, &w.secret, &w.Configured, &created,
		&w.Health.Failures, &failing, &success, &w.Health.LastError, &disabled, &w.Health.DisabledReason, &w.Health.Waiting)
	if err != nil {
		return Webhook{}, fmt.Errorf("read a webhook: %w", err)
	}
	if err := json.Unmarshal([]byte(events), &w.Events); err != nil {
		return Webhook{}, fmt.Errorf("read the events of webhook %s: %w", w.ID, err)
	}
	w.Created = time.UnixMilli(created).UTC()
	w.Health.FailingSince, w.Health.LastSuccess, w.Health.Disabled = fromMS(failing), fromMS(success), fromMS(disabled)
	return w, nil
}

func eventList(events []string) string {
	text, err := json.Marshal(append([]string{}, events...))
	if err != nil {
		return "[]" // it cannot be: they are texts
	}
	return string(text)
}

// add keeps a new webhook, or gives the one of its id another form. The number
// of them is bounded.
func (b book) add(ctx context.Context, w Webhook) error {
	result, err := b.db.ExecContext(ctx, `
		INSERT INTO webhooks (id, url, events, label, secret, configured, created_at)
		SELECT ?, ?, ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM webhooks WHERE configured = ? AND id <> ?) < ?
		ON CONFLICT (id) DO UPDATE SET url = excluded.url, events = excluded.events, label = excluded.label`,
		w.ID, w.URL, eventList(w.Events), w.Label, w.secret, w.Configured, ms(w.Created), w.Configured, w.ID, MostWebhooks)
	if err != nil {
		return fmt.Errorf("keep the webhook: %w", err)
	}
	if n, err := result.RowsAffected(); err == nil && n == 0 {
		return ErrTooMany
	}
	return nil
}

// remove forgets a webhook and what waits for it.
func (b book) remove(ctx context.Context, id string) error {
	if _, err := b.db.ExecContext(ctx, "DELETE FROM webhooks WHERE id = ?", id); err != nil {
		return fmt.Errorf("remove the webhook: %w", err)
	}
	return nil
}

// enable posts to a webhook again, as if it had never failed, or no more.
func (b book) enable(ctx context.Context, id string, on bool, now time.Time) error {
	query := "UPDATE webhooks SET disabled_at = NULL, disabled_reason = '', failures = 0, failing_since = NULL WHERE id = ?"
	args := []any{id}
	if !on {
		query = "UPDATE webhooks SET disabled_at = ?, disabled_reason = 'Somebody switched it off.' WHERE id = ? AND disabled_at IS NULL"
		args = []any{ms(now), id}
	}
	if _, err := b.db.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("switch the webhook on or off: %w", err)
	}
	return nil
}

// write does several changes, or none of them.
func (b book) write(ctx context.Context, doing string, changes func(*sql.Tx) error) (err error) {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if err := changes(tx); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", doing, err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
