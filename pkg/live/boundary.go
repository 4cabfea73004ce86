package live

import (
	"weir/pkg/media"
)

// The boundary rule
//
// Every rendition of a stream starts its segments at the same boundaries, and
// this file alone decides where they are. A cutter sees the source's pictures
// in decode order, once, and says before each one whether a segment starts.
// What it says is sent in band to all segmenters and to the worker. A rung
// that starts late or is replayed receives the same boundaries and has nothing
// to decide; it cannot drift.
//
// Segments should last 2 s and must stay under 2.5 s, since EXTINF rounded to
// whole seconds must not exceed the target duration of 2 s, which is promised
// once and for all.
//
// Passthrough. The publisher's own access units are served, so a segment can
// start at a keyframe only. At each keyframe there is one question: can we wait
// for the next one? We cut if elapsed + expected GOP >= 2.5 s, and at 2 s there
// is nothing to wait for:
//
//	GOP 2 s       |-----------|-----------|         2 + 2 >= 2.5: cut at 2
//	GOP 1 s       |-----+-----|-----+-----|         1 + 1 < 2.5: wait; cut at 2
//	GOP 1.67 s    |---------|---------|---------|   1.67 + 1.67 >= 2.5
//	GOP 0.5 s     |--+--+--+--|--+--+--+--|         1.5 + 0.5 < 2.5; cut at 2
//	scene cut     |---|-----------|-----------|     0.7 + 2 >= 2.5: cut at 0.7
//
// What to expect is the longest of the last sixteen GOPs and an eighth more,
// not the last one: an encoder with a keyframe interval of 2 s puts extra
// keyframes at scene cuts and counts 2 s anew from there, and a wrong guess
// costs the passthrough while a careful one costs a short segment. For the same
// reason 2 s is assumed at first, until two GOPs in a row are equal.
//
// If a segment reaches 2.5 s without a cut, no keyframe can save the promise:
// the source is overdue. live then leaves passthrough for good: it replays the
// open segment into a new cutter in encoded mode, which begins under the same
// number but in a new period.
//
// Encoded. The encoders make a keyframe wherever told, so the source's do not
// matter. A boundary is the first picture at or after the start + 2 s. With a
// constant frame rate that picture's PTS is known, but for the rounding of a
// tick, from any picture near it, even if it is missing itself. Without one the
// boundary is the 2 s mark, and the segment starts at the first picture not
// before it. The next mark counts from the boundary, not from the picture, so
// that a late picture moves nothing.
//
// Source. There is no worker, so keyframes are all there is. live takes the
// target duration from the first GOP, 2 to 10 s, and the passthrough rule
// applies with target + 0.5 s in place of 2.5 s. A segment that would reach
// that is cut at the last picture before, keyframe or not: players that start
// there see nothing until the next keyframe, but the promise holds for those
// who are playing.
//
// Alone. Where there is no video, audio access units take the place of pictures,
// and a boundary is the 2 s mark in audio time: the segment starts at the access
// unit nearest to it.
//
// Discontinuity. The next keyframe always starts a segment and a period, as
// the first one does.

const (
	// segmentLength is how long a segment should last, at 90 kHz.
	segmentLength = media.Ticks(media.VideoTimescale) * 2
	// periodStep is 10 ms: what Period.Start is a multiple of.
	periodStep = media.Ticks(media.VideoTimescale) / 100
)

// cutMode says which pictures may start a segment.
type cutMode uint8

const (
	// cutPassthrough cuts at the source's keyframes.
	cutPassthrough cutMode = iota
	// cutEncoded cuts wherever encoders are told to.
	cutEncoded
	// cutSource cuts at the source's keyframes as long as they keep the
	// target duration, and elsewhere if they do not.
	cutSource
	// cutAlone cuts audio that no video goes with.
	cutAlone
)

// cutConfig is what a cutter starts from.
type cutConfig struct {
	mode cutMode
	// target is the target duration in whole seconds.
	target int
	// msn is the first boundary's number, sequence the first period's.
	msn, sequence uint64
}

// cutter decides the boundaries of one session. It is pure: the same pictures
// get the same boundaries.
type cutter struct {
	cfg cutConfig
	// period is the one that is open; fresh asks the next keyframe for another.
	period *media.Period
	fresh  bool
	// start is the PTS of the last boundary. latest is that of the last
	// picture in order of presentation and end where it ends.
	start, latest, end media.Ticks
	// frame is the duration of a frame, 0 where that varies.
	frame media.Ticks
	// step is the longest step of latest in the open segment.
	step media.Ticks
	// late is true once the open segment has reached the limit.
	late bool
	gops gops
}

func newCutter(cfg cutConfig) *cutter { return &cutter{cfg: cfg, fresh: true} }

// Push takes the next picture in decode order and decides whether a segment
// starts: the boundary is to be sent before the picture. In encoded mode the
// segment's first picture may come later in decode order. Pictures before the
// first keyframe belong to no segment.
func (c *cutter) Push(au media.AccessUnit) (b media.Boundary, cuts bool) {
	c.fresh = c.fresh || au.Discontinuity
	if c.fresh && !c.begins(&au) {
		return media.Boundary{}, false
	}
	c.observe(&au)
	if at, ok := c.decide(&au); ok {
		b, cuts = c.open(at), true
	}
	c.latest = max(c.latest, au.PTS)
	// Durations are rounded: the next boundary may stand a tick or two earlier.
	c.end = max(c.end, au.PTS+max(au.Duration-2, 0))
	c.late = c.late || c.reaches(&au)
	return b, cuts
}

// Renew asks the next keyframe to start another period.
func (c *cutter) Renew() { c.fresh = true }

// begins reports whether a period can start at au. Encoders start it with an IDR
// wherever decoding can start; what is passed through has to be one.
func (c *cutter) begins(au *media.AccessUnit) bool {
	return au.Sync || au.Recovery && c.cfg.mode == cutEncoded
}

// Overdue reports whether the open segment has reached what none may last: it
// can no longer be passed through within the promise.
func (c *cutter) Overdue() bool { return c.late }

// Horizon is the media time before which no further boundary can stand: audio
// that ends by then may be cut. It holds for discontinuities too, since the
// media time of a new run starts behind all that came before.
func (c *cutter) Horizon() media.Ticks {
	if c.cfg.mode == cutEncoded && !c.fresh {
		return max(c.end, c.start+segmentLength-c.slack())
	}
	return c.end
}

// observe learns from a picture what the decision needs.
func (c *cutter) observe(au *media.AccessUnit) {
	c.frame = au.Duration
	if c.fresh {
		c.gops.restart(au.PTS)
		return
	}
	c.step = max(c.step, au.PTS-c.latest)
	if au.Sync {
		c.gops.learn(au.PTS)
	}
}

// limit is what no segment may reach: EXTINF would be rounded above the target.
func (c *cutter) limit() media.Ticks {
	return media.Ticks(media.VideoTimescale) * media.Ticks(2*c.cfg.target+1) / 2
}

// nominal is how long a segment should last.
func (c *cutter) nominal() media.Ticks {
	return media.Ticks(media.VideoTimescale) * media.Ticks(c.cfg.target)
}

// reaches reports whether the open segment reaches the limit with au.
func (c *cutter) reaches(au *media.AccessUnit) bool {
	return au.PTS+au.Duration-c.start >= c.limit()
}

// decide finds the boundary, if any, that must be known before au.
func (c *cutter) decide(au *media.AccessUnit) (at media.Ticks, ok bool) {
	elapsed := au.PTS - c.start
	switch {
	case c.fresh:
		return au.PTS, true
	case c.cfg.mode == cutEncoded:
		return c.mark(au)
	case c.cfg.mode == cutAlone:
		mark := c.start + segmentLength
		return mark, au.PTS+au.Duration/2 >= mark
	case c.cfg.mode == cutSource && elapsed+max(c.step, c.frame) >= c.limit():
		return au.PTS, elapsed > 0
	case !au.Sync:
		return 0, false
	case c.late:
		return au.PTS, true
	}
	wait := elapsed < c.nominal() && elapsed+c.gops.expected() < c.limit()
	return au.PTS, !wait && elapsed < c.limit()
}

// mark finds the boundary at the 2 s mark from a picture at or after it.
func (c *cutter) mark(au *media.AccessUnit) (at media.Ticks, ok bool) {
	mark := c.start + segmentLength
	rate := au.Track.FrameRate
	if !rate.Known() {
		return mark, au.PTS >= mark
	}
	mark -= c.slack()
	if au.PTS < mark {
		return 0, false
	}
	frames := int64(au.PTS-mark) * int64(rate.Num) / (int64(rate.Den) * int64(media.VideoTimescale))
	at = au.PTS - rate.Ticks(frames, media.VideoTimescale)
	if frames > 0 && int64(media.VideoTimescale)*int64(rate.Den)%int64(rate.Num) != 0 {
		at-- // Frames are not whole ticks: it must not stand behind its picture.
	}
	return at, true
}

// slack is how much before the mark a picture on a frame grid may stand: grids
// move by a millisecond or so where the source's clock drifts.
func (c *cutter) slack() media.Ticks { return c.frame / 4 }

// open starts the next segment at the media time at.
func (c *cutter) open(at media.Ticks) media.Boundary {
	if c.fresh {
		c.period = &media.Period{Sequence: c.cfg.sequence, Start: at - at%periodStep}
		c.cfg.sequence++
	}
	b := media.Boundary{MSN: c.cfg.msn, PTS: at, Period: c.period}
	c.cfg.msn++
	c.start, c.step, c.fresh, c.late = at, 0, false, false
	return b
}

// gops remembers the distances of the last keyframes.
type gops struct {
	last      media.Ticks
	distances [16]media.Ticks
	count     int
	// proven is true once no distance has to be assumed any more.
	proven bool
}

// restart forgets what was before a discontinuity.
func (g *gops) restart(at media.Ticks) { *g = gops{last: at} }

func (g *gops) learn(at media.Ticks) {
	gop := at - g.last
	g.last = at
	if g.count > 0 {
		before := g.distances[(g.count-1)%len(g.distances)]
		g.proven = g.proven || max(gop, before)*10 < min(gop, before)*11
	}
	g.distances[g.count%len(g.distances)] = gop
	g.count++
	g.proven = g.proven || g.count >= len(g.distances)
}

// expected is how long after a keyframe the next one may take to come.
func (g *gops) expected() media.Ticks {
	longest := segmentLength
	if g.proven {
		longest = 0
	}
	for _, gop := range g.distances[:min(g.count, len(g.distances))] {
		longest = max(longest, gop+gop/8)
	}
	return longest
}
