package gateway

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/live"
	"weir/pkg/publish"
)

// TestSegmentDelaysAreCounted: every segment of a good publisher is there as soon
// as it is over, and one whose uplink stalls for three seconds is late by as much.
func TestSegmentDelaysAreCounted(t *testing.T) {
	file := recording(t, generated+" -vf "+noisy+" "+healthyVideo+" "+healthyAudio)
	for _, c := range []struct {
		name    string
		through func(net.Conn) net.Conn
		late    bool
	}{
		{"good uplink", nil, false},
		{"uplink that stalls", narrow(5_000_000, 3*time.Second), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := openWard(t, nil)
				w.admit(t, 19*time.Second, file, publish.Options{}, c.through)
				st, _ := w.Stream("main")
				if len(st.Delays) != len(st.Renditions) || len(st.Delays) != 2 {
					t.Fatalf("%d renditions and delays of %d", len(st.Renditions), len(st.Delays))
				}
				for i, d := range st.Delays {
					soon, most := d.UpTo[1], d.UpTo[6] // within 0.25 s and within 2 s
					if live.DelayBounds()[1] != 0.25 || live.DelayBounds()[6] != 2 {
						t.Fatal("the bounds have moved")
					}
					if d.Count < 8 || (soon == d.Count) == c.late || (most < d.Count) != c.late {
						t.Errorf("%s: %+v", st.Renditions[i].ID, d)
					}
					if mean := d.Sum / float64(d.Count); mean < 0.01 || mean > 1.5 {
						t.Errorf("%s: they are late by %.3f s in the mean", st.Renditions[i].ID, mean)
					}
				}
			})
		})
	}
}
