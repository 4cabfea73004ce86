package dash

import (
	"time"

	"weir/pkg/media"
)

// withOpen is p with the open segment of each rendition behind the complete ones:
// from its first part on it can be asked for, and comes as it grows.
func withOpen(p *media.Presentation) *media.Presentation {
	listed := *p
	listed.Windows = make([]*media.Window, len(p.Windows))
	for i, w := range p.Windows {
		listed.Windows[i] = w
		if !isOpen(w) {
			continue
		}
		longer := *w
		longer.Segments = append(w.Segments[:len(w.Segments):len(w.Segments)], &media.Segment{
			MSN: w.Open[0].MSN, Start: w.Open[0].Start, Duration: expected(p, w),
			Period: w.OpenPeriod, Init: w.OpenInit,
		})
		listed.Windows[i] = &longer
	}
	return &listed
}

func isOpen(w *media.Window) bool { return len(w.Open) > 0 && w.OpenPeriod != nil && w.OpenInit != nil }

// expected is how long the open segment of w will last: as the longest that is
// listed or, once that is over, as long as a segment may. Too long does no harm,
// since what follows says where it begins; if it is too short, players ask for
// the same segment again (dash.js 5.2 and Shaka 5.2 do).
func expected(p *media.Presentation, w *media.Window) media.Ticks {
	if isLong(p, w) {
		const rounding = time.Second / 2 // of EXTINF to TARGETDURATION
		return w.OpenInit.Track.Timescale.Ticks(time.Duration(p.TargetDuration)*time.Second + rounding)
	}
	return usual(p, w)
}

// usual is the longest of w's complete segments.
func usual(p *media.Presentation, w *media.Window) (longest media.Ticks) {
	scale := w.OpenInit.Track.Timescale
	for _, seg := range w.Segments {
		if playable(seg) && seg.Init.Track.Timescale == scale {
			longest = max(longest, seg.Duration)
		}
	}
	if longest == 0 {
		longest = scale.Ticks(time.Duration(p.TargetDuration) * time.Second)
	}
	return longest
}

// isLong reports whether the open segment of w lasts longer than usual.
func isLong(p *media.Presentation, w *media.Window) bool {
	var so media.Ticks
	for _, part := range w.Open {
		so += part.Duration
	}
	return so > usual(p, w)
}

// The states that a segment goes through, in each of which an MPD says something
// else of it.
const (
	stateOpen = iota
	stateLong // it lasts longer than usual
	stateComplete
	states
)

// progress is how far a rendition has come: the newest segment and its state.
type progress struct {
	msn   uint64
	state uint64
	start time.Time
}

// progressOf is false where there is no segment yet.
func progressOf(p *media.Presentation, w *media.Window) (at progress, ok bool) {
	if isOpen(w) {
		first := w.Open[0]
		at = progress{msn: first.MSN, state: stateOpen, start: w.OpenInit.Track.Timescale.Time(first.Start)}
		if isLong(p, w) {
			at.state = stateLong
		}
		return at, true
	}
	n := len(w.Segments)
	if n == 0 {
		return at, false
	}
	seg := w.Segments[n-1]
	return progress{msn: seg.MSN, state: stateComplete, start: timescale(seg, w).Time(seg.Start)}, true
}

// lowPublishTime is publishTime where open segments are listed: each state of a
// segment counts. When an open segment ends is not known, so the time is told by
// the start of the newest one, and stateLasts more for each of its states.
func lowPublishTime(p *media.Presentation) time.Time {
	const stateLasts = 100 * time.Millisecond
	var newest, oldest, lacking uint64
	var latest time.Time
	reached := make([]uint64, 0, len(p.Windows))
	for _, w := range p.Windows {
		at, ok := progressOf(p, w)
		if !ok {
			continue
		}
		first := at.msn
		if len(w.Segments) > 0 {
			first = w.Segments[0].MSN
		}
		if oldest == 0 || first*states < oldest {
			oldest = first * states
		}
		count := at.msn*states + at.state
		reached = append(reached, count)
		newest = max(newest, count)
		if t := at.start.Add(time.Duration(at.state) * stateLasts); t.After(latest) {
			latest = t
		}
	}
	for _, count := range reached {
		lacking += newest - count
	}
	lacking += uint64(len(p.Windows)-len(reached)) * (newest - oldest + 1)
	return latest.Add(-time.Duration(lacking) * time.Millisecond)
}
