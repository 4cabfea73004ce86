package ingest

import "weir/pkg/media"

// second is one second of a Timeline's inner clock: 90 kHz for both kinds of
// track, so that a millisecond is a whole number of ticks.
const second = media.Ticks(media.VideoTimescale)

// maxComposition bounds PTS - DTS either way; sixteen reordered pictures at
// 4 frames per second are 4 s.
const maxComposition = 5 * second

// unit is an access unit on the source's own clock, unwrapped, at 90 kHz.
type unit struct {
	raw      media.AccessUnit
	dts, pts media.Ticks
}

func (u *unit) video() bool { return u.raw.Track.Kind == media.Video }

// lane is the index of the unit's track in arrays of two.
func (u *unit) lane() int {
	if u.video() {
		return 0
	}
	return 1
}

func (u *unit) shift(by media.Ticks) { u.dts, u.pts = u.dts+by, u.pts+by }

// sourceClock unwraps the counter that both tracks of a source share.
type sourceClock struct {
	timescale media.Timescale
	bits      uint
	started   bool
	// last is the last DTS unwrapped, wraps how often the counter began anew.
	last  int64
	wraps int64
	// composition is each track's last sane PTS - DTS.
	composition [2]media.Ticks
}

// stamp takes the reading nearest to the last one, forward or back, so that a
// track that lags a little behind the other wraps a little later.
func (c *sourceClock) stamp(raw media.AccessUnit, repairs *Repairs) unit {
	if !c.started {
		c.started = true
		c.last = int64(raw.DTS) & (1<<c.bits - 1)
	}
	c.last = c.read(raw.DTS)
	if wraps := c.last >> c.bits; wraps > c.wraps {
		c.wraps = wraps
		repairs.Wraps++
	}
	u := unit{raw: raw, dts: media.Rescale(media.Ticks(c.last), c.timescale, media.VideoTimescale)}
	offset := media.Rescale(media.Ticks(c.distance(int64(raw.PTS-raw.DTS))), c.timescale, media.VideoTimescale)
	if offset > maxComposition || offset < -maxComposition {
		repairs.CompositionOffsets++
		offset = c.composition[u.lane()]
	}
	c.composition[u.lane()] = offset
	u.pts = u.dts + offset
	return u
}

// read is a counter's reading unwrapped: the one nearest to the last.
func (c *sourceClock) read(counter media.Ticks) int64 {
	return c.last + c.distance(int64(counter)-c.last)
}

// at is when raw is to be decoded, at 90 kHz on the unwrapped clock, which it does
// not move.
func (c *sourceClock) at(raw media.AccessUnit) media.Ticks {
	return media.Rescale(media.Ticks(c.read(raw.DTS)), c.timescale, media.VideoTimescale)
}

// distance reads a difference of two counters as the shorter way round.
func (c *sourceClock) distance(d int64) int64 {
	unused := 64 - c.bits
	return d << unused >> unused
}
