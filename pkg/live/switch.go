package live

import (
	"maps"
	"time"

	"weir/pkg/doctor"
)

// SwitchReason says why a publisher has gone on air in the other one's place.
type SwitchReason string

// The reasons, beside the kinds of faults.
const (
	// SwitchLost: the other one was lost, or its media was missing.
	SwitchLost SwitchReason = "lost"
	// SwitchBack: it is the primary, and well again.
	SwitchBack SwitchReason = "back"
)

// whySwitch is why the standby should go on air now, "" if it should not. Media of the
// one on air has been missing for so long.
func (s *stream) whySwitch(now time.Time, missing time.Duration) SwitchReason {
	switch {
	case s.session == nil, missing >= switchAfter:
		return SwitchLost
	}
	primary := !s.standby.session.backup()
	steady := primary && now.Sub(s.standby.steady) >= steadyFor
	onAir, standby := s.lookouts[s.session], s.lookouts[s.standby.session]
	if onAir == nil || standby == nil {
		if steady {
			return SwitchBack
		}
		return ""
	}
	fault, since := onAir.judge.fault(now, s.latest.Load().SwitchOn)
	switch {
	case fault != "" && standby.judge.betterThan(now, since):
		return SwitchReason(fault)
	case steady && (fault != "" || standby.judge.clearFor(now) >= steadyFor):
		return SwitchBack // if both are bad, neither is better
	}
	return ""
}

// SwitchReasons are all of them.
func SwitchReasons() []SwitchReason {
	return []SwitchReason{SwitchLost, SwitchReason(FaultBlack), SwitchReason(FaultFrozen), SwitchReason(FaultSilent), SwitchBack}
}

// Switch is that a publisher has gone on air in the other one's place.
type Switch struct {
	At time.Time
	// Backup is true where it was the backup.
	Backup bool
	Reason SwitchReason
}

// noteSwitch records that the publisher that stood by is on air now.
func (s *stream) noteSwitch(now time.Time, why SwitchReason) {
	s.switches = maps.Clone(s.switches) // status has the other one
	s.switches[why]++
	s.switched = &Switch{At: now, Backup: s.session.backup(), Reason: why}
}

// observeBackup adds that the backup is on air, and why.
func (s *stream) observeBackup(o *doctor.Observations) {
	if s.session == nil || !s.session.backup() {
		return
	}
	o.Is(doctor.OnBackup, true)
	o.Say(doctor.Primary, "is not connected")
	if s.standby == nil {
		return
	}
	o.Say(doctor.Primary, "has not sent for long enough again")
	l := s.lookouts[s.standby.session]
	if l == nil {
		return
	}
	for kind, words := range map[FaultKind]string{
		FaultSilent: "is silent", FaultFrozen: "sends a frozen picture", FaultBlack: "sends a black picture",
	} {
		if _, there := l.judge.since[kind]; there {
			o.Say(doctor.Primary, words)
		}
	}
}
