package webhook

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// mostWaiting deliveries may wait for one webhook; more push the oldest out.
	mostWaiting = 1000
	// doneKept deliveries of a webhook are kept to be looked at.
	doneKept = 100
)

// State is how far a delivery is.
type State string

// The states of a delivery.
const (
	Waiting   State = "waiting"
	Delivered State = "delivered"
	// Failed was given up, since it took too long.
	Failed State = "failed"
	// Dropped made room for newer ones.
	Dropped State = "dropped"
)

// Delivery is an event on its way to a webhook.
type Delivery struct {
	ID       int64
	EventID  string
	Type     string
	Created  time.Time
	State    State
	Attempts int
	// Next is when it is tried again, Done when that was over; one is zero.
	Next, Done time.Time
	// Status and Error are of the last attempt; Status is 0 where no answer came.
	Status int
	Error  string

	body []byte
}

// enqueue keeps messages for those webhooks that ask for them. It reports how
// many older ones were pushed out.
func (b book) enqueue(ctx context.Context, messages []message, all []Webhook, now time.Time) (dropped int64, err error) {
	err = b.write(ctx, "keep events for webhooks", func(tx *sql.Tx) error {
		for _, w := range all {
			n := 0
			for _, m := range messages {
				if !w.wants(m.kind) {
					continue
				}
				n++
				// It may have been removed a moment ago.
				if _, failed := tx.ExecContext(ctx, `
					INSERT INTO webhook_deliveries (webhook_id, event_id, type, body, created_at, state, next_at)
					SELECT id, ?, ?, ?, ?, 'waiting', ? FROM webhooks WHERE id = ?`,
					m.id, m.kind, m.body, ms(m.created), ms(now), w.ID); failed != nil {
					return failed //nolint:wrapcheck // write says what it did.
				}
			}
			if n == 0 {
				continue
			}
			gone, failed := bound(ctx, tx, w.ID, now)
			if failed != nil {
				return failed
			}
			dropped += gone
		}
		return nil
	})
	return dropped, err
}

// bound pushes the oldest out of the queue of a webhook.
func bound(ctx context.Context, tx *sql.Tx, id string, now time.Time) (dropped int64, err error) {
	result, err := tx.ExecContext(ctx, `
		UPDATE webhook_deliveries SET state = 'dropped', done_at = ?, error = 'Too many events waited, the oldest gave way.'
		WHERE id IN (SELECT id FROM webhook_deliveries WHERE webhook_id = ? AND state = 'waiting' ORDER BY id DESC LIMIT -1 OFFSET ?)`,
		ms(now), id, mostWaiting)
	if err != nil {
		return 0, fmt.Errorf("bound the queue: %w", err)
	}
	dropped, err = result.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("bound the queue: %w", err)
	}
	return dropped, forget(ctx, tx, id)
}

// forget deletes what was done long ago.
func forget(ctx context.Context, tx *sql.Tx, id string) error {
	_, err := tx.ExecContext(ctx, `
		DELETE FROM webhook_deliveries
		WHERE id IN (SELECT id FROM webhook_deliveries WHERE webhook_id = ? AND state <> 'waiting' ORDER BY id DESC LIMIT -1 OFFSET ?)`,
		id, doneKept)
	if err != nil {
		return fmt.Errorf("forget old deliveries: %w", err)
	}
	return nil
}

const selectDeliveries = `SELECT id, event_id, type, body, created_at, state, attempts, next_at, done_at, status, error
	FROM webhook_deliveries `

// due is the next delivery of a webhook, and how long to wait for it; nil where
// there is none. That is the oldest, or one that has stepped aside.
func (b book) due(ctx context.Context, id string, now time.Time) (*Delivery, time.Duration, error) {
	var next *Delivery
	for _, which := range []string{"aside = 0 ORDER BY id", "aside = 1 ORDER BY next_at"} {
		d, err := scanDelivery(b.db.QueryRowContext(ctx, selectDeliveries+"WHERE webhook_id = ? AND state = 'waiting' AND "+which+" LIMIT 1", id).Scan)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			continue
		case err != nil:
			return nil, 0, err
		case !d.Next.After(now):
			return &d, 0, nil
		case next == nil || d.Next.Before(next.Next):
			next = &d
		}
	}
	if next == nil {
		return nil, 0, nil
	}
	return next, next.Next.Sub(now), nil
}

func scanDelivery(scan func(...any) error) (Delivery, error) {
	var (
		d             Delivery
		created, next int64
		done          sql.NullInt64
	)
	err := scan(&d.ID, &d.EventID, &d.Type, &d.body, &created, &d.State, &d.Attempts, &next, &done, &d.Status, &d.Error)
	if err != nil {
		return Delivery{}, fmt.Errorf("read a delivery: %w", err)
	}
	d.Created, d.Done = time.UnixMilli(created).UTC(), fromMS(done)
	if d.State == Waiting {
		d.Next = time.UnixMilli(next).UTC()
	}
	return d, nil
}

// deliveries are those of a webhook, the newest first, at most so many.
func (b book) deliveries(ctx context.Context, id string, most int) ([]Delivery, error) {
	rows, err := b.db.QueryContext(ctx, selectDeliveries+"WHERE webhook_id = ? ORDER BY id DESC LIMIT ?", id, most)
	if err != nil {
		return nil, fmt.Errorf("list the deliveries of webhook %s: %w", id, err)
	}
	defer rows.Close()
	var all []Delivery
	for rows.Next() {
		d, err := scanDelivery(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list the deliveries of webhook %s: %w", id, err)
	}
	return all, nil
}

// note keeps a delivery that was not queued.
func (b book) note(ctx context.Context, id string, m message, o outcome, now time.Time) error {
	state := Delivered
	if o.trouble != "" {
		state = Failed
	}
	return b.write(ctx, "note a test of a webhook", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO webhook_deliveries (webhook_id, event_id, type, body, created_at, state, attempts, next_at, done_at, status, error)
			SELECT id, ?, ?, ?, ?, ?, 1, 0, ?, ?, ? FROM webhooks WHERE id = ?`,
			m.id, m.kind, m.body, ms(m.created), state, ms(now), o.status, o.trouble, id)
		if err != nil {
			return err //nolint:wrapcheck // write says what it did.
		}
		return forget(ctx, tx, id)
	})
}

// settle writes down what came of an attempt. disabled is why nothing more is
// posted to the webhook, "" if more is.
func (b book) settle(ctx context.Context, id string, d *Delivery, o outcome, now time.Time) (disabled string, err error) {
	d.Attempts++
	d.Status, d.Error = o.status, o.trouble
	err = b.write(ctx, "note an attempt of webhook "+id, func(tx *sql.Tx) error {
		if o.trouble == "" {
			return delivered(ctx, tx, id, d, now)
		}
		disabled, err = failed(ctx, tx, id, d, o, now)
		return err
	})
	return disabled, err
}

func delivered(ctx context.Context, tx *sql.Tx, id string, d *Delivery, now time.Time) error {
	d.State = Delivered
	if _, err := tx.ExecContext(ctx, "UPDATE webhook_deliveries SET state = 'delivered', attempts = ?, done_at = ?, status = ?, error = '' WHERE id = ?",
		d.Attempts, ms(now), d.Status, d.ID); err != nil {
		return fmt.Errorf("mark it as delivered: %w", err)
	}
	if _, err := tx.ExecContext(ctx, "UPDATE webhooks SET failures = 0, failing_since = NULL, last_success_at = ? WHERE id = ?", ms(now), id); err != nil {
		return fmt.Errorf("note the success: %w", err)
	}
	return forget(ctx, tx, id)
}

func failed(ctx context.Context, tx *sql.Tx, id string, d *Delivery, o outcome, now time.Time) (disabled string, err error) {
	done := sql.NullInt64{}
	if now.Sub(d.Created) >= giveUpAfter {
		d.State, done = Failed, sql.NullInt64{Int64: ms(now), Valid: true}
	}
	// It may have given way to newer ones meanwhile, and stays gone then.
	if _, err := tx.ExecContext(ctx, "UPDATE webhook_deliveries SET state = ?, attempts = ?, aside = ?, next_at = ?, done_at = ?, status = ?, error = ? WHERE id = ? AND state = 'waiting'",
		d.State, d.Attempts, stepsAside(d.Attempts, o), ms(now.Add(retryIn(d.Attempts, o))), done, o.status, o.trouble, d.ID); err != nil {
		return "", fmt.Errorf("mark it as failed: %w", err)
	}
	var since int64
	if err := tx.QueryRowContext(ctx, "UPDATE webhooks SET failures = failures + 1, failing_since = coalesce(failing_since, ?), last_error = ? WHERE id = ? RETURNING failing_since",
		ms(now), o.trouble, id).Scan(&since); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			err = ErrUnknown
		}
		return "", fmt.Errorf("note the failure: %w", err)
	}
	switch {
	case o.status == http.StatusGone:
		disabled = "The receiver answered 410 Gone."
	case now.Sub(time.UnixMilli(since)) >= disableAfter:
		disabled = fmt.Sprintf("It has failed for %d days.", int(disableAfter.Hours())/24)
	default:
		return "", nil
	}
	if _, err := tx.ExecContext(ctx, "UPDATE webhooks SET disabled_at = ?, disabled_reason = ? WHERE id = ?", ms(now), disabled, id); err != nil {
		return "", fmt.Errorf("disable it: %w", err)
	}
	return disabled, nil
}
