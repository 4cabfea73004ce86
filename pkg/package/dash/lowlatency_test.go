package dash_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"
	"pgregory.net/rapid"

	"weir/pkg/media"
	"weir/pkg/package/dash"
	"weir/pkg/package/internal/scene"
)

// lowScenes are those with something that is open, and one without.
func lowScenes() (some []scene.Scene) {
	for _, s := range scenes() {
		if strings.HasPrefix(s.Name, "low-latency") || s.Name == "live" {
			some = append(some, s)
		}
	}
	return some
}

func lowManifest(tb failer, p *media.Presentation) []byte {
	tb.Helper()
	text, err := dash.Manifest(p, dash.Options{LowLatency: true})
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// failer is a test of either kind.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func lowGoldenFile(scene string) string { return goldenFile("ll-" + scene) }

func TestLowLatencyGolden(t *testing.T) {
	for _, s := range lowScenes() {
		t.Run(s.Name, func(t *testing.T) {
			got, file := lines(lowManifest(t, s.Presentation)), lowGoldenFile(s.Name)
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v; make golden writes it", err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s has changed (make golden, then read the diff); now:\n%s", file, got)
			}
		})
	}
}

// TestLowLatencyRules holds the golden files to what low-latency players need:
// ISO/IEC 23009-1, 5.3.9.5.3 (availability), 5.12 (ProducerReferenceTime) and
// K.3.2 (ServiceDescription).
func TestLowLatencyRules(t *testing.T) {
	for _, s := range lowScenes() {
		t.Run(s.Name, func(t *testing.T) {
			m, err := mpd.ReadFromFile(lowGoldenFile(s.Name))
			if err != nil {
				t.Fatalf("it cannot be read back: %v", err)
			}
			typeRules(t, m, false)
			periodRules(t, m, false)
			serviceRules(t, m)
			for _, period := range m.Periods {
				for _, set := range period.AdaptationSets {
					setRules(t, set)
					for _, r := range set.Representations {
						timelineRules(t, period, r, false)
						availabilityRules(t, period, r, r.Id != scene.Top)
					}
				}
			}
			everySegment(t, m, opened(s.Presentation))
		})
	}
}

// serviceRules: players are told where to stay, and it is where they can.
func serviceRules(t *testing.T, m *mpd.MPD) {
	t.Helper()
	if len(m.ServiceDescription) != 1 {
		t.Fatalf("%d service descriptions", len(m.ServiceDescription))
	}
	d := m.ServiceDescription[0]
	l, rate := d.Latencies[0], d.PlaybackRates[0]
	if *l.Min >= *l.Target || *l.Target >= *l.Max || rate.Min >= 1 || rate.Max <= 1 {
		t.Errorf("latency %d of %d to %d ms at rates of %v to %v", *l.Target, *l.Min, *l.Max, rate.Min, rate.Max)
	}
	delay := time.Duration(*m.SuggestedPresentationDelay)
	if delay != time.Duration(*l.Target)*time.Millisecond || time.Duration(*m.MinBufferTime) >= delay || time.Duration(*m.MinimumUpdatePeriod) >= delay {
		t.Errorf("suggestedPresentationDelay %s, minBufferTime %s, minimumUpdatePeriod %s", delay, m.MinBufferTime, m.MinimumUpdatePeriod)
	}
}

// availabilityRules: a segment can be asked for when a part of it is there, an
// encoded one later, and media time is Unix time.
func availabilityRules(t *testing.T, p *mpd.Period, r *mpd.RepresentationType, encoded bool) {
	t.Helper()
	template := r.SegmentTemplate
	want := 2 - 0.35
	if encoded {
		want -= 0.5
	}
	if early := float64(template.AvailabilityTimeOffset); early != want || template.AvailabilityTimeComplete == nil || *template.AvailabilityTimeComplete {
		t.Errorf("%s: availabilityTimeOffset %v, want %v; complete %v", r.Id, early, want, template.AvailabilityTimeComplete)
	}
	if len(r.ProducerReferenceTimes) != 1 {
		t.Fatalf("%s has %d ProducerReferenceTimes", r.Id, len(r.ProducerReferenceTimes))
	}
	reference := r.ProducerReferenceTimes[0]
	clock, err := time.Parse(time.RFC3339, reference.WallClockTime)
	at := media.Timescale(template.GetTimescale()).Time(media.Ticks(reference.PresentationTime))
	if err != nil || !clock.Equal(at) || !reference.Inband || clock.UnixNano() != int64(*p.Start) && clock.Sub(time.Unix(0, int64(*p.Start))).Abs() > time.Microsecond {
		t.Errorf("%s: media time %s was published at %s, %v", r.Id, at, clock, err)
	}
}

// opened is p with the open segments listed, as a stream's owner would.
func opened(p *media.Presentation) *media.Presentation {
	all := *p
	all.Windows = nil
	for _, w := range p.Windows {
		longer := *w
		if len(w.Open) > 0 {
			var longest media.Ticks
			for _, seg := range w.Segments {
				longest = max(longest, seg.Duration)
			}
			longer.Segments = append(longer.Segments[:len(w.Segments):len(w.Segments)], &media.Segment{
				Start: w.Open[0].Start, Duration: longest, Init: w.OpenInit,
			})
		}
		all.Windows = append(all.Windows, &longer)
	}
	return &all
}

func TestLowLatencyEnds(t *testing.T) {
	for _, s := range scenes() {
		if s.Ended && !bytes.Equal(lowManifest(t, s.Presentation), manifest(t, s.Presentation)) {
			t.Errorf("%s: the low-latency MPD of a stream that has ended is another", s.Name)
		}
	}
}

// TestOpenSegmentLastsLongEnough: players that are told too short a duration ask
// for the same segment again.
func TestOpenSegmentLastsLongEnough(t *testing.T) {
	shape := scene.Shape{Rate: media.Rational{Num: 30, Den: 1}, Sampling: 48_000}
	for name, c := range map[string]struct {
		parts int
		want  time.Duration
	}{
		"the first of all":   {1, 2 * time.Second},
		"longer than others": {9, 2500 * time.Millisecond},
	} {
		s := scene.New(shape).Open(1).Presentation()
		w := s.Windows[0]
		first := w.Open[0]
		for len(w.Open) < c.parts {
			w.Open = append(w.Open, first)
		}
		text := lowManifest(t, s)
		if want := fmt.Sprintf(`<S t="%d" d="%d">`, first.Start, media.VideoTimescale.Ticks(c.want)); !bytes.Contains(text, []byte(want)) {
			t.Errorf("%s: want %s in\n%s", name, want, text)
		}
	}
}

// TestLowPublishTimeGrows is TestPublishTimeGrows where a segment is published
// twice: when it opens and when it is complete.
func TestLowPublishTimeGrows(t *testing.T) {
	shapes := []scene.Shape{
		{Rate: media.Rational{Num: 30_000, Den: 1001}, Sampling: 44_100},
		{Rate: media.Rational{Num: 25, Den: 1}, Sampling: 48_000},
	}
	rapid.Check(t, func(t *rapid.T) {
		whole := scene.New(rapid.SampledFrom(shapes).Draw(t, "shape"))
		for range rapid.IntRange(1, 3).Draw(t, "periods") {
			whole.Publish(rapid.IntRange(1, 7).Draw(t, "segments"))
			whole.Break(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "pause"))*time.Millisecond, 1)
		}
		all := whole.Presentation()
		window := rapid.IntRange(2, 15).Draw(t, "window")
		published, open := make([]int, len(all.Windows)), make([]bool, len(all.Windows))
		var before time.Time
		for {
			i, ok := next(t, all, published, window)
			if !ok {
				return
			}
			if open[i] = !open[i]; !open[i] {
				published[i]++
			}
			p := view(all, published, window)
			for i, w := range p.Windows {
				if open[i] {
					seg := all.Windows[i].Segments[published[i]]
					w.Open, w.OpenPeriod, w.OpenInit = seg.Parts[:1], seg.Period, seg.Init
				}
			}
			match := publishTimeAttr.FindSubmatch(lowManifest(t, p))
			at, err := time.Parse(time.RFC3339, string(match[1]))
			if err != nil || !at.After(before) {
				t.Fatalf("publishTime %s after %s; published %v, open %v, %v", at, before, published, open, err)
			}
			before = at
		}
	})
}
