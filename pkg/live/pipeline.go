package live

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

const (
	// lateSegments is how many later boundaries a lane may have seen before a
	// missing segment is given up: more than 4 s (decision 4). Where nothing
	// passes through, all of the video is late together, and a viewer who
	// waits sees more than one who is told of gaps: the worker's own backlog
	// is the limit then.
	lateSegments         = 3
	lateSegmentsTogether = 8
	// drainTimeout bounds the flush of a worker at the end of a session.
	drainTimeout = 2 * time.Second
	// assumedFrame is how long a picture lasts, at 90 kHz, where nothing says it.
	assumedFrame = media.Ticks(media.VideoTimescale) / 30
)

// pipeline carries one session's access units to the stream's lanes: the
// source as it is where it can be, the rungs by way of the worker, audio cut
// beside them. It belongs to the stream's goroutine.
type pipeline struct {
	stream *stream
	log    *slog.Logger
	cut    *cutter
	plan   plan
	// video is the track of the newest picture, nil before the first.
	video *media.Track

	// own is the lane of the publisher's own pictures, the top one or the one
	// beside the ladder, nil where they are not served. rungs are those that the
	// worker's outputs go to (by rung index), and void are those that nothing goes
	// to.
	own         *lane
	rungs, void []*lane
	// voices are the audio renditions, the default one first.
	voices []*voice
	// branches are the rungs that the publisher sends as they are, unused is true
	// once there was a track that is none.
	branches []*branch
	unused   bool

	// crews encode video, and forwards bring what they make to outputs.
	crews []*crew
	// gaveUp says why nothing is encoded any more beside the source, if so.
	gaveUp   string
	outputs  chan crewOutput
	forwards sync.WaitGroup
	// sounds is what the voices' workers bring. ctx ends all workers, and only
	// pipeline holds it: a session has no other scope.
	sounds   chan soundOutput
	ctx      context.Context //nolint:containedctx // the workers' life is the pipeline's, which outlives the call that made it.
	stopWork context.CancelFunc

	// demand says which rungs are encoded, counting from when the session
	// began; recheck is due when a viewer had the time to name a segment.
	demand  Demand
	began   time.Time
	recheck <-chan time.Time
	// replay is what a worker that starts later, or an encoded top rendition,
	// begins with.
	replay replay
	// backfill makes earlier segments; nil while none is asked for.
	backfill *backfill
}

func newPipeline(s *stream, in *intake) *pipeline {
	p := &pipeline{
		stream: s, log: s.log, demand: s.cfg.Demand, began: time.Now(),
		outputs: make(chan crewOutput), sounds: make(chan soundOutput),
	}
	p.plan = s.planFor(in)
	s.declare(p.plan)
	p.bindLanes()
	p.bindTracks()
	p.cut = p.newCutter(s.history.nextMSN)
	p.ctx, p.stopWork = context.WithCancel(context.Background())
	p.bindVoices()
	if in.video == nil {
		p.log.Info("stream is live with audio alone", slog.Any("source", in.audio.Codec))
		return p
	}
	p.startVideo()
	p.log.Info("stream is live", slog.Any("source", in.video.Codec),
		slog.Int("width", in.video.Width), slog.Int("height", in.video.Height),
		slog.String("frame_rate", in.video.FrameRate.String()),
		slog.Bool("passthrough", p.plan.passthrough), slog.Bool("original", p.plan.original), slog.Int("rungs", len(p.rungs)))
	return p
}

// bindLanes names the stream's lanes by what feeds them.
func (p *pipeline) bindLanes() {
	p.own, p.rungs, p.void = nil, nil, nil
	for i, l := range p.stream.videoLanes() {
		l.shown = nil
		switch id := l.rendition.ID; {
		case id == originalID && !p.plan.original, p.stream.cfg.SourceOnly && i > 0 && p.plan.tracks[id] == nil:
			p.void = append(p.void, l)
		case id == originalID, i == 0 && p.plan.passthrough:
			p.own = l
			if !p.plan.slate {
				l.shown = &p.stream.shown
			}
		case p.plan.tracks[id] == nil:
			p.rungs = append(p.rungs, l)
		}
	}
}

// newCutter makes the boundary rule for what the plan says now.
func (p *pipeline) newCutter(msn uint64) *cutter {
	cfg := cutConfig{
		mode: cutEncoded, target: p.stream.target,
		msn: msn, sequence: p.stream.history.nextSequence,
	}
	switch {
	case p.plan.source == nil:
		cfg.mode = cutAlone
	case p.stream.cfg.SourceOnly:
		cfg.mode = cutSource
	case p.plan.servesSource():
		cfg.mode = cutPassthrough
	}
	return newCutter(cfg)
}

// startVideo starts with every rung, watched or not: only encoding tells what
// its init segment is.
func (p *pipeline) startVideo() {
	p.replay.keep = p.replayed()
	if len(p.rungs) == 0 {
		return
	}
	for _, l := range p.rungs {
		l.wake(l.listed)
	}
	p.hire(p.rungs, false)
}

// replayed is how much replay keeps before the open segment; negative for nothing
// at all.
func (p *pipeline) replayed() media.Ticks {
	switch {
	case p.demand.Only && !p.stream.cfg.SourceOnly:
		return replayed
	case p.mayLeave():
		return 0
	}
	return -1
}

// mayLeave reports whether serving the source as it is may have to end.
func (p *pipeline) mayLeave() bool { return p.plan.servesSource() && !p.stream.cfg.SourceOnly }

func (p *pipeline) workerProcess() transcode.Worker {
	return transcode.Worker{Command: p.stream.cfg.WorkerCommand, Log: p.stream.cfg.Log}
}

// push takes one repaired access unit of either track.
func (p *pipeline) push(au media.AccessUnit) {
	switch {
	case au.Track.Kind == media.Audio:
		p.pushAudio(au)
		return
	case au.Track.Number != 0:
		p.pushTrack(au)
		return
	}
	p.pushVideo(au)
	p.releaseAudio(p.cut.Horizon())
}

func (p *pipeline) pushVideo(au media.AccessUnit) {
	if !p.plan.slate && p.stream.cfg.Slate.Repeat > 0 {
		p.stream.shown.push(au)
	}
	if au.Track != p.video {
		if p.video != nil {
			p.changeVideo(au)
		}
		p.video = au.Track
	}
	b, cuts := p.cut.Push(au)
	regroups := cuts && p.boundary(b)
	if p.mayLeave() && p.cut.Overdue() {
		p.leavePassthrough(au)
		return
	}
	p.replay.push(au)
	p.feedVideo(au)
	if regroups {
		p.relieve(b, au)
	}
	if cuts {
		p.replaceStrays(b, au)
	}
}

func (p *pipeline) feedVideo(au media.AccessUnit) {
	if p.own != nil {
		p.own.push(au)
		p.mirror()
	}
	for _, c := range p.crews {
		c.worker.Push(au) // one that was told to end takes no more
	}
	p.stream.history.note(au.PTS + cmp.Or(au.Duration, assumedFrame))
}

// boundary opens a segment on every lane and gives up on what is too late. It
// reports whether a new crew has to take over with the picture that follows.
func (p *pipeline) boundary(b media.Boundary) (regroups bool) {
	p.stream.history.add(b)
	p.replay.cut(b)
	if p.own != nil {
		p.own.takeUp(b.MSN, &p.stream.history)
		p.own.boundary(b)
	}
	p.cutTracks(b)
	for _, v := range p.voices {
		v.boundary(b, &p.stream.history)
	}
	p.overstayed(b.MSN)
	regroups = p.regroup(b.MSN)
	for _, c := range p.crews {
		c.worker.Boundary(b)
	}
	p.giveUpLate(b.MSN)
	p.stream.persistAhead()
	return regroups
}

func (p *pipeline) giveUpLate(current uint64) {
	late := uint64(lateSegments)
	switch {
	case p.plan.source == nil, p.gaveUp != "":
		late = 1 // there is nothing to wait for
	case !p.plan.passthrough:
		late = lateSegmentsTogether
	}
	for _, l := range p.void {
		l.giveUpTo(current, &p.stream.history)
	}
	for _, l := range p.rungs {
		switch {
		case l.shed:
			l.giveUpTo(current, &p.stream.history)
		case !l.behind() && current >= p.plan.firstMSN+late:
			l.giveUpTo(current-late+1, &p.stream.history)
		}
	}
	p.giveUpSilent(current)
}

// finish flushes the workers and closes every lane's open segment. It blocks
// the stream for at most twice drainTimeout.
func (p *pipeline) finish() {
	defer p.forwards.Wait()
	defer p.stopWork()
	p.drainAudio(p.voices...)
	p.releaseAudio(1 << 62)
	p.drainVideo()
	p.dropBackfill()
	unserved := slices.Concat(p.rungs, p.void)
	for _, l := range unserved {
		// What a worker that was cut off has left open would end in mid-segment.
		l.giveUpTo(p.stream.history.newest().MSN, &p.stream.history)
	}
	for _, l := range p.stream.lanes {
		l.finish()
	}
	for _, b := range p.branches {
		unserved = append(unserved, b.lane)
	}
	for _, l := range unserved {
		l.follow(p.stream.lanes[0].recent, true)
		l.breakPromises()
	}
}
