package live_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/ingest"
)

// TestRecorded: from the first session on whose key records, to the end of the stream,
// whoever goes on.
func TestRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		since := func(what string, want time.Time) {
			t.Helper()
			synctest.Wait()
			if st, _ := g.Stream("main"); !st.Recorded.Equal(want) {
				t.Errorf("%s: recorded since %v, want %v", what, st.Recorded, want)
			}
		}
		play := func(rules ingest.Rules) *publisher {
			t.Helper()
			p, err := g.with(t, rules)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		send := func(p *publisher) {
			t.Helper()
			if err := p.send(5 * time.Second); err != nil {
				t.Fatal(err)
			}
		}
		send(play(ingest.Rules{}))
		since("nobody has said so", time.Time{})
		began := time.Now()
		recorded := play(ingest.Rules{Record: true})
		send(recorded)
		since("a key that records has taken over", began)
		recorded.session.Close(ingest.End{Err: errors.New("lost")})
		since("it is lost", began)
		other := play(ingest.Rules{})
		send(other)
		since("another one goes on", began)
		other.session.Close(ingest.End{OnPurpose: true})
		since("the stream has ended", time.Time{})
		send(play(ingest.Rules{}))
		since("the next broadcast", time.Time{})
	})
}
