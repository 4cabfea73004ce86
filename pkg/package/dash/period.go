package dash

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"

	"weir/pkg/media"
)

// grid is 10 ms, on which periods start: a whole number of ticks at every
// timescale in use (see media.Period).
const grid = media.Ticks(media.VideoTimescale / 100)

// period is what a window holds of one media.Period.
type period struct {
	*media.Period
	// start is where the Period's time 0 lies, on the grid, and end where its
	// last segment ends, both at 90 kHz.
	start, end media.Ticks
}

// duration is in whole milliseconds, which is all that the XML can say, and
// not less than what is there.
func (p period) duration() time.Duration {
	const ms = media.Ticks(media.VideoTimescale / 1000)
	return time.Duration((p.end-p.start+ms-1)/ms) * time.Millisecond
}

// periodsOf lists the periods that have a segment to play, oldest first. While
// p is live they start where the media.Period does, for ever; a recording
// starts with what is left in the window.
func periodsOf(p *media.Presentation) []period {
	var all []period
	for _, w := range p.Windows {
		for _, seg := range w.Segments {
			if !playable(seg) {
				continue
			}
			scale := timescale(seg, w)
			start := media.Rescale(seg.Start, scale, media.VideoTimescale)
			end := media.Rescale(seg.Start+seg.Duration, scale, media.VideoTimescale)
			i := slices.IndexFunc(all, func(p period) bool { return p.Sequence == seg.Period.Sequence })
			if i < 0 {
				all = append(all, period{Period: seg.Period, start: start, end: end})
				continue
			}
			all[i].start, all[i].end = min(all[i].start, start), max(all[i].end, end)
		}
	}
	slices.SortFunc(all, func(a, b period) int { return cmp.Compare(a.Sequence, b.Sequence) })
	if !p.Ended {
		all = complete(p, all)
	}
	for i := range all {
		all[i].start = max(all[i].Start, all[i].start-all[i].start%grid)
		if !p.Ended {
			all[i].start = all[i].Start
		}
		if i > 0 { // it may start up to 10 ms before its first boundary
			all[i-1].end = min(all[i-1].end, all[i].Start)
		}
	}
	return all
}

// patience is how many segments of a new period are kept back for a rendition
// that has none in it yet.
const patience = 3

// complete leaves out a new period until every rendition has come to it: players
// take what a Period offers when they first see it, and miss for good what
// appears in it later. The first period is all that there is and not kept back.
func complete(p *media.Presentation, all []period) []period {
	for i := 1; i < len(all); i++ {
		missing, most := false, 0
		for _, w := range p.Windows {
			n := len(w.Segments)
			missing = missing || n == 0 || w.Segments[n-1].Period.Sequence < all[i].Sequence
			count := 0
			for _, seg := range w.Segments {
				if seg.Period.Sequence == all[i].Sequence {
					count++
				}
			}
			most = max(most, count)
		}
		if missing && most < patience {
			return all[:i]
		}
	}
	return all
}

// timescale is that of a segment of w. Its own init segment knows it best: a
// publisher may come back with another sampling rate.
func timescale(seg *media.Segment, w *media.Window) media.Timescale {
	if seg.Init != nil {
		return seg.Init.Track.Timescale
	}
	return w.Rendition.Timescale
}

// playable reports whether there is anything to play of a segment.
func playable(seg *media.Segment) bool { return !seg.Gap && seg.Init != nil }

// element writes the Period (5.3.2). All but the last have a duration, since
// time may pass before the next one starts.
func (p period) element(presentation *media.Presentation, index int, all []period) *mpd.Period {
	e := mpd.NewPeriod()
	e.Id = "p" + strconv.FormatInt(media.VideoTimescale.Duration(p.Start).Milliseconds(), 10)
	if !presentation.Ended {
		e.Start = new(mpd.Duration(media.VideoTimescale.Duration(p.start)))
	} else if index == 0 {
		e.Start = new(mpd.Duration(0))
	}
	if presentation.Ended || index < len(all)-1 {
		e.Duration = new(mpd.Duration(p.duration()))
	}
	for id, member := range memberships(presentation) {
		if set := p.adaptationSet(presentation, member); set != nil {
			set.Id = new(uint32(id))
			e.AppendAdaptationSet(set)
		}
	}
	preferFirst(e)
	return e
}

// membership says which tracks are in an AdaptationSet.
type membership struct {
	kind media.Kind
	is   func(media.Codec) bool
	// audio is the one rendition that is in it, nil for video.
	audio *media.Rendition
}

// memberships are the AdaptationSets, the place of each its id. Players choose
// one before they adapt within it, and not all can change the codec as they go. Each
// audio rendition has one of its own: viewers choose it, not the network.
func memberships(of *media.Presentation) []membership {
	is := func(codec media.Codec) func(media.Codec) bool {
		return func(c media.Codec) bool { return c == codec }
	}
	isAny := func(media.Codec) bool { return true }
	all := []membership{
		{media.Video, func(c media.Codec) bool { return c != media.HEVC && c != media.AV1 }, nil},
		{media.Audio, isAny, nil},
		{media.Video, is(media.HEVC), nil},
		{media.Video, is(media.AV1), nil},
	}
	for i, r := range of.Audio() {
		if i == 0 {
			all[1].audio = r
		} else {
			all = append(all, membership{media.Audio, isAny, r})
		}
	}
	return all
}

// preferFirst has players begin with the first set of a kind where there are others.
// Of video that is the ladder: the others have one Representation and nothing to
// adapt to. Of audio it is the default rendition.
func preferFirst(e *mpd.Period) {
	sets := map[mpd.RFC6838ContentTypeType][]*mpd.AdaptationSetType{}
	for _, set := range e.AdaptationSets {
		sets[set.ContentType] = append(sets[set.ContentType], set)
	}
	for _, alike := range sets {
		if len(alike) > 1 {
			alike[0].SelectionPriority = new(uint32(2)) // 1 is the default
		}
	}
}

// adaptationSet lists the renditions of one set (5.3.3), nil if there is none.
func (p period) adaptationSet(presentation *media.Presentation, in membership) *mpd.AdaptationSetType {
	kind := in.kind
	set := mpd.NewAdaptationSetWithParams(kind.String(), kind.String()+"/mp4", true, 1)
	for _, w := range presentation.Windows {
		if w.Rendition.Kind != kind || in.audio != nil && w.Rendition != in.audio {
			continue
		}
		if r := p.representation(w, in); r != nil {
			set.AppendRepresentation(r)
			set.MaxWidth = max(set.MaxWidth, r.Width)
			set.MaxHeight = max(set.MaxHeight, r.Height)
		}
	}
	if len(set.Representations) == 0 {
		return nil
	}
	set.Roles = []*mpd.DescriptorType{mpd.NewRole(string(media.RoleMain))}
	if in.audio != nil {
		describeAudio(set, in.audio, presentation)
	}
	return set
}

// describeAudio says what the viewer chooses by.
func describeAudio(set *mpd.AdaptationSetType, r *media.Rendition, of *media.Presentation) {
	set.Lang = cmp.Or(r.Language, "und")
	role := cmp.Or(r.Role, media.RoleMain)
	set.Roles = []*mpd.DescriptorType{mpd.NewRole(string(role))}
	if purpose := audioPurpose(role); purpose != "" {
		set.Accessibilities = []*mpd.DescriptorType{mpd.NewDescriptor("urn:tva:metadata:cs:AudioPurposeCS:2007", purpose, "")}
	}
	if len(of.Audio()) > 1 {
		set.Labels = []*mpd.LabelType{{Value: r.Name}}
	}
}

// audioPurpose is whom a role serves by TV-Anytime's classification (ETSI TS 102
// 822-3-1, A.13), which players know; empty for nobody in particular.
func audioPurpose(role media.Role) string {
	switch role {
	case media.RoleDescription:
		return "1"
	case media.RoleIntelligibility:
		return "2"
	case media.RoleMain, media.RoleAlternate:
	}
	return ""
}

// representation describes one rendition within the period (5.3.5), nil if it
// has no segment there, or none that belongs into the set.
func (p period) representation(w *media.Window, in membership) *mpd.RepresentationType {
	timeline, init := p.timeline(w)
	if len(timeline.S) == 0 || !in.is(init.Track.Codec) {
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
	scale := init.Track.Timescale
	e.SegmentTemplate.Timescale = new(uint32(scale))
	e.SegmentTemplate.PresentationTimeOffset = new(uint64(media.Rescale(p.start, media.VideoTimescale, scale)))
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
		if seg.Period.Sequence != p.Sequence || !playable(seg) {
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
