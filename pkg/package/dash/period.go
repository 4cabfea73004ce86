package dash

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"

	"weir/pkg/media"
)

// period is what a window holds of one media.Period.
type period struct {
	*media.Period
	// end is where its last segment ends, at 90 kHz.
	end media.Ticks
}

func (p period) duration() time.Duration {
	return media.VideoTimescale.Duration(p.end - p.Start)
}

// periodsOf lists the periods that have a segment, oldest first.
func periodsOf(p *media.Presentation) []period {
	var all []period
	for _, w := range p.Windows {
		for _, seg := range w.Segments {
			end := media.Rescale(seg.Start+seg.Duration, w.Rendition.Timescale, media.VideoTimescale)
			i := slices.IndexFunc(all, func(p period) bool { return p.Sequence == seg.Period.Sequence })
			if i < 0 {
				all = append(all, period{Period: seg.Period, end: end})
				continue
			}
			all[i].end = max(all[i].end, end)
		}
	}
	slices.SortFunc(all, func(a, b period) int { return int(a.Sequence) - int(b.Sequence) })
	return all
}

// element writes the Period (5.3.2). All but the last have a duration, since
// time may pass before the next one starts.
func (p period) element(presentation *media.Presentation, index int, all []period) *mpd.Period {
	e := mpd.NewPeriod()
	e.Id = "p" + strconv.FormatInt(media.VideoTimescale.Duration(p.Start).Milliseconds(), 10)
	if !presentation.Ended {
		e.Start = new(mpd.Duration(media.VideoTimescale.Duration(p.Start)))
	} else if index == 0 {
		e.Start = new(mpd.Duration(0))
	}
	if presentation.Ended || index < len(all)-1 {
		e.Duration = new(mpd.Duration(p.duration()))
	}
	for id, kind := range []media.Kind{media.Video, media.Audio} {
		if set := p.adaptationSet(presentation, kind); set != nil {
			set.Id = new(uint32(id))
			e.AppendAdaptationSet(set)
		}
	}
	return e
}

// adaptationSet lists the renditions of a kind (5.3.3), nil if there is none.
func (p period) adaptationSet(presentation *media.Presentation, kind media.Kind) *mpd.AdaptationSetType {
	set := mpd.NewAdaptationSetWithParams(kind.String(), kind.String()+"/mp4", true, 1)
	for _, w := range presentation.Windows {
		if w.Rendition.Kind != kind {
			continue
		}
		if r := p.representation(w); r != nil {
			set.AppendRepresentation(r)
			set.MaxWidth = max(set.MaxWidth, r.Width)
			set.MaxHeight = max(set.MaxHeight, r.Height)
		}
	}
	if len(set.Representations) == 0 {
		return nil
	}
	set.Roles = []*mpd.DescriptorType{mpd.NewRole("main")}
	if kind == media.Audio {
		set.Lang = "und"
	}
	return set
}

// representation describes one rendition within the period (5.3.5), nil if it
// has no segment there.
func (p period) representation(w *media.Window) *mpd.RepresentationType {
	timeline, init := p.timeline(w)
	if len(timeline.S) == 0 {
		return nil
	}
	r := w.Rendition
	codecs := r.Codecs
	if init.Codecs != "" {
		codecs = init.Codecs
	}
	var e *mpd.RepresentationType
	if r.Kind == media.Video {
		t := init.Track
		e = mpd.NewVideoRepresentation(r.ID, codecs, "", rate(t.FrameRate), r.Bandwidth, t.Width, t.Height)
		e.Sar = sampleAspect(t)
	} else {
		e = mpd.NewAudioRepresentation(r.ID, codecs, "", r.Bandwidth, init.Track.SampleRate)
		e.AudioChannelConfigurations = []*mpd.DescriptorType{mpd.NewDescriptor(
			"urn:mpeg:dash:23003:3:audio_channel_configuration:2011", strconv.Itoa(init.Track.Channels), "")}
	}
	e.SegmentTemplate = mpd.NewSegmentTemplate()
	e.SegmentTemplate.Timescale = new(uint32(r.Timescale))
	e.SegmentTemplate.PresentationTimeOffset = new(uint64(media.Rescale(p.Start, media.VideoTimescale, r.Timescale)))
	e.SegmentTemplate.Media = "$RepresentationID$/$Time$.m4s"
	e.SegmentTemplate.Initialization = fmt.Sprintf("$RepresentationID$/init-%s.mp4", init.Hash)
	e.SegmentTemplate.SegmentTimeline = timeline
	return e
}

// timeline lists the rendition's own segments of the period (5.3.9.6) and
// returns the init segment that decodes them. A gap is a hole: the next S
// says where it goes on.
func (p period) timeline(w *media.Window) (*mpd.SegmentTimelineType, *media.Init) {
	timeline := mpd.NewSegmentTimeline()
	var init *media.Init
	var next media.Ticks
	for _, seg := range w.Segments {
		if seg.Period.Sequence != p.Sequence || seg.Gap || seg.Init == nil {
			continue
		}
		init = seg.Init
		n := len(timeline.S)
		if n > 0 && seg.Start == next && timeline.S[n-1].D == uint64(seg.Duration) {
			timeline.S[n-1].R++
		} else {
			s := &mpd.S{D: uint64(seg.Duration)}
			if n == 0 || seg.Start != next {
				s.T = new(uint64(seg.Start))
			}
			timeline.S = append(timeline.S, s)
		}
		next = seg.Start + seg.Duration
	}
	return timeline, init
}

// rate is a frame rate as FrameRateType spells it; empty if it varies.
func rate(r media.Rational) string {
	if !r.Known() {
		return ""
	}
	return r.String()
}

// sampleAspect is @sar, 1:1 where the track says nothing.
func sampleAspect(t *media.Track) mpd.RatioType {
	if !t.SampleAspect.Known() {
		return "1:1"
	}
	return mpd.RatioType(fmt.Sprintf("%d:%d", t.SampleAspect.Num, t.SampleAspect.Den))
}
