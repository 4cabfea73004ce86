package dash_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"

	"weir/pkg/media"
	"weir/pkg/package/internal/scene"
)

// TestRules holds every golden file to ISO/IEC 23009-1, read by a parser.
func TestRules(t *testing.T) {
	for _, s := range scenes() {
		t.Run(s.Name, func(t *testing.T) {
			text, err := os.ReadFile(goldenFile(s.Name))
			if err != nil {
				t.Fatalf("%v; make golden writes it", err)
			}
			m, err := mpd.ReadFromString(string(text))
			if err != nil {
				t.Fatalf("it cannot be read back: %v", err)
			}
			typeRules(t, m, s.Ended)
			periodRules(t, m, s.Ended)
			for _, period := range m.Periods {
				for _, set := range period.AdaptationSets {
					setRules(t, set)
					for _, r := range set.Representations {
						timelineRules(t, period, r, s.Ended)
					}
				}
			}
			everySegment(t, m, s.Presentation)
		})
	}
}

// typeRules: which attributes an MPD has depends on its type (5.3.1.2).
func typeRules(t *testing.T, m *mpd.MPD, ended bool) {
	t.Helper()
	want := mpd.DYNAMIC_TYPE
	if ended {
		want = mpd.STATIC_TYPE
	}
	if m.GetType() != want {
		t.Errorf("type %s, want %s", m.GetType(), want)
	}
	if m.MinBufferTime == nil || m.MaxSegmentDuration == nil || m.Profiles == "" {
		t.Error("minBufferTime, maxSegmentDuration and profiles have to be there")
	}
	for name, is := range map[string]bool{
		"availabilityStartTime":      m.AvailabilityStartTime == "1970-01-01T00:00:00Z",
		"publishTime":                m.PublishTime != "",
		"minimumUpdatePeriod":        m.MinimumUpdatePeriod != nil,
		"timeShiftBufferDepth":       m.TimeShiftBufferDepth != nil,
		"suggestedPresentationDelay": m.SuggestedPresentationDelay != nil,
		"UTCTiming":                  len(m.UTCTimings) == 1,
	} {
		if is == ended {
			t.Errorf("%s: %v in an MPD of type %s", name, is, m.GetType())
		}
	}
	if (m.MediaPresentationDuration != nil) != ended {
		t.Errorf("mediaPresentationDuration: %v", m.MediaPresentationDuration)
	}
}

// periodRules: periods follow each other without an overlap, ids differ, and
// each has something to play (5.3.2.1, 5.3.2.2).
func periodRules(t *testing.T, m *mpd.MPD, ended bool) {
	t.Helper()
	ids := make(map[string]bool)
	var at mpd.Duration
	for i, p := range m.Periods {
		if ids[p.Id] || p.Id == "" {
			t.Errorf("Period@id %q names two periods", p.Id)
		}
		ids[p.Id] = true
		if len(p.AdaptationSets) == 0 {
			t.Errorf("period %s has nothing to play", p.Id)
		}
		if (p.Start != nil) != (!ended || i == 0) {
			t.Errorf("period %s: start %v", p.Id, p.Start)
		}
		if (p.Duration != nil) != (ended || i < len(m.Periods)-1) {
			t.Errorf("period %s: duration %v", p.Id, p.Duration)
		}
		if p.Start != nil && *p.Start < at-mpd.Duration(time.Microsecond) {
			t.Errorf("period %s starts at %s, before the one before it ends at %s", p.Id, p.Start, &at)
		}
		if p.Start != nil {
			at = *p.Start
		}
		if p.Duration != nil {
			at += *p.Duration
		}
	}
	// The parser goes by way of a float, so a microsecond is nothing.
	if ended && time.Duration(at-*m.MediaPresentationDuration).Abs() > time.Microsecond {
		t.Errorf("the periods last %s, and the presentation %s", &at, m.MediaPresentationDuration)
	}
}

// setRules: what a player chooses by (5.3.3, 5.3.5, 5.3.7). The ids of sets
// are the same in every period.
func setRules(t *testing.T, set *mpd.AdaptationSetType) {
	t.Helper()
	kind := string(set.ContentType)
	want := map[string]uint32{scene.Sound: 1, scene.Dub: 4, scene.Described: 5}[set.Representations[0].Id]
	if set.Id == nil || *set.Id != want {
		t.Errorf("AdaptationSet of %s has id %v, want %d", kind, set.Id, want)
	}
	if kind == "audio" && (set.Lang == "" || len(set.Roles) != 1 || len(set.Representations) != 1) {
		t.Errorf("AdaptationSet %d: lang %q, %d roles, %d Representations", want, set.Lang, len(set.Roles), len(set.Representations))
	}
	if set.MimeType != kind+"/mp4" || !set.SegmentAlignment || set.StartWithSAP != 1 {
		t.Errorf("AdaptationSet of %s: %q, alignment %v, SAP %d", kind, set.MimeType, set.SegmentAlignment, set.StartWithSAP)
	}
	for _, r := range set.Representations {
		if r.Codecs == "" || r.Bandwidth == 0 {
			t.Errorf("Representation %s: codecs %q, bandwidth %d", r.Id, r.Codecs, r.Bandwidth)
		}
		switch kind {
		case "video":
			if r.Width == 0 || r.Height == 0 || r.Width > set.MaxWidth || r.Height > set.MaxHeight || r.Sar == "" {
				t.Errorf("Representation %s is %dx%d (%s) of at most %dx%d", r.Id, r.Width, r.Height, r.Sar, set.MaxWidth, set.MaxHeight)
			}
		case "audio":
			if r.AudioSamplingRate == nil || len(r.AudioChannelConfigurations) != 1 {
				t.Errorf("Representation %s: rate %v, %d channel configurations", r.Id, r.AudioSamplingRate, len(r.AudioChannelConfigurations))
			}
		}
	}
}

// timelineRules: the offset is the period's start exactly, while live, and no
// segment overlaps another or the period's start by more than half a frame of
// audio (5.3.9.2, 5.3.9.6).
func timelineRules(t *testing.T, p *mpd.Period, r *mpd.RepresentationType, ended bool) {
	t.Helper()
	template := r.GetSegmentTemplate()
	scale := media.Timescale(template.GetTimescale())
	offset := media.Ticks(*template.PresentationTimeOffset)
	if start := time.Duration(media.Rescale(offset, scale, media.Timescale(time.Second))); !ended && (start-time.Duration(*p.Start)).Abs() > time.Microsecond {
		t.Errorf("%s in %s: the offset is %s, and the period starts at %s", r.Id, p.Id, start, time.Duration(*p.Start))
	}
	if grid := media.Ticks(scale) / 100; offset%grid != 0 {
		t.Errorf("%s in %s: the offset %d is not on the grid of 10 ms and so not exact", r.Id, p.Id, offset)
	}
	segments := expand(template.SegmentTimeline)
	if first := segments[0].start - offset; first < -512 || p.Start == nil && first > media.Ticks(scale) {
		t.Errorf("%s in %s starts %d ticks off its period", r.Id, p.Id, first)
	}
	for i := 1; i < len(segments); i++ {
		if before := segments[i-1]; segments[i].start < before.start+before.duration {
			t.Errorf("%s in %s: segment %d overlaps the one before", r.Id, p.Id, i)
		}
	}
	last := segments[len(segments)-1]
	end := scale.Duration(last.start + last.duration - offset)
	const slack = 20 * time.Millisecond // half a frame of audio and the grid of the next period
	if p.Duration != nil && end > time.Duration(*p.Duration)+slack {
		t.Errorf("%s in %s ends after %s of %s", r.Id, p.Id, end, p.Duration)
	}
}

// listed is one segment of a timeline.
type listed struct{ start, duration media.Ticks }

// expand writes out a SegmentTimeline (5.3.9.6).
func expand(timeline *mpd.SegmentTimelineType) (all []listed) {
	var at media.Ticks
	for _, s := range timeline.S {
		if s.T != nil {
			at = media.Ticks(*s.T)
		}
		for range s.R + 1 {
			all = append(all, listed{at, media.Ticks(s.D)})
			at += media.Ticks(s.D)
		}
	}
	return all
}

// everySegment: what a player would ask for is what there is, to the tick: no
// gap is listed, and no segment is missing.
func everySegment(t *testing.T, m *mpd.MPD, p *media.Presentation) {
	t.Helper()
	asked := make(map[string][]string)
	for _, period := range m.Periods {
		for _, set := range period.AdaptationSets {
			for _, r := range set.Representations {
				template := r.GetSegmentTemplate()
				for _, s := range expand(template.SegmentTimeline) {
					asked[r.Id] = append(asked[r.Id], fmt.Sprintf("%s+%d with %s",
						strings.NewReplacer("$RepresentationID$", r.Id, "$Time$", fmt.Sprint(s.start)).Replace(template.Media),
						s.duration, strings.ReplaceAll(template.Initialization, "$RepresentationID$", r.Id)))
				}
			}
		}
	}
	for _, w := range p.Windows {
		var there []string
		id := w.Rendition.ID
		for _, seg := range w.Segments {
			if !seg.Gap {
				there = append(there, fmt.Sprintf("%s/%d.m4s+%d with %s/init-%s.mp4", id, seg.Start, seg.Duration, id, seg.Init.Hash))
			}
		}
		if got, want := strings.Join(asked[id], "\n"), strings.Join(there, "\n"); got != want {
			t.Errorf("a player asks for\n%s\nwhere there is\n%s", got, want)
		}
	}
}
