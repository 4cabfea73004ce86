package transcode

import "time"

const (
	// span is the time over which the highest lag is taken: single pictures
	// take longer or shorter.
	span = 190 * time.Millisecond
	// catchingUp is by how much the lag has to fall from one span to the next
	// to shrink for good: encoding at 1.1 times real time.
	catchingUp = 20 * time.Millisecond
)

// trend follows a lag that is above onTime. Where a replay or what piled up in
// a hiccup is worked off, the lag is large but shrinks.
type trend struct {
	began time.Time
	// high is the highest lag of the open span, before that of the one before.
	high, before time.Duration
	spans        int
	// falling counts the last spans in a row over which nothing was caught up.
	falling int
}

func (t *trend) add(now time.Time, lag time.Duration) {
	if lag <= onTime {
		*t = trend{}
		return
	}
	if t.began.IsZero() {
		t.began, t.high = now, lag
		return
	}
	t.high = max(t.high, lag)
	if now.Sub(t.began) < span {
		return
	}
	t.falling++
	if t.spans == 0 || t.before-t.high >= catchingUp {
		t.falling = 0
	}
	t.spans++
	t.began, t.before, t.high = now, t.high, lag
}
