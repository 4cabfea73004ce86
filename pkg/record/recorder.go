package record

import (
	"context"
	"log/slog"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"weir/pkg/store"
)

const (
	// look is how often a Recorder looks what is to be recorded.
	look = time.Second
	// tidying is how often it looks for recordings to delete, or to end.
	tidying = time.Minute
	// stopWait is how long a disk that hangs may hold up the end of the gateway.
	stopWait = 5 * time.Second
)

// Config is what can be changed while the gateway runs.
type Config struct {
	// MaxAge and MaxSize are when the oldest recordings are deleted: how long ago
	// they ended, and how many bytes all have together; 0 for no limit.
	MaxAge  time.Duration
	MaxSize uint64
	// MinFree is how many bytes of the disk stay free: below, nothing is recorded.
	MinFree uint64
	// MaxLength is how long a recording lasts before another one goes on.
	MaxLength time.Duration
}

// Wish is a stream that is to be recorded.
type Wish struct {
	Stream string
	// Since is when what is to be recorded began. Where it is another time than
	// before, it is another recording.
	Since time.Time
}

// Progress is a stream that is being recorded.
type Progress struct {
	// Info is zero while nothing of it is on the disk.
	Info
	// Trouble is why the newest segment was not recorded; empty if it was.
	Trouble Missed
}

// Stats count since the gateway started.
type Stats struct {
	// Active is how many streams are being recorded now.
	Active int
	Bytes  uint64
	Missed map[Missed]uint64
	// Deleted counts recordings, by what limit.
	Deleted map[Limit]uint64
	// Free is what the disk had free when it was last asked.
	Free uint64
}

// Recorder records streams. Its methods may be called from any goroutine.
type Recorder struct {
	cfg   atomic.Pointer[Config]
	disk  *disk
	store *store.Store
	log   *slog.Logger
	// tidy is told when a recording has ended.
	tidy chan struct{}

	bytes, free atomic.Uint64
	missed      map[Missed]*atomic.Uint64 // never changed
	deleted     map[Limit]*atomic.Uint64  // never changed

	mu        sync.Mutex
	followers map[string]*follower // by stream
	work      sync.WaitGroup
}

// Open makes a recorder that keeps its recordings in folder, which it makes if it is
// not there. The error says what is wrong with it.
func Open(folder string, cfg Config, windows *store.Store, log *slog.Logger) (*Recorder, error) {
	d, err := openDisk(folder)
	if err != nil {
		return nil, err
	}
	return newRecorder(d, cfg, windows, log), nil
}

func newRecorder(d *disk, cfg Config, windows *store.Store, log *slog.Logger) *Recorder {
	r := &Recorder{
		disk: d, store: windows, log: log, tidy: make(chan struct{}, 1), followers: make(map[string]*follower),
		missed:  map[Missed]*atomic.Uint64{MissedSlow: {}, MissedFull: {}, MissedFailed: {}},
		deleted: map[Limit]*atomic.Uint64{LimitAge: {}, LimitSize: {}},
	}
	r.Configure(cfg)
	return r
}

// Configure holds from now on.
func (r *Recorder) Configure(cfg Config) { r.cfg.Store(&cfg) }

// Run records what wishes names, which it asks each second, until ctx ends. It then
// writes what is there, and waits for the disk, though not for ever.
func (r *Recorder) Run(ctx context.Context, wishes func() []Wish) error {
	r.work.Go(func() { r.keepTidy(ctx) })
	tick := time.NewTicker(look)
	defer tick.Stop()
	for ctx.Err() == nil {
		r.follow(wishes())
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	r.follow(nil)
	written := make(chan struct{})
	go func() {
		r.work.Wait()
		close(written)
	}()
	select {
	case <-written:
		return r.disk.root.Close() //nolint:wrapcheck // nothing was written by it.
	case <-time.After(stopWait):
		r.log.Error("recordings are left as they are: the disk hangs; they are ended at the next start", slog.Duration("after", stopWait))
		return nil
	}
}

// follow begins to record what is new among the wishes, and ends what is not there.
func (r *Recorder) follow(wishes []Wish) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wanted := make(map[string]Wish, len(wishes))
	for _, w := range wishes {
		wanted[w.Stream] = w
	}
	for name, f := range r.followers {
		if w, ok := wanted[name]; ok && w.Since.Equal(f.wish.Since) {
			continue // also where it is done: what it was told to record is over
		}
		f.end(wanted[name].Since)
		if f.isDone() {
			delete(r.followers, name)
		}
	}
	for name, w := range wanted {
		windows, there := r.store.Stream(name)
		if r.followers[name] == nil && there {
			r.followers[name] = r.start(w, windows)
		}
	}
}

// start needs r.mu.
func (r *Recorder) start(w Wish, windows *store.Stream) *follower {
	f := &follower{
		recorder: r, windows: windows, wish: w, log: r.log.With(slog.String("stream", w.Stream)),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	f.show("")
	r.work.Go(f.run)
	return f
}

// end tells the follower to write the rest, before what began at until. It needs the
// recorder's mu.
func (f *follower) end(until time.Time) {
	select {
	case <-f.stop:
	default:
		f.until = until
		close(f.stop)
	}
}

func (f *follower) isDone() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// ended has limits looked at soon.
func (r *Recorder) ended() {
	select {
	case r.tidy <- struct{}{}:
	default:
	}
}

// Progress is how the recording of a stream does; ok is false if it is not being
// recorded.
func (r *Recorder) Progress(stream string) (p Progress, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.followers[stream]
	if f == nil || f.isDone() {
		return Progress{}, false
	}
	return *f.progress.Load(), true
}

// active are the recordings that grow, by their folders.
func (r *Recorder) active() map[string]Info {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[string]Info, len(r.followers))
	for _, f := range r.followers {
		if p := f.progress.Load(); p.Path != "" && !f.isDone() {
			all[path.Clean(p.Path)] = p.Info
		}
	}
	return all
}

// List is every recording, by stream, the oldest first.
func (r *Recorder) List() ([]Info, error) {
	all, err := r.disk.list()
	growing := r.active()
	for i, one := range all {
		if now, ok := growing[one.Path]; ok && one.EndedAt == nil {
			all[i] = now
		}
	}
	return all, err
}

// Stats counts.
func (r *Recorder) Stats() Stats {
	s := Stats{Bytes: r.bytes.Load(), Free: r.free.Load(), Missed: make(map[Missed]uint64), Deleted: make(map[Limit]uint64)}
	for why, count := range r.missed {
		s.Missed[why] = count.Load()
	}
	for limit, count := range r.deleted {
		s.Deleted[limit] = count.Load()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.followers {
		if !f.isDone() {
			s.Active++
		}
	}
	return s
}
