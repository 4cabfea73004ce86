package live

import (
	"time"

	"weir/pkg/transcode"
)

// FaultKind is something wrong with what a publisher sends that viewers see or hear.
type FaultKind string

// The faults that are looked for where there are two publishers.
const (
	// FaultBlack: the picture is black.
	FaultBlack FaultKind = "black"
	// FaultFrozen: no part of the picture changes, or no picture comes.
	FaultFrozen FaultKind = "frozen"
	// FaultSilent: there is nothing to hear.
	FaultSilent FaultKind = "silent"
)

// Fault is a fault that matters once it has lasted.
type Fault struct {
	Kind  FaultKind
	After time.Duration
}

const (
	// blackBrightness and blackContrast are the most that a black picture has, between
	// black (0) and white (1), and silentLevel is the most that silence has, in dBFS.
	// They are the stream doctor's.
	blackBrightness, blackContrast = 0.03, 0.01
	silentLevel                    = -60
	// stillLeast is how long nothing must have changed for a picture to count as one
	// that may be frozen.
	stillLeast = 4 * time.Second
	// pauseLeast is the same of pictures that do not come.
	pauseLeast = time.Second
	// clearLeast is how long a publisher must have been without a fault to take over
	// from one that has one: two keyframes, as a rule.
	clearLeast = 4 * time.Second
	// skew is how much later than the publisher on air the one that stands by may show
	// the same: a show that is black for a while is so on both.
	skew = time.Second
	// lookTakes is how long it may take until a keyframe that came has been looked at.
	lookTakes = time.Second
	// blindAfter is after how long a publisher of which nothing can be seen counts as
	// one without faults.
	blindAfter = 20 * time.Second
)

// seen is what is known of a publisher at one look.
type seen struct {
	// sight and heard are nil while nothing is known.
	sight *transcode.Sight
	heard *transcode.Heard
	// pictured is when the last picture came, and key when the last keyframe did.
	pictured, key time.Time
}

// judge remembers what is wrong with a publisher, and since when. It is pure.
type judge struct {
	began time.Time
	// since is when each of the faults that are there began.
	since map[FaultKind]time.Time
	// clear is since when there is none, zero while there is one or nothing was seen,
	// and key when the last keyframe came.
	clear, key time.Time
}

func newJudge(now time.Time) *judge {
	return &judge{began: now, since: make(map[FaultKind]time.Time)}
}

// look takes what is seen now.
func (j *judge) look(now time.Time, s seen, wanted []Fault) {
	j.key = s.key
	known := false
	for _, f := range wanted {
		began, ok := f.Kind.began(now, s)
		known = known || ok
		switch {
		case began.IsZero():
			delete(j.since, f.Kind)
		case j.since[f.Kind].IsZero() || began.Before(j.since[f.Kind]):
			j.since[f.Kind] = began
		}
	}
	switch {
	case len(j.since) > 0 || !known && now.Sub(j.began) < blindAfter:
		j.clear = time.Time{}
	case j.clear.IsZero():
		j.clear = now
	}
}

// began is when a fault began that is there, or at the latest now; zero if it is not.
// ok is false while nothing is known.
func (k FaultKind) began(now time.Time, s seen) (at time.Time, ok bool) {
	if k == FaultSilent {
		if s.heard != nil && s.heard.Level < silentLevel {
			at = now
		}
		return at, s.heard != nil
	}
	if k == FaultFrozen && !s.pictured.IsZero() && now.Sub(s.pictured) >= pauseLeast {
		return s.pictured, true
	}
	if s.sight == nil {
		return time.Time{}, false
	}
	switch black := s.sight.Brightness < blackBrightness && s.sight.Contrast < blackContrast; {
	case k == FaultBlack && black:
		at = now
	case k == FaultFrozen && s.sight.Still >= stillLeast:
		at = now.Add(-s.sight.Still)
	}
	return at, true
}

// fault is the fault that has lasted for as long as it takes to matter, "" for none,
// and since when.
func (j *judge) fault(now time.Time, wanted []Fault) (k FaultKind, since time.Time) {
	for _, f := range wanted {
		if at := j.since[f.Kind]; !at.IsZero() && now.Sub(at) >= f.After {
			return f.Kind, at
		}
	}
	return "", time.Time{}
}

// clearFor is how long there was no fault.
func (j *judge) clearFor(now time.Time) time.Duration {
	if j.clear.IsZero() {
		return 0
	}
	return now.Sub(j.clear)
}

// betterThan reports whether this publisher, which stands by, is without a fault where
// the one on air has one since the given time: what it shows since then was looked at.
func (j *judge) betterThan(now, since time.Time) bool {
	return j.clearFor(now) >= clearLeast && j.key.After(since.Add(skew)) && now.Sub(j.key) >= lookTakes
}
