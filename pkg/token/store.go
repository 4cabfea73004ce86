package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	fileName = "tokens.json"
	lockName = "tokens.lock"
)

// Store is the file with the tokens. It is safe for concurrent use, also by
// several processes.
type Store struct {
	dir string

	mu     sync.Mutex
	tokens []Token
	// stamp is of the file that tokens was read from.
	stamp stamp
}

// stamp tells two versions of the file apart: a change renames a new file into
// the place of the old.
type stamp struct {
	at    time.Time
	size  int64
	inode uint64
}

// Open names the folder that keeps the tokens. The file need not be there.
func Open(dir string) *Store { return &Store{dir: dir} }

// First makes the first token, of scope admin, where there has never been one;
// its secret is shown to nobody again. The secret is empty where there was.
func (s *Store) First() (secret string, err error) {
	err = s.change(func(_ []Token, existed bool) ([]Token, error) {
		if existed {
			return nil, errKept
		}
		var t Token
		t, secret, err = mint("first", "admin", time.Now())
		return []Token{t}, err
	})
	return secret, err
}

// Create makes a token. The secret is known to its caller alone. The error is
// ErrName or ErrScope where the caller is at fault.
func (s *Store) Create(name, scope string) (made Token, secret string, err error) {
	err = s.change(func(tokens []Token, _ bool) ([]Token, error) {
		made, secret, err = mint(name, scope, time.Now())
		return append(tokens, made), err
	})
	return made, secret, err
}

// Revoke ends the token with that ID, at once. The error is ErrUnknown if there
// is none.
func (s *Store) Revoke(id string) error {
	return s.change(func(tokens []Token, _ bool) ([]Token, error) {
		i := slices.IndexFunc(tokens, func(t Token) bool { return t.ID == id })
		if i < 0 {
			return nil, ErrUnknown
		}
		return slices.Delete(tokens, i, i+1), nil
	})
}

// List is every token, the oldest first.
func (s *Store) List() ([]Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refresh(); err != nil {
		return nil, err
	}
	return slices.Clone(s.tokens), nil
}

// Find is the token with that secret. Hashes are compared, so how long it
// takes tells nothing of the secret.
func (s *Store) Find(secret string) (t Token, ok bool, err error) {
	tokens, err := s.List()
	if err != nil {
		return Token{}, false, err
	}
	wanted := hash(secret)
	i := slices.IndexFunc(tokens, func(t Token) bool { return t.Hash == wanted })
	if i < 0 {
		return Token{}, false, nil
	}
	return tokens[i], true, nil
}

// errKept ends a change that has nothing to change.
var errKept = errors.New("nothing to change")

// change replaces the tokens by what edit makes of a copy of them. existed is
// false if there was no file.
func (s *Store) change(edit func(tokens []Token, existed bool) ([]Token, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	unlock, err := lock(filepath.Join(s.dir, lockName))
	if err != nil {
		return err
	}
	defer unlock()
	if err = s.refresh(); err != nil {
		return err
	}
	edited, err := edit(slices.Clone(s.tokens), s.stamp != stamp{})
	if errors.Is(err, errKept) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.write(edited)
}

// refresh reads the file if it is another one than before.
func (s *Store) refresh() error {
	path := filepath.Join(s.dir, fileName)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		s.tokens, s.stamp = nil, stamp{}
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the API's tokens: %w", err)
	}
	now := stamp{at: info.ModTime(), size: info.Size()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		now.inode = sys.Ino
	}
	if now == s.stamp {
		return nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // the folder is the operator's choice.
	if err != nil {
		return fmt.Errorf("read the API's tokens: %w", err)
	}
	var tokens []Token
	if err := json.Unmarshal(text, &tokens); err != nil {
		return fmt.Errorf("read the API's tokens: %w; mend %s, or remove it: the next start makes a first token", err, path)
	}
	s.tokens, s.stamp = tokens, now
	return nil
}

// write puts a new file in the place of the old one.
func (s *Store) write(tokens []Token) (err error) {
	text, err := json.MarshalIndent(tokens, "", "  ")
	if err != nil {
		return fmt.Errorf("write the API's tokens: %w", err)
	}
	file, err := os.CreateTemp(s.dir, fileName+".*") // readable by its owner alone
	if err != nil {
		return fmt.Errorf("write the API's tokens: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) // it is of no use
		}
	}()
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write the API's tokens: %w", err)
	}
	if err := os.Rename(file.Name(), filepath.Join(s.dir, fileName)); err != nil {
		return fmt.Errorf("write the API's tokens: %w", err)
	}
	return nil
}

// lock keeps other processes from changing the tokens until unlock is called.
func lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the folder is the operator's choice.
	if err != nil {
		return nil, fmt.Errorf("lock the API's tokens: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock the API's tokens: %w", err)
	}
	return func() { _ = file.Close() }, nil // which lets go of the lock
}
