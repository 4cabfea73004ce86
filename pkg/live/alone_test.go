package live_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"weir/pkg/doctor"
	"weir/pkg/ingest"
	"weir/pkg/live"
	"weir/pkg/media"
)

// radio publishes audio alone.
func (g gate) radio(t *testing.T) *publisher {
	t.Helper()
	p := g.publish(t)
	p.video = nil
	return p
}

// found reports whether the creator is told of code.
func (g gate) found(code string) bool {
	st, _ := g.Stream("main")
	return slices.ContainsFunc(st.Findings, func(f doctor.Finding) bool { return f.Code == code })
}

// expectNumbered fails if numbers of a window do not follow each other, times
// go back or a segment is longer than promised.
func expectNumbered(t *testing.T, w *media.Window) {
	t.Helper()
	for i, seg := range w.Segments {
		if seg.Duration < 0 || float64(seg.Duration)/float64(w.Rendition.Timescale) >= 2.5 {
			t.Errorf("%s: segment %d lasts %d ticks", w.Rendition.ID, seg.MSN, seg.Duration)
		}
		if i == 0 {
			continue
		}
		before := w.Segments[i-1]
		if seg.MSN != before.MSN+1 || seg.Start < before.Start+before.Duration || seg.Period.Sequence < before.Period.Sequence {
			t.Errorf("%s: segment %d at %d in period %d follows %d, which ends at %d in period %d", w.Rendition.ID,
				seg.MSN, seg.Start, seg.Period.Sequence, before.MSN, before.Start+before.Duration, before.Period.Sequence)
		}
	}
}

func TestAudioAloneIsLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.radio(t)
		if err := p.send(20 * time.Second); err != nil {
			t.Fatal(err)
		}
		view := g.presentation(t)
		if len(view.Windows) != 1 || view.TargetDuration != 2 {
			t.Fatalf("%d windows, target duration %d; want audio alone, 2 s", len(view.Windows), view.TargetDuration)
		}
		w := view.Windows[0]
		expectNumbered(t, w)
		if len(w.Segments) < 8 || w.Rendition.Codecs != "mp4a.40.2" {
			t.Errorf("%d segments of %q in 20 s", len(w.Segments), w.Rendition.Codecs)
		}
		for i, seg := range w.Segments {
			mark := w.Segments[0].Start + media.Ticks(i)*2*48_000
			if off := seg.Start - mark; off > 513 || off < -513 || seg.Duration%1024 != 0 {
				t.Errorf("segment %d starts %d samples off the 2 s mark and lasts %d", i, off, seg.Duration)
			}
		}
		advance(time.Second)
		synctest.Wait()
		if st, _ := g.Stream("main"); st.State != live.Live || st.Video != nil || !g.found("no_video") {
			t.Errorf("status %+v, want live without video, and the creator told", st)
		}
		p.session.Close(ingest.End{OnPurpose: true})
		if !g.presentation(t).Ended {
			t.Error("not ended")
		}
	})
}

func TestVideoJoinsAudioAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		p := g.radio(t)
		if err := p.send(9 * time.Second); err != nil {
			t.Fatal(err)
		}
		p.tracks()
		if err := p.send(11 * time.Second); err != nil {
			t.Fatal(err)
		}
		view := g.presentation(t)
		if len(view.Windows) != 2 || view.Windows[0].Rendition.Kind != media.Video {
			t.Fatalf("%d windows", len(view.Windows))
		}
		video, audio := view.Windows[0], view.Windows[1]
		expectNumbered(t, video)
		expectNumbered(t, audio)
		last := audio.Segments[len(audio.Segments)-1]
		if len(audio.Segments) < 8 || last.Period.Sequence != audio.Segments[0].Period.Sequence+1 {
			t.Errorf("%d segments of audio, the last in period %d", len(audio.Segments), last.Period.Sequence)
		}
		if newest := video.Segments[len(video.Segments)-1]; newest.MSN != last.MSN || newest.Period != last.Period {
			t.Errorf("video is at segment %d, audio at %d", newest.MSN, last.MSN)
		}
		p.session.Close(ingest.End{OnPurpose: true})
	})
}

// A publisher of video that returns with audio alone keeps the set of
// renditions; video is announced as missing, and comes back with it.
func TestVideoStaysAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, t.TempDir())
		defer g.stop()
		for _, publish := range []func(*testing.T) *publisher{g.publish, g.radio, g.publish} {
			p := publish(t)
			if err := p.send(9 * time.Second); err != nil {
				t.Fatal(err)
			}
			p.session.Close(ingest.End{Err: errors.New("connection reset")})
			synctest.Wait()
		}
		view := g.presentation(t)
		if len(view.Windows) != 2 {
			t.Fatalf("%d windows", len(view.Windows))
		}
		var states []byte
		for _, seg := range view.Windows[0].Segments {
			states = append(states, map[bool]byte{true: '-', false: '+'}[seg.Gap])
		}
		if string(states) != "+++++----+++++" {
			t.Errorf("video is %s", states)
		}
		for _, w := range view.Windows {
			expectNumbered(t, w)
			if n := len(w.Segments); n != len(states) {
				t.Errorf("%s has %d segments", w.Rendition.ID, n)
			}
		}
	})
}
