package transcode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"weir/pkg/media"
)

const (
	// termGrace is how long a worker may take to leave once asked to.
	termGrace = 500 * time.Millisecond
	// speedWindow is how much busy time a figure of speed is taken over.
	speedWindow = 2 * time.Second
)

// errHang is why a worker was killed that made no progress.
var errHang = errors.New("worker hangs")

// process is the life of one worker. Three goroutines have part in it: the
// one that receives, one that feeds, one that watches for a hang.
type process struct {
	s   *Supervisor
	cmd *exec.Cmd
	in  *Writer
	out *Reader
	// patience limits what the worker says in the log, and claims is what it
	// has said of its rungs.
	patience patience
	claims   claims

	mu sync.Mutex
	// sent counts the units written, seen is the worker's last word on them,
	// and ending is true once End was sent.
	sent   uint64
	seen   Progress
	ending bool
	// answered is when the worker first said that it had dealt with a unit, and
	// weight the media time of the last one sent.
	answered time.Time
	weight   time.Duration
	// quiet is since when nothing has been heard while something was due.
	quiet time.Time
	// stalled is true while the receiver waits for Output to be read.
	stalled bool
	// base is where the present window of speed began.
	base Progress
}

// work runs one worker to its end; nil means that everything was flushed. The
// thread is locked for that long, as Pdeathsig comes when the thread that
// started a process ends, not when the program does.
func (s *Supervisor) work(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	p, stdin, err := s.spawn(ctx, stop)
	if err != nil {
		return err
	}
	s.hired(p)
	var helpers sync.WaitGroup
	helpers.Go(func() { p.feed(ctx, stdin) })
	helpers.Go(func() { p.watch(ctx, stop) })
	received := p.receive(ctx)
	cause := context.Cause(ctx)
	if received != nil && !errors.Is(received, io.EOF) {
		// Whatever it is, it cannot be talked to any more. One that has only
		// closed its output is asked to leave, so that its status tells that
		// from what the kernel kills.
		_ = p.cmd.Process.Kill()
	}
	// A worker that is done and stays is asked to leave and, after
	// termGrace, made to. Wait closes the pipes, which frees the feeder.
	stop(nil)
	waited := p.cmd.Wait()
	helpers.Wait()
	s.hired(nil)
	return verdict(received, waited, cause)
}

// hired notes that there is a new worker, nil for none.
func (s *Supervisor) hired(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current, s.stats.PID = p, 0
	s.stats.Sight, s.stats.Heard = nil, nil
	if p != nil {
		s.stats.PID = p.cmd.Process.Pid
	}
	s.ledger.restarted()
}

// verdict puts what is known about a worker's end into one error; nil only if
// it said Done.
func verdict(received, waited, cause error) error {
	switch {
	case received == nil:
		return nil
	case cause != nil:
		return cause
	case waited != nil && !errors.Is(waited, context.Canceled) && (errors.Is(received, io.EOF) || errors.Is(received, io.ErrUnexpectedEOF)):
		return fmt.Errorf("worker exited: %w", waited)
	case errors.Is(received, io.EOF):
		return errors.New("worker exited before it was done")
	default:
		return received
	}
}

// spawn starts the process with pipes on its standard streams.
func (s *Supervisor) spawn(ctx context.Context, stop context.CancelCauseFunc) (*process, io.WriteCloser, error) {
	if len(s.worker.Command) == 0 {
		return nil, nil, errors.New("start worker: no command given")
	}
	//nolint:gosec // The command is the gateway's own program, chosen by its caller.
	cmd := exec.CommandContext(ctx, s.worker.Command[0], s.worker.Command[1:]...)
	cmd.Env = append([]string{}, s.worker.Env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = termGrace
	cmd.SysProcAttr = sysProcAttr()
	patience := newPatience()
	cmd.Stderr = &lineLogger{log: s.log, patience: patience, flooded: stop}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("start worker: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("start worker: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start worker: %w", err)
	}
	p := &process{
		s: s, cmd: cmd, in: NewWriter(stdin), out: NewReader(stdout),
		patience: patience, claims: make(claims, len(s.tracks)), quiet: time.Now(),
	}
	return p, stdin, nil
}

// feed writes the order and then the backlog as it grows. A write that fails
// is not reported: the receiver learns why.
func (p *process) feed(ctx context.Context, stdin io.Closer) {
	if p.in.Write(Hello{Version: WireVersion}) != nil || p.in.Write(p.s.order) != nil {
		return
	}
	var track, sound *media.Track
	told := 0
	for {
		if paces, changed := p.s.pending(&told); changed && p.in.Write(paces) != nil {
			return
		}
		if p.speak(&sound) != nil {
			return
		}
		it, ok, ended := p.s.nextItem()
		switch {
		case ok:
			if p.send(it, &track) != nil {
				return
			}
		case ended:
			p.mu.Lock()
			p.ending = true
			p.mu.Unlock()
			if p.in.Write(End{}) == nil {
				_ = stdin.Close()
			}
			return
		default:
			select {
			case <-p.s.wake:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (s *Supervisor) nextItem() (it item, ok, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it, ok = s.backlog.take()
	return it, ok, s.ended
}

// send writes one item, after the new track if it has one.
func (p *process) send(it item, track **media.Track) error {
	if it.track != nil {
		if it.track != *track {
			if err := p.in.Write(TrackChange{Track: *it.track}); err != nil {
				return err
			}
			*track = it.track
		}
		p.mu.Lock()
		if !p.due() {
			p.quiet = time.Now()
		}
		p.sent++
		p.weight = it.weight
		p.mu.Unlock()
	}
	return p.in.Write(it.msg)
}

// due reports whether the worker has something to answer; p.mu is held.
func (p *process) due() bool { return p.ending || p.sent > p.seen.Units }

// watch kills the worker if it makes no progress although it has input. A
// worker that cannot write as nobody reads Output is not to blame.
func (p *process) watch(ctx context.Context, stop context.CancelCauseFunc) {
	limit := p.s.worker.HangTimeout
	ticker := time.NewTicker(limit / 8)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		p.mu.Lock()
		hangs := p.due() && !p.stalled && time.Since(p.quiet) > limit
		p.mu.Unlock()
		if hangs {
			stop(fmt.Errorf("%w: no progress for %s with input pending", errHang, limit))
			_ = p.cmd.Process.Kill()
			return
		}
	}
}
