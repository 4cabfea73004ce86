package transcode

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"weir/pkg/media"
)

const (
	defaultMaxBacklog  = 12 * time.Second
	defaultHangTimeout = 5 * time.Second
	defaultBitrate     = 128_000
	// defaultRestoreAfter is for Worker.RestoreAfter.
	defaultRestoreAfter = 10 * time.Second
	// outputBuffer is in access units; once it is full the worker stalls, and
	// then the backlog sheds.
	outputBuffer = 64
)

// Supervisor keeps one worker process at work on one stream: it feeds it,
// restarts it when it crashes or hangs, and replays what is needed so that no
// segment is missing. Push, Boundary and End belong to one goroutine; Output
// has to be read until it is closed.
type Supervisor struct {
	worker Worker
	order  Order
	// essential forbids to give up.
	essential bool
	log       *slog.Logger
	output    chan Output
	// sounds are for the worker to listen to.
	sounds chan media.AccessUnit
	// wake tells the feeder that there is input again.
	wake chan struct{}

	mu      sync.Mutex
	backlog backlog
	ledger  ledger
	ended   bool
	stats   Stats
	given   extent
	tracks  []*media.Track
	control control
	// worker that is at work; nil while there is none.
	current *process
	// began is when the last worker was started.
	began time.Time
}

// Start runs a worker for the video of one stream until End has been flushed
// or ctx ends. It returns at once; what goes wrong is in the log and Stats.
func Start(ctx context.Context, job Job) *Supervisor {
	order := Order{
		Mode:    ModeVideo,
		Stream:  job.Stream,
		Rungs:   job.Rungs,
		Latency: cmp.Or(job.Latency, LatencyBalanced),
		Encoder: cmp.Or(job.Encoder, EncoderSoftware),
		Hold:    job.Hold,
	}
	s := newSupervisor(job.Worker, order, newRungLedger(len(job.Rungs)), len(job.Rungs))
	s.essential = job.Essential
	if job.Hold != nil {
		s.given.add(media.VideoTimescale.Duration(job.Hold.Until))
	}
	go s.run(ctx)
	return s
}

// StartAudio does the same for audio that has to be encoded. Boundaries do not
// concern it: its access units are frames of 1024 samples whose PTS, in
// samples, are multiples of 1024.
func StartAudio(ctx context.Context, job AudioJob) *Supervisor {
	order := Order{Mode: ModeAudio, Stream: job.Stream, Bitrate: cmp.Or(job.Bitrate, defaultBitrate), SampleRate: job.SampleRate, Channels: job.Channels}
	s := newSupervisor(job.Worker, order, &audioLedger{}, 1)
	s.essential = true // nothing takes the place of audio
	go s.run(ctx)
	return s
}

// Watch has keyframes looked at, for Stats.Sight: access units that decoding can start
// at are to be pushed, and no others. Listen is for Stats.Heard. Nothing comes of it
// but the end of Output.
func Watch(ctx context.Context, job WatchJob) *Supervisor {
	s := newSupervisor(job.Worker, Order{Mode: ModeWatch, Stream: job.Stream}, noLedger{}, 0)
	go s.run(ctx)
	return s
}

func newSupervisor(w Worker, order Order, l ledger, outputs int) *Supervisor {
	w.MaxBacklog = cmp.Or(w.MaxBacklog, defaultMaxBacklog)
	w.HangTimeout = cmp.Or(w.HangTimeout, defaultHangTimeout)
	w.RestoreAfter = cmp.Or(w.RestoreAfter, defaultRestoreAfter)
	return &Supervisor{
		worker:  w,
		order:   order,
		log:     w.Log.With(slog.String("stream", order.Stream), slog.String("worker", string(order.Mode))),
		output:  make(chan Output, outputBuffer),
		sounds:  make(chan media.AccessUnit, soundsWaiting),
		wake:    make(chan struct{}, 1),
		backlog: backlog{limit: w.MaxBacklog},
		ledger:  l,
		tracks:  make([]*media.Track, outputs),
		control: newControl(order.Rungs, w.RestoreAfter),
	}
}

// Push hands over the next access unit in decode order. It never blocks: under
// overload whole segments are dropped and counted.
func (s *Supervisor) Push(au media.AccessUnit) {
	s.adapt(time.Now())
	// Single units go while a sync unit is awaited; that was said already.
	if lost := s.push(au); lost > 1 {
		s.log.Warn("worker is too slow: segments dropped; choose a faster preset or fewer rungs",
			slog.Uint64("access_units", lost))
	}
}

// push returns how many access units had to go.
func (s *Supervisor) push(au media.AccessUnit) (lost uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return 0
	}
	before := s.backlog.dropped
	if len(au.Data) > MaxUnit {
		s.backlog.dropped++
	} else {
		s.backlog.push(au)
		s.given.add(au.Track.Timescale.Duration(au.PTS))
	}
	s.signal()
	return s.backlog.dropped - before
}

// Boundary announces a boundary, before the access unit that it concerns.
func (s *Supervisor) Boundary(b media.Boundary) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.order.Mode != ModeVideo {
		return
	}
	s.given.msn = max(s.given.msn, b.MSN)
	s.backlog.mark(BoundaryAt{MSN: b.MSN, PTS: b.PTS})
	s.signal()
}

// End says that nothing follows. What was pushed is still encoded; Output is
// closed after the last of it.
func (s *Supervisor) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.signal()
}

// Output delivers the encoded access units, in decode order on each rung. It
// is closed once the supervisor has ended and its process is gone. A reader
// that stalls stalls the worker, and then Push drops.
func (s *Supervisor) Output() <-chan Output { return s.output }

// Stats may be called at any time.
func (s *Supervisor) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Dropped = s.backlog.dropped
	stats.Backlog = s.backlog.waiting
	stats.Paces = slices.Clone(s.control.paces)
	if stats.PID != 0 && time.Since(s.began) >= healthyAfter {
		stats.Failing = ""
	}
	return stats
}

// extent is what the workers have been given, or will be.
func (s *Supervisor) extent() extent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.given
}

// signal wakes the feeder; s.mu is held.
func (s *Supervisor) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run starts workers one after the other.
func (s *Supervisor) run(ctx context.Context) {
	defer close(s.output)
	var f failures
	for {
		began := time.Now()
		s.mu.Lock()
		s.began = began
		s.mu.Unlock()
		err := s.work(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		delay, again := s.failed(&f, time.Since(began), err)
		if !again {
			return
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return
		}
		s.mu.Lock()
		s.stats.Restarts++
		s.mu.Unlock()
	}
}

// failed makes the backlog ready for the next worker and returns how long to
// wait before it is started; it is false if there is to be none.
func (s *Supervisor) failed(f *failures, lived time.Duration, err error) (delay time.Duration, again bool) {
	reason := slog.String("reason", err.Error())
	replay, next := s.prepare(f, lived, err)
	switch next {
	case flushGivenUp:
		s.log.Error("worker failed again while it flushed; the rest is given up", reason)
		return 0, false
	case givenUp:
		s.log.Error("workers die again and again: nothing more is encoded until the stream is published anew",
			reason, slog.Int("deaths", f.count),
			slog.String("remedy", "see the lines above for what the workers said, and report them with `weir version`"))
		return 0, false
	case replayed, inputGivenUp:
	}
	delay = f.backoff()
	s.log.Warn("worker ended; restarting",
		reason, slog.Duration("restart_in", delay),
		slog.Duration("replay", replay), slog.Bool("input_given_up", next == inputGivenUp))
	return delay, true
}

// sequel is what follows a worker's death.
type sequel uint8

const (
	// replayed: another worker, with the input that is not complete.
	replayed sequel = iota
	// inputGivenUp: another worker, with other input.
	inputGivenUp
	// flushGivenUp: no other worker, as nothing was to come but a flush.
	flushGivenUp
	// givenUp: no other worker.
	givenUp
)

// prepare enters a failure and moves the backlog to where the next worker has
// to start.
func (s *Supervisor) prepare(f *failures, lived time.Duration, err error) (replay time.Duration, next sequel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.LastError, s.stats.Failing = err.Error(), ""
	f.died(time.Now(), lived, s.ledger.progress())
	switch {
	case s.ended && f.fruitless >= maxFlushFailures:
		return 0, flushGivenUp
	case f.hopeless() && !s.essential:
		s.stats.GaveUp = err.Error()
		s.ended = true
		s.backlog.starve()
		return 0, givenUp
	case f.hopeless():
		s.stats.Failing = err.Error()
	}
	if f.poisoned() {
		s.backlog.abandon()
		return 0, inputGivenUp
	}
	from, ok := s.ledger.resume(&s.backlog)
	if !ok {
		s.backlog.starve()
		return 0, replayed
	}
	replay = s.backlog.rewind(from)
	s.backlog.forget(from)
	return replay, replayed
}
