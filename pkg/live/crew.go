package live

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"weir/pkg/transcode"
)

const (
	// crewDrain is how many boundaries after its end a worker may still bring
	// what came before.
	crewDrain = 2
	// backlog is what may wait for a worker, and replayBacklog for one that can
	// begin with all that a replay holds and has to have time to catch up.
	backlog       = 24 * time.Second
	replayBacklog = 48 * time.Second
)

// crew is one worker at work and the lanes that it feeds. Usually there is one
// crew for all rungs. A rung that is asked for later gets one of its own, which
// catches up with the others by itself; at a boundary after that, a single one
// relieves them all.
type crew struct {
	worker *transcode.Supervisor
	// lanes are in the order of the worker's rungs; nil for one that was
	// dismissed. spliced is true for those that have taken its first picture.
	lanes   []*lane
	spliced []bool
	// until is the number of the first boundary that the worker was not given;
	// 0 while it goes on.
	until uint64
	// gate is closed once those that the crew relieves are done.
	gate chan struct{}
	open bool
	// gone is closed when nobody takes its output any more; left is true from
	// then on, and once the worker has ended.
	gone chan struct{}
	left bool
	// ctx ends the worker, and stop ends ctx.
	ctx  context.Context //nolint:containedctx // the worker's life is the crew's, which outlives the call that made it.
	stop context.CancelFunc
}

// crewOutput is what a crew's worker brings; done is true when it has ended.
type crewOutput struct {
	crew *crew
	transcode.Output
	done bool
}

// hire starts a worker for the lanes. If it relieves others, its output waits
// for them to be done.
func (p *pipeline) hire(lanes []*lane, relieves bool) *crew {
	var rungs []transcode.Rung
	encoded := p.plan.encoded()
	for _, l := range lanes {
		rungs = append(rungs, encoded[slices.Index(p.rungs, l)])
	}
	c := p.employ(rungs, lanes)
	if !relieves {
		c.admit()
	}
	p.crews = append(p.crews, c)
	return c
}

// employ starts a worker for the rungs, whose output waits to be admitted.
func (p *pipeline) employ(rungs []transcode.Rung, lanes []*lane) *crew {
	job := transcode.Job{
		Worker: p.workerProcess(), Stream: p.stream.name, Track: p.plan.source,
		Rungs: rungs, Latency: p.stream.cfg.Latency, Encoder: p.stream.cfg.Encoder,
		Essential: len(lanes) > 0 && !p.plan.passthrough,
	}
	job.MaxBacklog = backlog
	if p.demand.Only {
		job.MaxBacklog = replayBacklog
	}
	c := &crew{
		lanes: slices.Clone(lanes), spliced: make([]bool, len(lanes)),
		gate: make(chan struct{}), gone: make(chan struct{}),
	}
	c.ctx, c.stop = context.WithCancel(p.ctx)
	c.worker = transcode.Start(c.ctx, job)
	p.forwards.Go(func() { c.forward(p.outputs) })
	return c
}

// admit lets the crew's output in.
func (c *crew) admit() {
	if !c.open {
		c.open = true
		close(c.gate)
	}
}

// forward hands the worker's output on until it ends. A worker's output has to
// be read in any case.
func (c *crew) forward(to chan<- crewOutput) {
	select {
	case <-c.gate:
	case <-c.gone:
	}
	for out := range c.worker.Output() {
		select {
		case to <- crewOutput{crew: c, Output: out}:
		case <-c.gone:
		}
	}
	select {
	case to <- crewOutput{crew: c, done: true}:
	case <-c.gone:
	}
}

// end lets the crew finish what comes before boundary msn.
func (c *crew) end(msn uint64) {
	if c.until == 0 {
		c.until = msn
		c.worker.End()
	}
}

// discharge ends a crew at once.
func (p *pipeline) discharge(c *crew) {
	c.stop()
	close(c.gone)
	p.leave(c)
}

// leave strikes a crew off the list. Once none is left that was told to end,
// its reliever's output is let in.
func (p *pipeline) leave(c *crew) {
	c.stop()
	c.left = true
	p.crews = slices.DeleteFunc(p.crews, func(other *crew) bool { return other == c })
	if slices.ContainsFunc(p.crews, func(other *crew) bool { return other.until != 0 && other.open }) {
		return
	}
	for _, other := range p.crews {
		other.admit()
	}
}

// overstayed cuts off crews that were told to end long ago.
func (p *pipeline) overstayed(current uint64) {
	for _, c := range slices.Clone(p.crews) {
		if c.until != 0 && current >= c.until+crewDrain {
			p.log.Warn("worker did not flush in time, its last pictures are lost")
			p.discharge(c)
		}
	}
}

// videoOutput is what the workers bring; nil, which blocks for ever, without a
// pipeline.
func (p *pipeline) videoOutput() <-chan crewOutput {
	if p == nil {
		return nil
	}
	return p.outputs
}

// encodedVideo takes one access unit from a worker to its rung's lane.
func (p *pipeline) encodedVideo(out crewOutput) {
	if b := p.backfill; b != nil && b.crew == out.crew {
		p.backfilled(out)
		return
	}
	switch {
	case out.crew.left:
		return
	case out.done:
		p.leave(out.crew)
		if reason := out.crew.worker.Stats().GaveUp; reason != "" {
			p.giveUpEncoding(reason)
		}
		return
	}
	l := out.crew.lanes[out.Rung]
	if l == nil || (out.MSN < l.next && !out.Rested) {
		return // dismissed, or announced as a gap meanwhile
	}
	if out.Rested {
		l.shed = true
		l.giveUpTo(p.stream.history.newest().MSN, &p.stream.history)
		return
	}
	if out.Starts {
		l.shed = false
		slot, known := p.stream.history.find(out.MSN)
		if !known {
			return
		}
		if !out.crew.spliced[out.Rung] {
			out.crew.spliced[out.Rung] = true
			l.segmenter.Splice()
		}
		l.skipTo(out.MSN, &p.stream.history)
		l.boundary(slot.Boundary)
	}
	if out.crew.spliced[out.Rung] {
		l.push(out.AU)
	}
	p.mirror()
	if out.Starts {
		p.goBack()
	}
}

// backfilled takes one access unit from the worker that makes earlier segments.
func (p *pipeline) backfilled(out crewOutput) {
	if !out.done {
		p.backfill.take(out.Output, &p.stream.history)
		return
	}
	p.backfill.finish()
	p.backfill.crew.stop()
	p.backfill = nil
	p.goBack()
}

// dropBackfill ends what makes earlier segments at once.
func (p *pipeline) dropBackfill() {
	if p.backfill != nil {
		p.backfill.crew.stop()
		close(p.backfill.crew.gone)
		p.backfill.crew.left = true
		p.backfill = nil
	}
}

// mirror lists on lanes that are behind what the top rendition has.
func (p *pipeline) mirror() {
	top := p.stream.lanes[0]
	for _, l := range p.rungs {
		if l != top && l.behind() {
			l.follow(top.recent, false)
		}
	}
}

// drainVideo lets every crew finish, for at most drainTimeout, which blocks the
// stream.
func (p *pipeline) drainVideo() {
	for _, c := range p.crews {
		c.end(p.stream.history.nextMSN)
	}
	timeout := time.NewTimer(drainTimeout)
	defer timeout.Stop()
	for len(p.crews) > 0 {
		select {
		case out := <-p.outputs:
			p.encodedVideo(out)
		case <-timeout.C:
			p.log.Warn("worker did not flush in time, its last pictures are lost",
				slog.Duration("after", drainTimeout))
			for len(p.crews) > 0 {
				p.discharge(p.crews[0])
			}
		}
	}
}
