package live_test

import (
	"cmp"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// However two publishers come, stall and go: numbers never go back, periods count by
// one, windows agree and no segment breaks the target duration.
func TestNumberingOverSwitches(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type act struct {
			kind  string
			who   int
			lasts time.Duration
		}
		acts := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) act {
			return act{
				kind:  rapid.SampledFrom([]string{"both", "both", "one", "one", "lose", "jump", "late", "end"}).Draw(rt, "kind"),
				who:   rapid.IntRange(0, 1).Draw(rt, "who"),
				lasts: time.Duration(rapid.IntRange(40, 15_000).Draw(rt, "ms")) * time.Millisecond,
			}
		}), 2, 10).Draw(rt, "acts")
		var wrong error
		synctest.Test(t, func(t *testing.T) {
			g := newGate(t, t.TempDir())
			defer g.stop()
			var two [2]*publisher
			come := func(who int) *publisher {
				if two[who] == nil {
					two[who] = g.as(t, ingest.Rules{Backup: who == 1})
				}
				return two[who]
			}
			together(5*time.Second, come(0))
			var seen numbers
			for _, a := range acts {
				p := two[a.who]
				switch {
				case a.kind == "both":
					together(a.lasts, come(0), come(1))
				case a.kind == "one":
					together(a.lasts, come(a.who))
				case p == nil:
					advance(a.lasts)
				case a.kind == "lose", a.kind == "end":
					p.session.Close(ingest.End{Err: errReset, OnPurpose: a.kind == "end" && a.who == 1})
					two[a.who] = nil
				case a.kind == "jump":
					p.shift += media.Ticks(a.lasts.Milliseconds()/40*40) * 100 // whole frames
				case a.kind == "late":
					advance(a.lasts)
					p.atOnce = true
					together(a.lasts, p)
					p.atOnce = false
				}
				view := g.presentation(t)
				if wrong == nil {
					wrong = cmp.Or(consistent(view), seen.follow(view))
				}
			}
			for _, p := range two {
				if p != nil {
					p.session.Close(ingest.End{Err: errReset})
				}
			}
		})
		if wrong != nil {
			rt.Fatal(wrong)
		}
	})
}
