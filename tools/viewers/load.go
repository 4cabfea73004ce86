package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"weir/tools/process"
)

const (
	mostViewers = 20_000
	// settle is how long the stream runs before viewers come.
	settle = 5 * time.Second
	// calm is how long all viewers have been there before it is measured.
	calm = 3 * time.Second
)

var errViewers = errors.New("that many viewers are not possible")

// onStage publishes if it is to, waits for the stream, follows it, and calls do.
func (l *load) onStage(ctx context.Context, do func(context.Context, *stage) error) error {
	if l.Viewers < 1 || l.Viewers > mostViewers {
		return fmt.Errorf("%w: 1 to %d", errViewers, mostViewers)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	var sent *pictures
	if l.Publish != "" {
		sent = &pictures{}
		group.Go(func() error { return sent.publish(ctx, l.Clip, l.Publish) })
	}
	group.Go(func() error {
		defer cancel()
		s, err := openStage(ctx, l.URL)
		if err != nil {
			return err
		}
		s.pictures = sent
		for _, t := range s.tracks {
			group.Go(func() error { return s.observe(ctx, t) })
		}
		select {
		case <-time.After(settle):
		case <-ctx.Done():
			return nil
		}
		return do(ctx, s)
	})
	return group.Wait()
}

// watch has viewers begin over the ramp and calls measured once they are calm and
// again at the end.
func (l *load) watch(ctx context.Context, m *meter, begin func(i int), measured func(bool)) (cost, error) {
	// What waits for viewers is the publisher, which shares this process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer debug.SetGCPercent(debug.SetGCPercent(lazyGC))
	now := time.Now()
	for i := range l.Viewers {
		m.loop.at(now.Add(l.Ramp*time.Duration(i)/time.Duration(l.Viewers)), func() { begin(i) })
	}
	m.loop.at(now.Add(l.Ramp+calm), func() {
		m.start()
		measured(true)
	})
	var total cost
	over := false
	m.loop.at(now.Add(l.Ramp+calm+l.For), func() {
		total, over = m.stop(), true
		measured(false)
	})
	err := m.loop.run(ctx, func() bool { return over })
	m.loop.close()
	if err == nil && !over {
		err = ctx.Err()
	}
	return total, err
}

// lazyGC lets garbage of the viewers grow: collecting it takes time from what is
// measured.
const lazyGC = 400

func (l *load) meter(loop *loop, t *tally) *meter { return &meter{pids: l.PID, loop: loop, tally: t} }

// partsResult is how low-latency players fare.
type partsResult struct {
	tally
	cost
	// parts and lists are after the sending of the last picture that each needs;
	// audio after the first player that had it.
	parts, lists, audio []time.Duration
}

func (l *load) parts(ctx context.Context, s *stage) (*partsResult, error) {
	loop, err := newLoop()
	if err != nil {
		return nil, err
	}
	result := &partsResult{}
	run := &partsRun{loop: loop, stage: s, tally: &result.tally, newest: make(map[*track]reading)}
	result.cost, err = l.watch(ctx, l.meter(loop, run.tally), run.begin, func(now bool) { run.measuring = now })
	result.parts, result.audio = run.delays(run.parts)
	result.lists, _ = run.delays(run.lists)
	return result, err
}

func (r *partsResult) String() string {
	return fmt.Sprintf("%v%v  parts of video, after their last picture was sent: %s\n  playlists that list them: %s\n  parts of audio, after the first player had them: %s",
		r.tally, r.cost, spread(r.parts), spread(r.lists), spread(r.audio))
}

// waitResult is when clients were answered that waited for one playlist.
type waitResult struct {
	tally
	cost
	rounds int
	// delays are after the publish, spread is after the first answer.
	delays, spread []time.Duration
	// before and waiting are the bytes of memory of the server before anybody came
	// and with all waiting.
	before, waiting int
	viewers         int
}

func (l *load) wait(ctx context.Context, s *stage) (*waitResult, error) {
	loop, err := newLoop()
	if err != nil {
		return nil, err
	}
	result := &waitResult{viewers: l.Viewers, before: l.resident()}
	run := &waitRun{loop: loop, stage: s, tally: &result.tally}
	result.cost, err = l.watch(ctx, l.meter(loop, run.tally), func(i int) {
		run.connect(i)
		if i == l.Viewers-1 {
			run.begin()
		}
	}, func(now bool) {
		if now {
			run.rounds = nil
		}
		result.waiting = l.resident()
	})
	result.rounds = len(run.rounds)
	result.delays, result.spread = run.delays()
	return result, err
}

func (l *load) resident() (all int) {
	for _, pid := range l.PID {
		all += process.Resident(pid)
	}
	return all
}

// each is the memory of one that waits, in bytes.
func (r *waitResult) each() float64 { return float64(r.waiting-r.before) / float64(r.viewers) }

func (r *waitResult) String() string {
	return fmt.Sprintf("%v%v  answered in %d rounds, after the publish: %s\n  after the first answer: %s\n  memory: %.1f KiB for each that waits, %.1f MiB altogether",
		r.tally, r.cost, r.rounds, spread(r.delays), spread(r.spread), r.each()/(1<<10), float64(r.waiting)/(1<<20))
}

// plainResult is how players of whole segments fare.
type plainResult struct {
	tally
	cost
	ages []time.Duration
	late int
}

func (l *load) plain(ctx context.Context, s *stage) (*plainResult, error) {
	loop, err := newLoop()
	if err != nil {
		return nil, err
	}
	result := &plainResult{}
	run := &plainRun{loop: loop, stage: s, tally: &result.tally}
	result.cost, err = l.watch(ctx, l.meter(loop, run.tally), run.begin, func(now bool) { run.measuring = now })
	slices.Sort(run.ages)
	result.ages, result.late = run.ages, run.late
	return result, err
}

func (r *plainResult) String() string {
	return fmt.Sprintf("%v%v  segments, after they were first listed: %s\n  %d late", r.tally, r.cost, spread(r.ages), r.late)
}
