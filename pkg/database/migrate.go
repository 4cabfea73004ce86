package database

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate applies the migrations that a database has not had yet, all of them
// or none. user_version holds how many it has had.
func migrate(ctx context.Context, db *sql.DB) (err error) {
	scripts, err := fs.Glob(migrations, "migrations/*.sql") // sorted by name
	if err != nil {
		return fmt.Errorf("list the migrations: %w", err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin to migrate: %w", err)
	}
	defer func() {
		if undone := tx.Rollback(); !errors.Is(undone, sql.ErrTxDone) {
			err = errors.Join(err, undone)
		}
	}()
	var had int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&had); err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if had > len(scripts) {
		return fmt.Errorf("its schema has version %d and this Weir knows %d: it was made by a newer Weir, run that one or restore a backup", had, len(scripts))
	}
	for _, name := range scripts[had:] {
		script, err := migrations.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read migration %s: %w", path.Base(name), err)
		}
		if _, err := tx.ExecContext(ctx, string(script)); err != nil {
			return fmt.Errorf("apply migration %s: %w", path.Base(name), err)
		}
	}
	if had == len(scripts) {
		return nil
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(scripts))); err != nil {
		return fmt.Errorf("note the schema's version: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("keep the new schema: %w", err)
	}
	return nil
}
