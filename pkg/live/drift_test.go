package live_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// sample is one that a viewer gets: the number that the publisher gave it, and
// when it is played, in seconds.
type sample struct {
	number uint32
	at     float64
}

// samples reads the boxes of a window; from is where the number is in Data.
// It fails where times do not follow each other to the tick.
func samples(t *testing.T, w *media.Window, from int) []sample {
	t.Helper()
	var all []sample
	next := uint64(0)
	for _, seg := range w.Segments {
		raw := bytes.Clone(seg.Init.Bytes)
		for _, part := range seg.Parts {
			raw = append(raw, part.Bytes...)
		}
		file, err := mp4.DecodeFile(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		for _, piece := range file.Segments {
			for _, fragment := range piece.Fragments {
				full, err := fragment.GetFullSamples(file.Init.Moov.Mvex.Trex)
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range full {
					if next != 0 && s.DecodeTime != next {
						t.Fatalf("%s: a sample at %d, the one before ends at %d", w.Rendition.ID, s.DecodeTime, next)
					}
					if w.Rendition.Kind == media.Audio && s.Dur != 1024 {
						t.Fatalf("an AAC frame of %d samples", s.Dur)
					}
					next = s.DecodeTime + uint64(s.Dur)
					all = append(all, sample{binary.BigEndian.Uint32(s.Data[from:]), float64(s.DecodeTime) / float64(w.Rendition.Timescale)})
				}
			}
		}
	}
	return all
}

// An hour of 44.1 kHz whose clock is 100 ppm wrong: in what viewers get, every
// frame of audio stands beside its picture, and no tick is missing or twice.
func TestAudioStaysBesideVideoForAnHour(t *testing.T) {
	for name, ppm := range map[string]float64{"slow": 100, "fast": -100} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate(t, t.TempDir())
				defer g.stop()
				p := g.publish(t)
				p.audio.SampleRate, p.audio.Config, p.ppm = 44_100, ingest.LCConfig(44_100, 2), ppm
				var worst float64
				for range 60 {
					if err := p.send(time.Minute); err != nil {
						t.Fatal(err)
					}
					view := g.presentation(t)
					video := samples(t, view.Windows[0], 5)[0]
					for _, s := range samples(t, view.Windows[1], 1) {
						heard := s.at - video.at
						meant := float64(s.number)*1024/44_100*(1+ppm/1e6) - float64(video.number)*0.040
						worst = max(worst, math.Abs(heard-meant))
					}
				}
				t.Logf("%.1f ms off at worst", 1000*worst)
				if worst > 0.020 {
					t.Errorf("audio is %.1f ms off", 1000*worst)
				}
				st, _ := g.Stream("main")
				if n := st.Repairs.AudioRepeated + st.Repairs.AudioDropped; n < 14 || n > 17 || st.Repairs.SilenceInserted > 0 {
					t.Errorf("%+v, want a frame in 232 s", st.Repairs)
				}
				p.session.Close(ingest.End{OnPurpose: true})
			})
		})
	}
}

// An encoder whose clock is wrong for an hour breaks no promise: dates follow our
// clock, and parts and segments last as long as they may.
func TestDriftBreaksNoPromise(t *testing.T) {
	for name, ppm := range map[string]float64{"fast": 200, "slow": -200} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate(t, t.TempDir())
				defer g.stop()
				p := g.publish(t)
				p.fast = ppm
				for range 60 {
					if err := p.send(time.Minute); err != nil {
						t.Fatal(err)
					}
					for _, w := range g.expectConsistent(t).Windows {
						for _, seg := range w.Segments {
							for i, part := range seg.Parts {
								d := w.Rendition.Timescale.Duration(part.Duration)
								if d > 350*time.Millisecond || i < len(seg.Parts)-1 && d < 297*time.Millisecond {
									t.Errorf("%s: part %d of segment %d lasts %v", w.Rendition.ID, i, seg.MSN, d)
								}
							}
						}
						last := w.Segments[len(w.Segments)-1]
						date := w.Rendition.Timescale.Time(last.Start + last.Duration)
						if behind := time.Since(date); behind < -100*time.Millisecond || behind > 2100*time.Millisecond {
							t.Errorf("%s: the newest segment ends %v ago", w.Rendition.ID, behind)
						}
					}
				}
				st, _ := g.Stream("main")
				if r := st.Repairs; r.ClockSlews < 100 || r.Jumps+r.Restarts+r.Nudged > 0 || r.AudioRepeated+r.AudioDropped > 8 {
					t.Errorf("%+v", r)
				}
				p.session.Close(ingest.End{OnPurpose: true})
			})
		})
	}
}
