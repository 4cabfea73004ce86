package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// state is what must survive a restart of the gateway.
type state struct {
	// NextMSN is the lowest media sequence number not yet used.
	NextMSN uint64 `json:"next_msn"`
	// NextDiscontinuity is the next free discontinuity sequence number.
	NextDiscontinuity uint64 `json:"next_discontinuity"`
	// Live is true while viewers may be waiting for the stream.
	Live bool `json:"live"`
}

// saver writes states to disk on a goroutine of its own, the latest of each
// stream only, so that a slow disk never holds up a stream.
type saver struct {
	dir string
	log *slog.Logger

	mu      sync.Mutex
	pending map[string]state
	wake    chan struct{}
	done    chan struct{}
}

func newSaver(dir string, log *slog.Logger) (*saver, map[string]state, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("create %s: %w", dir, err)
	}
	s := &saver{
		dir: dir, log: log,
		pending: make(map[string]state),
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", dir, err)
	}
	states := make(map[string]state)
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), ".json"); ok {
			states[name] = s.load(name)
		}
	}
	return s, states, nil
}

// load reads one stream's state; a missing or damaged file is the zero state,
// since the Unix time keeps sequence numbers growing even then.
func (s *saver) load(name string) state {
	var st state
	raw, err := os.ReadFile(s.path(name))
	if err == nil {
		err = json.Unmarshal(raw, &st)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("stream state is unreadable, starting from the clock",
			slog.String("stream", name), slog.Any("error", err))
		return state{}
	}
	return st
}

// path needs a valid stream name (ingest.ValidName), which holds no separator.
func (s *saver) path(name string) string { return filepath.Join(s.dir, name+".json") }

// save replaces what is waiting to be written for a stream; it never blocks.
func (s *saver) save(name string, st state) {
	s.mu.Lock()
	s.pending[name] = st
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *saver) run() {
	for {
		select {
		case <-s.wake:
			s.flush()
		case <-s.done:
			s.flush()
			return
		}
	}
}

func (s *saver) close() { close(s.done) }

func (s *saver) flush() {
	s.mu.Lock()
	batch := s.pending
	s.pending = make(map[string]state)
	s.mu.Unlock()
	for name, st := range batch {
		if err := s.write(name, st); err != nil {
			s.log.Error("cannot keep the stream state; after a crash the sequence numbers start from the clock",
				slog.String("stream", name), slog.Any("error", err))
		}
	}
}

// write replaces the file in one step, so that a crash leaves the old or the
// new one.
func (s *saver) write(name string, st state) error {
	raw, err := json.Marshal(st)
	if err != nil {
		return fmt.Errorf("encode the state of stream %s: %w", name, err)
	}
	temporary := s.path(name) + ".new"
	if err := os.WriteFile(temporary, raw, 0o600); err != nil {
		return fmt.Errorf("write the state of stream %s: %w", name, err)
	}
	if err := os.Rename(temporary, s.path(name)); err != nil {
		return fmt.Errorf("replace the state of stream %s: %w", name, err)
	}
	return nil
}
