package live

import (
	"testing"
	"time"

	"weir/pkg/transcode"
)

// show is a publisher as it is looked at: each second something is seen.
type show struct {
	now    time.Time
	judge  *judge
	wanted []Fault
}

func newShow() *show {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	return &show{now: now, judge: newJudge(now), wanted: []Fault{
		{FaultBlack, 5 * time.Second}, {FaultFrozen, 10 * time.Second}, {FaultSilent, 15 * time.Second},
	}}
}

var (
	bright = transcode.Sight{Brightness: 0.4, Contrast: 0.2}
	black  = transcode.Sight{}
	loud   = transcode.Heard{Level: -20}
	quiet  = transcode.Heard{Level: transcode.Silence}
)

// for lets time go on while the same is seen, with pictures that come.
func (s *show) goOn(d time.Duration, sight transcode.Sight, heard transcode.Heard) {
	for end := s.now.Add(d); s.now.Before(end); {
		s.now = s.now.Add(250 * time.Millisecond)
		still := sight
		if still.Still > 0 {
			still.Still = sight.Still + d - end.Sub(s.now)
		}
		s.judge.look(s.now, seen{sight: &still, heard: &heard, pictured: s.now, key: s.now}, s.wanted)
	}
}

func (s *show) expect(t *testing.T, want FaultKind) {
	t.Helper()
	if got, _ := s.judge.fault(s.now, s.wanted); got != want {
		t.Errorf("the fault is %q, want %q", got, want)
	}
}

func TestFaultsHaveToLast(t *testing.T) {
	s := newShow()
	s.goOn(3*time.Second, bright, loud)
	s.expect(t, "")
	if s.judge.clearFor(s.now) < 2*time.Second {
		t.Error("nothing is wrong, and it does not count as clear")
	}
	s.goOn(4*time.Second, black, loud)
	s.expect(t, "")
	if s.judge.clearFor(s.now) > 0 {
		t.Error("it is black, and counts as clear")
	}
	s.goOn(1500*time.Millisecond, black, loud)
	s.expect(t, FaultBlack)
	s.goOn(time.Second, bright, loud)
	s.expect(t, "")
	s.goOn(14*time.Second, bright, quiet)
	s.expect(t, "")
	s.goOn(2*time.Second, bright, quiet)
	s.expect(t, FaultSilent)
	s.goOn(time.Second, bright, loud)
	frozen := bright
	frozen.Still = time.Second
	s.goOn(8*time.Second, frozen, loud)
	s.expect(t, "")
	frozen.Still = 9 * time.Second
	s.goOn(2*time.Second, frozen, loud)
	s.expect(t, FaultFrozen)
	s.goOn(time.Second, bright, loud)
	// A video that has stopped while audio goes on is frozen as well.
	last := s.now
	for range 44 {
		s.now = s.now.Add(250 * time.Millisecond)
		s.judge.look(s.now, seen{sight: &bright, heard: &loud, pictured: last, key: last}, s.wanted)
	}
	s.expect(t, FaultFrozen)
}

// What is not wanted is not looked at, and one of which nothing can be seen is taken for
// well after a while.
func TestUnknownPublishersAreNotBlamed(t *testing.T) {
	s := newShow()
	s.wanted = s.wanted[:1]
	s.goOn(time.Minute, bright, quiet)
	s.expect(t, "")
	s = newShow()
	for range 76 {
		s.now = s.now.Add(250 * time.Millisecond)
		s.judge.look(s.now, seen{pictured: s.now}, s.wanted)
	}
	if s.judge.clearFor(s.now) > 0 {
		t.Error("it counts as clear before it was seen")
	}
	s.now = s.now.Add(time.Minute)
	s.judge.look(s.now, seen{pictured: s.now}, s.wanted)
	s.now = s.now.Add(time.Second)
	s.judge.look(s.now, seen{pictured: s.now}, s.wanted)
	if s.judge.clearFor(s.now) < time.Second {
		t.Error("it never counts as clear")
	}
}

// A standby is better only if it was looked at after the fault of the other one had
// begun: both may show the same black scene.
func TestSameShowIsNoBetter(t *testing.T) {
	s := newShow()
	s.goOn(10*time.Second, bright, loud)
	if !s.judge.betterThan(s.now.Add(lookTakes), s.now.Add(-5*time.Second)) {
		t.Error("one that is well is not better")
	}
	if s.judge.betterThan(s.now.Add(5*time.Second), s.now.Add(-500*time.Millisecond)) {
		t.Error("it is better by what it showed before")
	}
	if s.judge.betterThan(s.now, s.now.Add(-5*time.Second)) {
		t.Error("it is better by a keyframe that nobody can have looked at")
	}
	s.goOn(time.Second, black, loud)
	if s.judge.betterThan(s.now.Add(lookTakes), s.now.Add(-5*time.Second)) {
		t.Error("one that is black as well is better")
	}
}
