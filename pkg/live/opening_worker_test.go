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

// Over a switch to a publisher of the same form the workers go on, and neither the
// picture nor the sound has a hole, whichever of them is sent first; one of another form
// has its own. In either case there is one discontinuity.
func TestWorkersGoOnOverASwitch(t *testing.T) {
	for name, c := range map[string]struct {
		width  int
		late   media.Ticks
		goesOn bool
	}{
		"the same form": {1280, 0, true},
		"late sound":    {1280, 9600, true},
		"early sound":   {1280, -9600, true},
		"another form":  {960, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStage(t, Demand{})
			st.come(time.Now().Add(-8 * time.Second))
			st.late = c.late
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
			if c.goesOn {
				st.expectSeamless()
			}
		})
	}
}

// expectSeamless fails where segments do not follow each other, and where sound does not
// begin with the picture.
func (st *stage) expectSeamless() {
	st.Helper()
	const most = 22 * time.Millisecond // a frame of audio
	windows := st.s.store.Presentation().Windows
	for _, w := range windows {
		scale := w.Rendition.Timescale
		for i := 1; i < len(w.Segments); i++ {
			seg, last := w.Segments[i], w.Segments[i-1]
			if hole := scale.Duration(seg.Start - last.Start - last.Duration); hole != 0 && (w.Rendition.Kind == media.Video || hole.Abs() > most) {
				st.Errorf("%s: segment %d begins %v after the end of %d", w.Rendition.ID, seg.MSN, hole, last.MSN)
			}
			picture := windows[0].Segments[i]
			if off := scale.Duration(seg.Start) - media.VideoTimescale.Duration(picture.Start); off.Abs() > most/2 {
				st.Errorf("%s: segment %d begins %v after the picture", w.Rendition.ID, seg.MSN, off)
			}
		}
	}
}
