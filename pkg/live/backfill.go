package live

import (
	"log/slog"

	"weir/pkg/media"
	packager "weir/pkg/package"
	"weir/pkg/store"
	"weir/pkg/transcode"
)

const (
	// backfillSerials are the serial numbers of parts that no list ever showed,
	// far above those that lists do.
	backfillSerials = 1 << 62
	// backfillAhead is how many pictures beyond the last segment a backfill is
	// fed: the first tells where that segment ends, and decoders reorder.
	backfillAhead = 16
)

// backfill makes promised segments that lie behind what a rung's own worker
// makes: a viewer has gone back in the window. One runs at a time.
type backfill struct {
	crew      *crew
	rendition string
	store     *store.Stream
	segmenter *packager.Segmenter
	// from is the first segment that is wanted and to the first that is not;
	// over is true once that began.
	from, to uint64
	over     bool
}

// goBack starts a backfill for the first rung that needs one and has about caught
// up itself: those who watch what is live come first.
func (p *pipeline) goBack() {
	for i, l := range p.rungs {
		if p.backfill != nil {
			return
		}
		if from := l.past; from != 0 && !l.resting && l.next+caughtUp >= l.listed {
			l.past = 0
			p.fillFrom(i, l, from)
		}
	}
}

// fillFrom makes the segments of rung i from number from on that are still
// promised, up to where its own worker began.
func (p *pipeline) fillFrom(i int, l *lane, from uint64) {
	to := p.promisedTo(l, from)
	steps, first, ok := p.replay.from(from)
	if !ok {
		first = to
	}
	if first = min(first, to); first > from {
		l.store.Forfeit(l.rendition.ID, from, first)
	}
	if first == to {
		return
	}
	l.log.Info("earlier segments are asked for", slog.Uint64("from", first), slog.Uint64("to", to))
	b := &backfill{
		rendition: l.rendition.ID, store: l.store, from: first, to: to,
		segmenter: packager.NewSegmenter(packager.Config{
			Kind: media.Video, PartTarget: partTarget, FirstSerial: backfillSerials + first*partsPerSegment,
		}),
	}
	b.crew = p.employ([]transcode.Rung{p.plan.encoded()[i]}, nil)
	b.crew.admit()
	p.backfill = b
	feed(b.crew.worker, upTo(steps, to))
	b.crew.worker.End()
}

// promisedTo is the number after the last of the pending segments that begin
// with from and lie behind the lane's own.
func (p *pipeline) promisedTo(l *lane, from uint64) uint64 {
	for _, seg := range p.stream.lanes[0].recent {
		if seg.MSN != from || seg.MSN >= l.next {
			continue
		}
		if got, ok := l.store.Segment(l.rendition.ID, seg.Start); ok && got.Pending {
			from++
		}
	}
	return from
}

// upTo cuts steps off shortly behind the boundary of segment to.
func upTo(steps []step, to uint64) []step {
	for i, s := range steps {
		if s.cuts && s.boundary.MSN >= to {
			return steps[:min(i+1+backfillAhead, len(steps))]
		}
	}
	return steps
}

// take takes one access unit from the backfill's worker.
func (b *backfill) take(out transcode.Output, known *history) {
	if b.over {
		return
	}
	if out.Starts {
		slot, ok := known.find(out.MSN)
		if !ok {
			return
		}
		b.publish(b.segmenter.Boundary(slot.Boundary))
		b.over = out.MSN >= b.to
	}
	events, err := b.segmenter.Push(out.AU)
	if err == nil {
		b.publish(events)
	}
}

// finish closes the last segment where nothing has come behind it.
func (b *backfill) finish() {
	if !b.over {
		b.publish(b.segmenter.End())
	}
	b.store.Forfeit(b.rendition, b.from, b.to) // what has not come now will not
}

func (b *backfill) publish(events []packager.Event) {
	for _, event := range events {
		if ready, ok := event.(packager.SegmentReady); ok && !ready.Segment.Gap {
			b.store.Fill(b.rendition, ready.Segment)
		}
	}
}
