package ingest

import "weir/pkg/media"

// grid is where the frames of a constant rate stand, on the source's unwrapped
// clock. Decode and presentation times have a phase of their own, since their
// distance need not be a whole number of frames in the source; on the grid it
// is. The zero rate is no grid: times stay as they are.
type grid struct {
	rate media.Rational
	// pts is the presentation time of slot 0, dts the decode time of the
	// slot numbered lag.
	pts, dts media.Ticks
	lag      int64
}

func newGrid(rate media.Rational, pts, dts media.Ticks) grid {
	g := grid{rate: rate, pts: pts, dts: dts}
	if rate.Known() {
		g.lag = g.slots(dts - pts)
	}
	return g
}

// slots is d in frames, rounded to the nearest.
func (g *grid) slots(d media.Ticks) int64 {
	num, den := int64(d)*int64(g.rate.Num), int64(g.rate.Den)*int64(second)
	return floorDiv(2*num+den, 2*den)
}

// decode is the slot nearest to a decode time, and how far it is from there.
func (g *grid) decode(dts media.Ticks) (slot int64, residual media.Ticks) {
	n := g.slots(dts - g.dts)
	return g.lag + n, dts - g.dts - g.rate.Ticks(n, media.VideoTimescale)
}

func (g *grid) presentation(pts media.Ticks) (slot int64) { return g.slots(pts - g.pts) }

// at is the time of a slot.
func (g *grid) at(slot int64) media.Ticks {
	return g.pts + g.rate.Ticks(slot, media.VideoTimescale)
}

// after is the first slot whose time is greater than at.
func (g *grid) after(at media.Ticks) int64 {
	slot := g.slots(at - g.pts)
	for g.at(slot) <= at {
		slot++
	}
	return slot
}

func (g *grid) shift(by media.Ticks) { g.pts, g.dts = g.pts+by, g.dts+by }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}
