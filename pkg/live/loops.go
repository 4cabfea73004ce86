package live

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"time"

	"weir/pkg/media"
	"weir/pkg/slate"
	"weir/pkg/transcode"
)

// keepLoops is how long after an absence its loops are kept for the next one. They are
// some megabytes, and a clip's some tens of them.
const keepLoops = time.Minute

// loopMaker has workers make a loop beside the stream's goroutine.
type loopMaker struct {
	// order is what the loop was made of, or is being made of, or was to be.
	order loopOrder
	// loop is what is there of it, nil for nothing.
	loop *slate.Loop
	// made brings more of it, and is closed when there is no more; nil while none is
	// being made.
	made   chan *slate.Loop
	cancel context.CancelFunc
}

// loopOrder is all that makes a difference to a loop.
type loopOrder struct {
	rung  transcode.Rung
	audio *media.Track
	// slate is the configuration's that it shows, nil for the last picture, which is
	// the one at last.
	slate *Slate
	last  media.Ticks
}

// make has the loop made.
func (l *loopMaker) make(s *stream, order loopOrder, clip slate.Clip, what string) {
	l.abandon()
	job := slate.Job{
		Worker: transcode.Worker{Command: s.cfg.WorkerCommand, Log: s.cfg.Log},
		Stream: s.name, Rung: order.rung, Audio: order.audio,
	}
	log, made := s.log, make(chan *slate.Loop)
	ctx, cancel := context.WithCancel(context.Background())
	*l = loopMaker{order: order, made: made, cancel: cancel}
	s.helpers.Go(func() {
		defer close(made)
		err := clip.Encode(ctx, job, func(grown *slate.Loop) {
			select {
			case made <- grown:
			case <-ctx.Done():
			}
		})
		if err != nil && ctx.Err() == nil {
			log.Error("what viewers see without a publisher cannot be made", slog.String("what", what), slog.Any("error", err))
		}
	})
}

// take takes what was made; more is false where there is no more to come.
func (l *loopMaker) take(grown *slate.Loop, more bool) {
	if more {
		l.loop = grown
		return
	}
	l.cancel()
	l.made = nil
}

// coming reports whether nothing is there yet and something will be.
func (l *loopMaker) coming() bool { return l.made != nil && l.loop == nil }

// abandon has nobody wait for the loop any more, and forgets it.
func (l *loopMaker) abandon() {
	if l.made != nil {
		l.cancel()
	}
	*l = loopMaker{}
}

// slateRung is the form of the slate: the size of the top rendition, at the
// source's frame rate, as all rungs are made of it.
func (s *stream) slateRung() transcode.Rung {
	top := s.aired.top
	if s.aired.passthrough {
		top = transcode.TopRung(s.aired.source, s.cfg.Ladder, 0)
	}
	return top.AtFullRate(s.aired.source)
}

// prepareLoops has both loops made: what is shown first is made first, as little time
// as there is, and the other one has as long as that is shown.
func (s *stream) prepareLoops() {
	s.prepareLast()
	if s.lastLoop.coming() {
		return
	}
	order := loopOrder{rung: s.slateRung(), audio: s.silenceTrack(), slate: &s.cfg.Slate}
	if s.slateLoop.order != order {
		s.slateLoop.make(s, order, s.cfg.Slate.Clip, "the slate: they see the last picture or are told of gaps")
	}
}

// prepareLast has that of the last picture made, if it is to be shown.
func (s *stream) prepareLast() {
	units := s.shown.units
	if s.cfg.Slate.Repeat == 0 || len(units) == 0 {
		s.lastLoop.abandon()
		return
	}
	order := loopOrder{rung: s.slateRung(), last: units[len(units)-1].DTS}
	if s.lastLoop.order != order {
		s.lastLoop.make(s, order, slate.Last(slices.Clone(units), s.cfg.Slate.Repeat), "the last picture: they see the slate at once")
	}
}

// awaitsLoop reports whether the beginning of an absence should wait for the loop that
// it begins with.
func (s *stream) awaitsLoop() bool {
	if s.lastLoop.loop != nil {
		return false
	}
	return s.lastLoop.coming() || s.slateLoop.coming()
}

// dropLoops forgets loops that nobody is shown, once the last absence is long over and
// media comes without a pause.
func (s *stream) dropLoops(now time.Time) {
	if now.Sub(s.returned) >= keepLoops && now.Sub(s.fed) < switchAfter/2 {
		s.slateLoop.abandon()
		s.lastLoop.abandon()
	}
}

// followLoops has an absence go on with what has become of the loops.
func (s *stream) followLoops() {
	switch {
	case s.absence == nil:
		s.beat(time.Now())
	case s.absence.source != nil && s.slateLoop.loop != nil:
		s.absence.source.Follow(s.slateLoop.loop)
	}
}

// program is what an absence shows; ok is false where it has gaps.
func (s *stream) program() (p slate.Program, ok bool) {
	p.Audio = s.silenceTrack()
	switch {
	case p.Audio == nil || s.cfg.Slate.Mode == SlateGap:
		return p, false
	case s.aired.source == nil:
		return p, true
	}
	p.First, p.Rounds, p.Loop = s.lastLoop.loop, slate.Rounds(s.cfg.Slate.Repeat), s.slateLoop.loop
	return p, p.First != nil || p.Loop != nil
}

// show has an absence that begins show something.
func (s *stream) show(p slate.Program) {
	a := s.absence
	a.source = slate.NewSource(p, a.end)
	s.pipeline = newPipeline(s, &intake{video: a.source.Video(), audio: p.Audio, slate: true})
}

// gop is what came of the video since its newest keyframe, to show the last picture
// of it again. What is longer than mostSpare or larger than mostSpareBytes is not kept.
type gop struct {
	units []media.AccessUnit
	bytes int
	// shared is how many of units, from the first on, are in parts.
	shared int
}

func (g *gop) push(au media.AccessUnit) {
	switch {
	case au.Enters():
		g.clear()
	case len(g.units) == 0:
		return
	}
	if g.bytes += len(au.Data); g.bytes > mostSpareBytes || len(g.units) > 0 && media.VideoTimescale.Duration(au.DTS-g.units[0].DTS) > mostSpare {
		g.clear()
		return
	}
	g.units = append(g.units, au)
}

func (g *gop) clear() {
	clear(g.units)
	g.units, g.bytes, g.shared = g.units[:0], 0, 0
}

// share has the payloads of what a part was made of point into it, which is kept in
// any case. What is not found there keeps its own.
func (g *gop) share(part *media.Part) {
	first := slices.IndexFunc(g.units[g.shared:], func(au media.AccessUnit) bool {
		return bytes.HasSuffix(part.Bytes[:part.Lead], au.Data)
	})
	if first < 0 {
		return
	}
	g.shared += first
	for rest := part.Bytes[part.Lead-len(g.units[g.shared].Data):]; g.shared < len(g.units); g.shared++ {
		own := &g.units[g.shared].Data
		if !bytes.HasPrefix(rest, *own) {
			return
		}
		n := len(*own)
		*own, rest = rest[:n:n], rest[n:]
	}
}
