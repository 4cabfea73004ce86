package live_test

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"weir/pkg/ingest"
	"weir/pkg/live"
	"weir/pkg/media"
)

// letters is one for each listed segment of a window: s for what a publisher sent,
// g for a gap, with a bar between periods.
func letters(w *media.Window) string {
	var text []byte
	for i, seg := range w.Segments {
		if i > 0 && seg.Period != w.Segments[i-1].Period {
			text = append(text, '|')
		}
		if seg.Gap {
			text = append(text, 'g')
		} else {
			text = append(text, 's')
		}
	}
	return string(text)
}

// numbers are the newest segment's as a viewer has seen them.
type numbers struct{ segment, period uint64 }

// follow is an error where a presentation has gone back.
func (n *numbers) follow(view *media.Presentation) error {
	segs := view.Windows[0].Segments
	last, before := segs[len(segs)-1], *n
	*n = numbers{last.MSN, last.Period.Sequence}
	if n.segment < before.segment || n.period < before.period {
		return fmt.Errorf("segment %d of period %d comes after %d of %d", n.segment, n.period, before.segment, before.period)
	}
	return nil
}

// consistent says what is wrong with how the windows of a view follow each other.
func consistent(view *media.Presentation) error {
	most := time.Duration(view.TargetDuration)*time.Second + time.Second/2
	for _, w := range view.Windows {
		scale := w.Rendition.Timescale
		for i, seg := range w.Segments {
			if d := scale.Duration(seg.Duration); d <= 0 || d >= most {
				return fmt.Errorf("%s: segment %d lasts %v", w.Rendition.ID, seg.MSN, d)
			}
			if i == 0 {
				continue
			}
			last := w.Segments[i-1]
			switch off := scale.Duration(seg.Start - last.Start - last.Duration); {
			case seg.MSN != last.MSN+1:
				return fmt.Errorf("%s: segment %d follows %d", w.Rendition.ID, seg.MSN, last.MSN)
			case seg.Period.Sequence < last.Period.Sequence || seg.Period.Sequence > last.Period.Sequence+1:
				return fmt.Errorf("%s: period %d follows %d", w.Rendition.ID, seg.Period.Sequence, last.Period.Sequence)
			case off < -30*time.Millisecond: // what an audio frame may reach over a boundary
				return fmt.Errorf("%s: segment %d begins %v before the end of the one before", w.Rendition.ID, seg.MSN, -off)
			case !last.Gap && !seg.Gap && seg.Period == last.Period && off != 0:
				return fmt.Errorf("%s: segment %d begins %v after the end of the one before", w.Rendition.ID, seg.MSN, off)
			}
		}
	}
	first := view.Windows[0]
	for _, w := range view.Windows[1:] {
		for _, seg := range w.Segments {
			i := int(seg.MSN) - int(first.Segments[0].MSN)
			if i >= 0 && i < len(first.Segments) && first.Segments[i].Period != seg.Period {
				return fmt.Errorf("%s: segment %d is of another period than in %s", w.Rendition.ID, seg.MSN, first.Rendition.ID)
			}
		}
	}
	return nil
}

func (g gate) expectConsistent(t *testing.T) *media.Presentation {
	t.Helper()
	view := g.presentation(t)
	if err := consistent(view); err != nil {
		t.Error(err)
	}
	return view
}

func TestTimelineGoesOnWithoutPublisher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.publish(t)
		if err := p.send(6 * time.Second); err != nil {
			t.Fatal(err)
		}
		p.session.Close(ingest.End{Err: errors.New("connection reset")})
		advance(1900 * time.Millisecond)
		if got := letters(g.expectConsistent(t).Windows[0]); got != "sss" {
			t.Errorf("within a target duration: %s", got)
		}
		advance(10 * time.Second)
		view := g.expectConsistent(t)
		for _, w := range view.Windows {
			if got := letters(w); got != "sssggggg" {
				t.Errorf("%s lists %s after 12 s", w.Rendition.ID, got)
			}
		}
		if st, _ := g.Stream("main"); st.OnAir != live.OnAirGap || st.State != live.Reconnecting {
			t.Errorf("on air: %s, state %s", st.OnAir, st.State)
		}
		p = g.publish(t)
		if err := p.send(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		view = g.expectConsistent(t)
		if got := letters(view.Windows[0]); got != "sssgggggg|ss" {
			t.Errorf("after the return: %s", got)
		}
		video := view.Windows[0].Segments
		first, gap := video[9], video[8]
		if hole := media.VideoTimescale.Duration(first.Start - gap.Start - gap.Duration); hole < 0 || hole > 100*time.Millisecond {
			t.Errorf("a hole of %v before the publisher's return", hole)
		}
		p.session.Close(ingest.End{OnPurpose: true})
	})
}

func TestPlaylistsStandStillWhereWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		g.slate(live.SlateOff)
		p := g.publish(t)
		if err := p.send(6 * time.Second); err != nil {
			t.Fatal(err)
		}
		p.session.Close(ingest.End{Err: errors.New("connection reset")})
		advance(20 * time.Second)
		if got := letters(g.presentation(t).Windows[0]); got != "sss" {
			t.Errorf("listed are %s", got)
		}
	})
}

// A publisher whose connection stands and whose media stops is absent as well. What
// it sends late is dropped, up to the first keyframe behind the absence.
func TestStalledPublisherComesBack(t *testing.T) {
	// late is how much of what was held back is sent at once, 0 where the
	// publisher's own clock stood still.
	for name, late := range map[string]time.Duration{"catches up": 9 * time.Second, "goes on where it stopped": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate(t, t.TempDir())
				defer g.stop()
				p := g.publish(t)
				if err := p.send(6 * time.Second); err != nil {
					t.Fatal(err)
				}
				advance(3900 * time.Millisecond)
				if got := letters(g.presentation(t).Windows[0]); got != "ss" {
					t.Errorf("a stall of 3.9 s: %s", got)
				}
				advance(5100 * time.Millisecond)
				if got := letters(g.expectConsistent(t).Windows[0]); got != "sssgggg" {
					t.Errorf("a stall of 9 s: %s", got)
				}
				p.atOnce = true
				if err := p.send(late); err != nil {
					t.Fatal(err)
				}
				p.atOnce = false
				if err := p.send(11 * time.Second); err != nil {
					t.Fatal(err)
				}
				view := g.expectConsistent(t)
				if got := letters(view.Windows[0]); !strings.HasPrefix(got, "sssgggg") || strings.Count(got, "|") != 1 || strings.HasSuffix(got, "g") {
					t.Errorf("listed are %s", got)
				}
				last := view.Windows[0].Segments[len(view.Windows[0].Segments)-1]
				if behind := time.Since(media.VideoTimescale.Time(last.Start + last.Duration)); behind < 0 || behind > 3*time.Second {
					t.Errorf("the newest segment ends %v ago", behind)
				}
				if st, _ := g.Stream("main"); st.OnAir != live.OnAirSource || st.State != live.Live {
					t.Errorf("on air: %s, state %s", st.OnAir, st.State)
				}
				p.session.Close(ingest.End{OnPurpose: true})
			})
		})
	}
}

// However publishers come, stall and go: numbers never go back, periods count by
// one, windows agree and no segment breaks the target duration.
func TestNumberingOverAbsences(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type act struct {
			kind   string
			lasts  time.Duration
			atOnce bool
		}
		acts := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) act {
			return act{
				kind:   rapid.SampledFrom([]string{"publish", "publish", "lose", "stall", "jump"}).Draw(rt, "kind"),
				lasts:  time.Duration(rapid.IntRange(0, 15_000).Draw(rt, "ms")) * time.Millisecond,
				atOnce: rapid.Bool().Draw(rt, "at once"),
			}
		}), 2, 8).Draw(rt, "acts")
		var wrong error
		synctest.Test(t, func(t *testing.T) {
			g := newGate(t, t.TempDir())
			defer g.stop()
			p := g.publish(t)
			_ = p.send(5 * time.Second)
			var seen numbers
			for _, a := range acts {
				switch a.kind {
				case "publish":
					if p == nil {
						p = g.publish(t)
					}
					_ = p.send(a.lasts)
				case "lose":
					if p != nil {
						p.session.Close(ingest.End{Err: errors.New("connection reset")})
						p = nil
					}
					advance(a.lasts)
				case "stall":
					advance(a.lasts)
					if p != nil && a.atOnce {
						p.atOnce = true
						_ = p.send(a.lasts)
						p.atOnce = false
					}
				case "jump":
					if p != nil {
						p.shift += media.Ticks(a.lasts.Milliseconds()/40*40) * 100 // whole frames
					}
				}
				view := g.presentation(t)
				if wrong == nil {
					wrong = cmp.Or(consistent(view), seen.follow(view))
				}
			}
			if p != nil {
				p.session.Close(ingest.End{OnPurpose: true})
			}
		})
		if wrong != nil {
			rt.Fatal(wrong)
		}
	})
}
