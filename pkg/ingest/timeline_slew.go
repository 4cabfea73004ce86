package ingest

import "weir/pkg/media"

const (
	// slewWindow is over how long the least lag is taken: what the network adds
	// comes and goes within it.
	slewWindow = 10 * second
	// slewFrom is how far media time may stand from the clock before it is slewed: a
	// session that begins on a slow network stands some milliseconds off for good, at
	// no cost. From then on it follows the clock up to slewTo: a clock that drifts
	// goes on to, and going to and fro would cost frames of audio.
	slewFrom, slewTo = second / 20, second / 500
	// slewMost is what no clock drifts by: lag beyond it is the uplink's.
	slewMost = second
	// slewRate is by how much time is slewed at most: one part in so many, 500 ppm.
	slewRate = 2000
	// slewEvery is the longest time between two steps; a keyframe is an occasion
	// too, as segments begin there.
	slewEvery = 5 * second
)

// slew brings media time back to the clock where the encoder's clock drifts from
// ours, so that the live edge, dates and durations agree for as long as a stream
// lasts. It moves both tracks together, a step of at most 2.5 ms at a time, which is
// less than what milliseconds and grids leave between two pictures.
//
// The lag of a picture is how much later it comes than its media time says. Its least
// value over some seconds is what the clocks differ by: the network only adds to it.
type slew struct {
	// now is the time of day, at 90 kHz; 0 while nobody has told it.
	now media.Ticks
	// lead is the first composition offset of the run: what media time is told by.
	lead media.Ticks
	// least is that of the window which began at since, before of the one before.
	least, before media.Ticks
	since         media.Ticks
	// measured counts windows, up to 2.
	measured int
	// stepped is the source time of the last step; active is true from when lag was
	// worth it.
	stepped media.Ticks
	active  bool
}

// begin forgets what was before a run, whose first unit is u.
func (s *slew) begin(u unit) {
	*s = slew{now: s.now, lead: u.pts - u.dts, stepped: u.dts}
}

// note takes the media time of a decode time that has just come.
func (s *slew) note(dts media.Ticks) {
	if s.now == 0 {
		return
	}
	lag := s.now - dts - s.lead
	switch {
	case s.measured == 0:
		s.measured, s.since, s.least, s.before = 1, s.now, lag, lag
	case s.now-s.since >= slewWindow:
		s.measured = 2
		s.before, s.least, s.since = s.least, lag, s.now
	}
	s.least = min(s.least, lag)
}

// step is by how much media time moves at the source time at.
func (s *slew) step(at media.Ticks) media.Ticks {
	passed := at - s.stepped
	s.stepped = at
	if s.measured < 2 || passed <= 0 {
		return 0
	}
	lag := min(s.least, s.before)
	off := max(lag, -lag)
	s.active = s.active || off > slewFrom
	if !s.active || off < slewTo || off > slewMost {
		return 0
	}
	most := min(passed, slewEvery) / slewRate
	by := min(max(lag, -most), most)
	s.least, s.before = s.least-by, s.before-by
	return by
}

// follow slews at the unit u, where it is time to.
func (t *Timeline) follow(u *unit) {
	s := &t.slew
	if u.raw.Sync && u.video() || u.dts-s.stepped >= slewEvery {
		if by := s.step(u.dts); by != 0 {
			t.run.offset += by
			t.repairs.ClockSlews++
			t.repairs.Slewed += by
		}
	}
	s.note(u.dts + t.run.offset)
}
