package live

import (
	"testing"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// standBehind has another publisher stand by that is dated lag behind the one on air,
// with keyframes at other times.
func (st *stage) standBehind(lag time.Duration) {
	st.Helper()
	grant := ingest.Grant{Rules: ingest.Rules{Backup: true}}
	st.s.standby = &standby{seat: seat{session: newSession(st.s, ingest.Request{}, grant), heard: time.Now()}}
	until := st.frame - int(lag/(40*time.Millisecond))
	st.frame, st.phase = until-45, 20
	st.heard = media.Ticks(st.frame) * 3600 * 48_000 / 90_000
	st.to = func(au media.AccessUnit) { st.s.standby.spare.keep(au) }
	st.publish(time.Duration(until-st.frame) * 40 * time.Millisecond)
	st.to = func(au media.AccessUnit) {
		if st.s.opening != nil {
			st.s.open(au, st.now)
		} else {
			st.s.media(au, st.now)
		}
	}
}

// Over a switch to a publisher of the same form the workers go on; one of another form
// has its own. In either case there is one discontinuity and no hole.
func TestWorkersGoOnOverASwitch(t *testing.T) {
	for name, c := range map[string]struct {
		width  int
		goesOn bool
	}{
		"the same form": {1280, true},
		"another form":  {960, false},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStage(t, Demand{})
			st.come(time.Now().Add(-8 * time.Second))
			st.publish(5 * time.Second)
			st.s.aired = st.s.pipeline.plan
			before := st.s.pipeline.crews[0]
			other := *st.video
			other.Width = c.width
			st.video = &other
			st.standBehind(backupLag)
			st.s.session = nil
			if !st.s.relieve(time.Now()) || st.s.session == nil || st.s.onAir() != OnAirSource {
				t.Fatalf("the backup is not on air at once, %s is", st.s.onAir())
			}
			st.publish(5 * time.Second)
			if goesOn := st.s.pipeline.crews[0] == before; goesOn != c.goesOn {
				t.Errorf("the workers go on: %v", goesOn)
			}
			if st.s.opening != nil {
				t.Error("its media does not come as it is")
			}
			st.s.closePipeline()
			st.p = nil
			st.expectWhole(2)
		})
	}
}
