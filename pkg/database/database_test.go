package database_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"weir/pkg/database"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := database.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

const insertKey = "INSERT INTO stream_keys (id, stream, label, rules, created_at) VALUES (?, 'main', '', '{}', 0)"

func TestOpenIsPrivateAndSafe(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "100% odd? name#1") // nothing of a path has a meaning
	db := open(t, dir)
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "busy_timeout": "5000", "foreign_keys": "1", "synchronous": "2",
	} {
		var got string
		if err := db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, want %q; %v", pragma, got, want, err)
		}
	}
	if _, err := db.ExecContext(t.Context(), insertKey, "a"); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 3 {
		t.Errorf("%d files, want the database, its log and its index; %v", len(files), err)
	}
	for _, file := range files {
		info, failed := file.Info()
		if failed != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("others can read %s: %v %v", file.Name(), info.Mode(), failed)
		}
	}
	_, err = db.ExecContext(t.Context(), "INSERT INTO stream_key_secrets (digest, key_id, created_at) VALUES (x'00', 'nobody', 0)")
	if err == nil {
		t.Error("a secret of a key that does not exist was taken")
	}
}

func TestAFileThatOthersCouldReadIsClosedToThem(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, database.FileName)
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// TestSeveralOpenAtOnce is the gateway and the command line, started together:
// each migration is applied once, and no write is lost.
func TestSeveralOpenAtOnce(t *testing.T) {
	dir := t.TempDir()
	var all errgroup.Group
	for i := range 8 {
		all.Go(func() error {
			db, err := database.Open(t.Context(), dir)
			if err != nil {
				return err
			}
			if _, err := db.ExecContext(t.Context(), insertKey, i); err != nil {
				return err
			}
			return db.Close()
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	var count int
	if err := open(t, dir).QueryRowContext(t.Context(), "SELECT count(*) FROM stream_keys").Scan(&count); err != nil || count != 8 {
		t.Errorf("%d of 8 rows are there; %v", count, err)
	}
}

// TestBackup is what docs/operations.md says, while the database is in use.
func TestBackup(t *testing.T) {
	db := open(t, t.TempDir())
	if _, err := db.ExecContext(t.Context(), insertKey, "a"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := db.ExecContext(t.Context(), "VACUUM INTO ?", filepath.Join(dir, database.FileName)); err != nil {
		t.Fatal(err)
	}
	var count int
	if err := open(t, dir).QueryRowContext(t.Context(), "SELECT count(*) FROM stream_keys").Scan(&count); err != nil || count != 1 {
		t.Errorf("the copy has %d of 1 key; %v", count, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Run("a newer schema", func(t *testing.T) {
		dir := t.TempDir()
		db := open(t, dir)
		if _, err := db.ExecContext(t.Context(), "PRAGMA user_version = 1000"); err != nil {
			t.Fatal(err)
		}
		if _, err := database.Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "newer Weir") {
			t.Errorf("the error does not say what to do: %v", err)
		}
	})
	t.Run("another file", func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, database.FileName)
		if err := os.WriteFile(path, []byte(strings.Repeat("no database\n", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := database.Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("the error does not name the file: %v", err)
		}
	})
}
