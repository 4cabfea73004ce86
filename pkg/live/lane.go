package live

import (
	"log/slog"
	"time"

	"weir/pkg/media"
	packager "weir/pkg/package"
	"weir/pkg/store"
)

// lane is one rendition's way from access units to the store. It belongs to
// the stream, not to a session, so that its numbers go on.
type lane struct {
	rendition *media.Rendition
	segmenter *packager.Segmenter
	store     *store.Stream
	log       *slog.Logger

	// next is the lowest media sequence number that is not complete yet; open
	// is true while its segment is being filled.
	next   uint64
	open   bool
	period *media.Period
	// listed is the lowest number that no list shows yet. It is above next
	// while segments are promised; resting is true while nobody makes them.
	listed  uint64
	resting bool
	// order is the segment that a resting lane has to begin with, 0 for none
	// yet, and noticed is when it was first seen to be asked for.
	order uint64
	// past is the earliest segment behind next that is asked for, 0 for none.
	past    uint64
	noticed time.Time
	// shown is told of parts that are made of the publisher's own pictures; nil for
	// others.
	shown *gop
	// init is the newest init segment; recent are the newest segments, without
	// bytes.
	init   *media.Init
	recent []media.Segment
	// described is the init that the rendition is described by.
	described *media.Init
	// shed is true while the worker is too slow to make anything of it.
	shed bool
	// gaps counts segments announced as gaps since the log last told of them, at
	// the media time toldGaps.
	gaps     int
	toldGaps media.Ticks
	// peak measures what is promised of a source.
	peak peak
	// rejected counts access units that the segmenter could not use.
	rejected uint64
	// delays are those of the segments as they were listed.
	delays Delays
}

// partsPerSegment is more than a segment has. Numbers grow by at least one for
// each second that passes over a restart and by one in two while running, so
// serials derived from them never name two parts.
const partsPerSegment = 8

// newLane makes a lane whose first segment has the number first.
func newLane(r *media.Rendition, first uint64, st *store.Stream, log *slog.Logger) *lane {
	return &lane{
		rendition: r,
		segmenter: packager.NewSegmenter(packager.Config{
			Kind: r.Kind, PartTarget: partTarget, FirstSerial: first * partsPerSegment,
		}),
		store: st,
		next:  first, listed: first,
		log: log.With(slog.String("rendition", r.ID)),
	}
}

// boundary opens segment b.MSN here, or opens it again.
func (l *lane) boundary(b media.Boundary) {
	l.period = b.Period
	l.publish(l.segmenter.Boundary(b))
	l.open = true
}

// push adds one access unit to the open segment. A bad one is counted and
// dropped: it never ends a stream.
func (l *lane) push(au media.AccessUnit) {
	events, err := l.segmenter.Push(au)
	if err != nil {
		l.rejected++
		l.log.Debug("access unit dropped", slog.Any("error", err))
	}
	l.publish(events)
}

// skipTo closes the open segment and announces those between it and msn, which
// the worker will not bring any more.
func (l *lane) skipTo(msn uint64, known *history) {
	if l.open && msn <= l.next+1 {
		return // the next boundary closes it, or, after a restart, opens it again
	}
	l.finish()
	l.giveUpTo(msn, known)
}

// takeUp announces what earlier sessions have not brought of the segments below
// msn, the first of this one.
func (l *lane) takeUp(msn uint64, known *history) {
	if !l.open {
		l.giveUpTo(msn, known)
	}
}

// giveUpTo announces every segment below msn that is not complete as a gap.
func (l *lane) giveUpTo(msn uint64, known *history) {
	l.forfeit(min(msn, l.listed))
	for l.next < msn {
		missing, ok := known.find(l.next)
		if !ok {
			return
		}
		l.tellGap(missing.Boundary)
		l.period = missing.Period
		l.publish(l.adjoin(l.segmenter.Gap(missing.Boundary, missing.end)))
		l.next, l.open = max(l.next, missing.MSN+1), false
	}
}

// mostAdjoined is how far the end of a rendition's media may lie from a boundary
// that stands where all of it ended: audio and video do not end together.
const mostAdjoined = 100 * time.Millisecond

// adjoin moves the start of a gap to where the segment before it in its period has
// ended, so that lists have no hole that they do not announce.
func (l *lane) adjoin(events []packager.Event) []packager.Event {
	n := len(l.recent)
	ready, ok := events[len(events)-1].(packager.SegmentReady)
	if !ok || n == 0 {
		return events
	}
	seg, last := ready.Segment, &l.recent[n-1]
	if last.MSN+1 != seg.MSN || last.Period != seg.Period || last.Init == nil || last.Init != seg.Init {
		return events
	}
	scale := seg.Init.Track.Timescale
	end := last.Start + last.Duration
	if off := scale.Duration(seg.Start - end); off < mostAdjoined && off > -mostAdjoined && end < seg.Start+seg.Duration {
		seg.Start, seg.Duration = end, seg.Start+seg.Duration-end
	}
	return events
}

// gapsToldEvery is how often the log tells of a rendition's gaps.
const gapsToldEvery = 60 * media.Ticks(media.VideoTimescale)

func (l *lane) tellGap(b media.Boundary) {
	l.gaps++
	if l.toldGaps != 0 && b.PTS-l.toldGaps < gapsToldEvery {
		return
	}
	l.log.Warn("segments missing, announced as gaps", slog.Uint64("msn", b.MSN), slog.Int("count", l.gaps))
	l.gaps, l.toldGaps = 0, b.PTS
}

// finish closes the open segment at the end of a session.
func (l *lane) finish() {
	l.publish(l.segmenter.End())
	l.open = false
}

// abandon forgets what came of the open segment: nothing goes on with it.
func (l *lane) abandon() {
	l.publish(l.segmenter.Void())
	l.open = false
}

func (l *lane) publish(events []packager.Event) {
	for _, event := range events {
		switch e := event.(type) {
		case packager.InitChanged:
			l.init = e.Init
			if l.rendition.Codecs == "" {
				l.describe(e.Init)
			}
			l.store.SetInit(l.rendition.ID, e.Init)
		case packager.PartReady:
			if l.shown != nil {
				l.shown.share(e.Part)
			}
			if e.Part.MSN >= l.listed {
				l.store.AddPart(l.rendition.ID, e.Part, l.period)
			}
		case packager.PartsDropped:
			l.store.DropParts(l.rendition.ID)
		case packager.SegmentReady:
			l.complete(e.Segment)
		}
	}
}

func (l *lane) complete(seg *media.Segment) {
	l.next = seg.MSN + 1
	// A new init is listed with the first segment that it decodes: only then
	// does it count for whoever compares lists.
	if seg.Init != nil && !seg.Gap && seg.Init != l.described {
		l.describe(seg.Init)
	}
	scale := l.rendition.Timescale
	if rate := l.peak.add(seg, scale); l.rendition.Passthrough {
		l.raiseBandwidth(rate)
	}
	l.note(seg)
	if seg.MSN < l.listed {
		l.keep(seg)
		return
	}
	l.listed = seg.MSN + 1
	l.store.AddSegment(l.rendition.ID, seg)
	if !seg.Gap {
		l.delays.add(time.Since(scale.Time(seg.Start + seg.Duration)))
	}
}

// describe tells viewers what the init segment really says. The promised
// bandwidth and the name stay.
func (l *lane) describe(init *media.Init) {
	l.described = init
	r := *l.rendition
	r.Codecs = init.Codecs
	r.Timescale = init.Track.Timescale
	r.Width, r.Height = init.Track.Width, init.Track.Height
	r.SampleRate, r.Channels = init.Track.SampleRate, init.Track.Channels
	if init.Track.Kind == media.Video {
		r.FrameRate = init.Track.FrameRate
	}
	l.replace(&r)
}

// raiseBandwidth keeps the promise above what was measured over a segment
// (decision 11: a source's peak is raised, never lowered).
func (l *lane) raiseBandwidth(measured int) {
	if measured <= l.rendition.Bandwidth {
		return
	}
	r := *l.rendition
	r.Bandwidth = measured + measured/10
	l.replace(&r)
}

func (l *lane) replace(r *media.Rendition) {
	l.rendition = r
	l.store.UpdateRendition(r)
}
