package live

import (
	"strings"
	"testing"
	"time"
)

// TestEndDuringRelief: the session ends while one worker relieves two others.
// Nobody waits for what is there, and nothing is lost.
func TestEndDuringRelief(t *testing.T) {
	st := rested(t)
	st.watch("360p", 1)
	st.until("the first is there", func() bool { return !st.lane("360p").behind() })
	st.watch("480p", 1)
	st.until("the second is there", func() bool { return !st.lane("480p").behind() })
	for st.p.crews[0].until == 0 { // without taking what the workers bring
		st.picture(50)
	}
	for range 20 { // less than a segment: nothing is late
		st.picture(50)
	}
	began := time.Now()
	st.p.finish()
	if took := time.Since(began); took >= drainTimeout {
		t.Errorf("the end took %v", took)
	}
	for _, id := range []string{"360p", "480p"} {
		if kinds := st.kinds(id); !strings.HasSuffix(kinds, "mm") {
			t.Errorf("%s ends with %q", id, kinds)
		}
	}
}
