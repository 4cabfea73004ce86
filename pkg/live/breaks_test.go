package live_test

import (
	"encoding/hex"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// expectBroken fails unless every window goes on after a break: one period
// more, consecutive numbers, rising times, and dates that follow the clock.
func (g gate) expectBroken(t *testing.T, began time.Time) *media.Presentation {
	t.Helper()
	view := g.presentation(t)
	for _, w := range view.Windows {
		expectNumbered(t, w)
		first, last := w.Segments[0], w.Segments[len(w.Segments)-1]
		if last.Period.Sequence != first.Period.Sequence+1 {
			t.Errorf("%s: periods %d to %d, want one break", w.Rendition.ID, first.Period.Sequence, last.Period.Sequence)
		}
		date := w.Rendition.Timescale.Time(last.Start)
		if date.Before(began) || date.After(time.Now()) {
			t.Errorf("%s: the last segment is dated %v, published from %v to %v", w.Rendition.ID, date, began, time.Now())
		}
	}
	return view
}

func TestJumpsByHours(t *testing.T) {
	for name, by := range map[string]media.Ticks{"forward": 3 * 3_600_000, "back": -3 * 3_600_000, "far back": -20 * 24 * 3_600_000} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate(t, t.TempDir())
				defer g.stop()
				began := time.Now()
				p := g.publish(t)
				p.shift = 30 * 24 * 3_600_000
				if err := p.send(9 * time.Second); err != nil {
					t.Fatal(err)
				}
				p.shift += by
				if err := p.send(12 * time.Second); err != nil {
					t.Fatal(err)
				}
				view := g.expectBroken(t, began)
				if n := len(view.Windows[0].Segments); n < 9 {
					t.Errorf("%d segments in 21 s", n)
				}
				p.session.Close(ingest.End{OnPurpose: true})
			})
		})
	}
}

// avcC360 is the decoder configuration of a 640x360 clip, H.264 High 3.0.
const avcC360 = "0164001effe1001b6764001eacd940a02ff970110000030001000003003c0f162d9601000668ebe3cb22c0fdf8f800"

func TestAnotherSizeInMidStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		began := time.Now()
		p := g.publish(t)
		if err := p.send(9 * time.Second); err != nil {
			t.Fatal(err)
		}
		config, err := hex.DecodeString(avcC360)
		if err != nil {
			t.Fatal(err)
		}
		changed := *p.video
		changed.Config, changed.Width, changed.Height = config, 640, 360
		p.video = &changed
		if err := p.send(time.Second); err != nil { // up to the next keyframe
			t.Fatal(err)
		}
		if r := g.presentation(t).Windows[0].Rendition; r.Width != 1280 {
			t.Errorf("%d columns are listed before there is a segment of them", r.Width)
		}
		if err := p.send(11 * time.Second); err != nil {
			t.Fatal(err)
		}
		view := g.expectBroken(t, began)
		video := view.Windows[0]
		first, last := video.Segments[0], video.Segments[len(video.Segments)-1]
		if first.Init.Hash == last.Init.Hash || last.Init.Track.Width != 640 || video.Rendition.Width != 640 {
			t.Errorf("the last init is of %d columns, the rendition of %d, want 640", last.Init.Track.Width, video.Rendition.Width)
		}
		p.session.Close(ingest.End{OnPurpose: true})
	})
}

// Audio that goes on while video has stopped makes no segment longer than
// promised.
func TestGapInVideo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		began := time.Now()
		p := g.publish(t)
		if err := p.send(9 * time.Second); err != nil {
			t.Fatal(err)
		}
		video := p.video
		p.video = nil
		if err := p.send(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		if !g.found("video_stopped") || g.found("uplink_slow") {
			st, _ := g.Stream("main")
			t.Errorf("the creator is not told that video has stopped: %+v %s", st.Findings, st.OnAir)
		}
		p.video = video
		if err := p.send(10 * time.Second); err != nil {
			t.Fatal(err)
		}
		g.expectBroken(t, began)
		if g.found("video_stopped") {
			t.Error("video is still called stopped")
		}
		p.session.Close(ingest.End{OnPurpose: true})
	})
}
