package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/cenkalti/backoff/v5"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// FileName is the database in the data folder. SQLite keeps FileName-wal and
// FileName-shm beside it while it is open: copy all three, or none but by
// sqlite3's .backup.
const FileName = "weir.db"

// connections bounds how many are open at once: one writes, the others read
// (WAL); each may cache 2 MB.
const connections = 4

// Open opens the database of a data folder and brings its schema up to date.
// Folder and file are made, for their owner's eyes alone, if they do not exist.
// The caller closes it.
//
// Every connection waits up to 5 s for another's write, holds to foreign keys
// and begins its transactions as writers (BEGIN IMMEDIATE): one that read first
// and wrote later would fail at once where another wrote in between. A commit
// is on the disk when it returns (synchronous=FULL).
func Open(ctx context.Context, dir string) (*sql.DB, error) {
	path := filepath.Join(dir, FileName)
	if err := private(dir, path); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dataSource(path))
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	db.SetMaxOpenConns(connections)
	if err := patiently(ctx, func() error { return migrate(ctx, db) }); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", path, err), db.Close())
	}
	return db, nil
}

// private makes the file before SQLite does, which would let others read it.
// The files that SQLite makes beside it get the same mode. A file that is there
// is not opened: closing it would drop the locks that SQLite has on it in this
// process (sqlite.org/howtocorrupt.html, 2.2).
func private(dir, path string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder for the database: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) //nolint:gosec // the folder is the operator's choice.
	if errors.Is(err, fs.ErrExist) {
		if err = os.Chmod(path, 0o600); err != nil {
			return fmt.Errorf("keep others from reading the database: %w", err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("make the database: %w; the gateway's user must be able to write there", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return nil
}

// patiently calls first again while another process keeps the whole file to
// itself, for up to 5 s: SQLite does not wait by itself where one connection
// turns the file to WAL or cleans up behind itself as the last one
// (sqlite.org/wal.html, 9).
func patiently(ctx context.Context, first func() error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := first()
		if busy, ok := errors.AsType[*sqlite.Error](err); ok && busy.Code()&0xff == sqlite3.SQLITE_BUSY {
			return struct{}{}, err
		}
		if err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, nil
	}, backoff.WithBackOff(backoff.NewConstantBackOff(10*time.Millisecond)), backoff.WithMaxElapsedTime(5*time.Second))
	return err
}

// dataSource is a URI (sqlite.org/uri.html), so that no character of the path
// has a meaning. The driver sets busy_timeout before the other pragmas.
func dataSource(path string) string {
	options := url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
		"_txlock": {"immediate"},
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + options.Encode()
}
