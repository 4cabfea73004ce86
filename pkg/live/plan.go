package live

import (
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

const (
	// targetDuration is EXT-X-TARGETDURATION in seconds wherever Weir can make
	// keyframes itself.
	targetDuration = 2
	// slowestTarget is the longest that source mode promises.
	slowestTarget = 10
	// fewCores is the number below which a replaced top rung is capped at
	// cappedHeight lines: encoding 1080p takes more than a core by itself.
	fewCores     = 4
	cappedHeight = 720
	// declaredMargin is what an encoder's declared bit rate may be exceeded
	// by (decision 11), boxes included.
	declaredMargin = 1.25
	// guessedBitsPerPixel gives a passthrough rendition a bandwidth where the
	// encoder declares none; measurement raises it.
	guessedBitsPerPixel = 0.1
)

// plan is what a session's renditions are made of.
type plan struct {
	// source is nil where audio comes alone.
	source, audio *media.Track
	// sounds are the audio tracks that the publisher has named, by their number.
	sounds []sound
	// passthrough is true while the publisher's own pictures are the top
	// rendition; unplayable says why they are not, if it was known at once.
	passthrough bool
	unplayable  string
	// replaced is true once the top rendition is encoded in place of a source
	// that cannot be cut as it is, withdrawn once such a source is not offered
	// beside the ladder any more. capped: the encoded one is smaller.
	replaced, withdrawn, capped bool
	// original is true while they are a rendition beside the ladder, for players
	// that can decode them; never together with passthrough.
	original bool
	// top replaces passthrough; rungs are the ladder below it. tracks are those of
	// the source that are rungs as they are, by the rung's ID.
	top    transcode.Rung
	rungs  []transcode.Rung
	tracks map[string]*media.Track
	target int
	// firstMSN is the session's first media sequence number.
	firstMSN uint64
	// slate is true where nobody publishes: what is declared stays as it is.
	slate bool
}

// encoded lists what the worker makes, in the order of the lanes.
func (p plan) encoded() []transcode.Rung {
	var all []transcode.Rung
	if !p.passthrough && p.source != nil {
		all = append(all, p.top)
	}
	for _, rung := range p.rungs {
		if p.tracks[rung.ID] == nil {
			all = append(all, rung)
		}
	}
	return all
}

// planFor decides what the session is turned into. The rungs of a stream that
// has not ended stay as they are.
func (s *stream) planFor(in *intake) plan {
	if in.video == nil {
		return plan{audio: in.audio, sounds: s.soundsOf(in), target: targetDuration, firstMSN: s.history.nextMSN, slate: in.slate}
	}
	source := s.describeSource(in.video)
	p := plan{
		source: source, audio: in.audio, sounds: s.soundsOf(in),
		unplayable: unplayable(source), target: targetDuration, firstMSN: s.history.nextMSN,
		slate: in.slate,
	}
	p.passthrough = p.unplayable == "" && in.startsClosed() || s.cfg.SourceOnly
	fixed := s.offersVideo() && !s.over
	switch {
	case fixed:
		p.rungs = s.rungs
	case !s.cfg.SourceOnly:
		p.rungs = transcode.Ladder(source, s.cfg.Ladder)
	}
	if s.cfg.SourceOnly {
		p.target = promisedTarget(in.interval)
	} else {
		p.top = s.topRung(source)
		p.original = !p.passthrough && offerable(source) && s.takesOriginal()
	}
	if p.servesSource() {
		p.takeTracks(in.others, s.cfg.Ladder, fixed)
	}
	return p
}

// servesSource reports whether viewers get the publisher's own pictures.
func (p plan) servesSource() bool { return p.passthrough || p.original }

// describeSource is what is known of the source's video.
func (s *stream) describeSource(track *media.Track) *media.Track {
	source := *track
	if source.Bitrate == 0 {
		source.Bitrate = s.metadata.VideoBitrate
	}
	return &source
}

func (s *stream) topRung(source *media.Track) transcode.Rung {
	limit := 0
	if s.cfg.Cores < fewCores {
		limit = cappedHeight
	}
	return transcode.TopRung(source, s.cfg.Ladder, limit)
}

// promisedTarget is the target duration in seconds for a source whose
// keyframes come every interval (90 kHz).
func promisedTarget(interval media.Ticks) int {
	seconds := math.Round(media.VideoTimescale.Duration(interval).Seconds())
	return int(min(max(seconds, targetDuration), slowestTarget))
}

// original is the lane of the publisher's own pictures beside the ladder, nil if
// the set of renditions has none.
func (s *stream) original() *lane {
	video := s.videoLanes()
	if n := len(video); n > 0 && video[n-1].rendition.ID == originalID {
		return video[n-1]
	}
	return nil
}

// takesOriginal reports whether the set of renditions has, or can still be given,
// the publisher's own pictures beside the ladder.
func (s *stream) takesOriginal() bool {
	return !s.offersVideo() || s.over || s.original() != nil
}

// offersVideo reports whether the set of renditions has video.
func (s *stream) offersVideo() bool { return len(s.videoLanes()) > 0 }

// declare fixes the set of renditions at the first publish, and again when a
// stream that has ended is published anew with another set. A stream that was
// audio alone is extended by video.
func (s *stream) declare(p plan) {
	ended, video := s.over, p.source != nil
	s.over = false
	switch {
	case len(s.lanes) == 0 || ended && (s.offersVideo() != video || (s.original() != nil) != p.original || !sameRungs(s.rungs, p.rungs) || !s.sameSounds(p)):
		s.declareAnew(p, ended)
		return
	case ended:
		s.store.Resume()
	case video && !s.offersVideo():
		s.extend(p)
		return
	}
	if video && !p.slate {
		s.replaceRenditions(p)
	}
}

// extend adds video to a stream of audio alone.
func (s *stream) extend(p plan) {
	s.rungs = p.rungs
	renditions := p.videoRenditions()
	s.store.Extend(renditions)
	s.lanes = append(s.newLanes(renditions), s.lanes...)
	s.log.Info("video renditions added", slog.Int("count", len(renditions)))
}

func (s *stream) newLanes(renditions []*media.Rendition) []*lane {
	lanes := make([]*lane, 0, len(renditions))
	for _, r := range renditions {
		lanes = append(lanes, newLane(r, s.history.nextMSN, s.store, s.log))
	}
	return lanes
}

func (s *stream) declareAnew(p plan, ended bool) {
	if ended {
		s.cfg.Store.Remove(s.name)
		s.store = s.cfg.Store.Open(s.name)
	}
	s.rungs, s.target = p.rungs, p.target
	renditions := p.renditions(s.cfg.AudioBitrate)
	s.store.Declare(p.target, partTarget.Seconds(), renditions)
	s.lanes = s.newLanes(renditions)
	s.log.Info("renditions declared", slog.Int("count", len(renditions)), slog.Int("target_duration", p.target))
}

// replaceRenditions tells viewers what a returning publisher's renditions are made
// of.
func (s *stream) replaceRenditions(p plan) {
	s.lanes[0].renew(p.topRendition())
	for i, rung := range p.rungs {
		if l := s.lanes[i+1]; l.rendition.Passthrough || p.tracks[rung.ID] != nil {
			l.renew(p.rungRendition(rung))
		}
	}
	if p.original {
		s.original().renew(p.originalRendition())
	}
}

// renew tells viewers of a rendition that is made of something else from now on.
func (l *lane) renew(r *media.Rendition) {
	if old := l.rendition; old.Codecs != "" { // until there are segments of another kind
		r.Codecs, r.Timescale = old.Codecs, old.Timescale
		r.Width, r.Height = old.Width, old.Height
		r.Bandwidth = max(r.Bandwidth, old.Bandwidth) // what is listed still was measured
		// Whether frames come at a constant rate holds at once: parts need it.
		if r.FrameRate.Known() == old.FrameRate.Known() {
			r.FrameRate = old.FrameRate
		}
	}
	l.replace(r)
}

func sameRungs(a, b []transcode.Rung) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].ID != b[i].ID {
			return false
		}
	}
	return true
}

// renditions is the fixed set, best first, audio last.
func (p plan) renditions(audioBitrate int) []*media.Rendition {
	return append(p.videoRenditions(), p.audioRenditions(audioBitrate)...)
}

// videoRenditions are those of the set that audio alone has not.
func (p plan) videoRenditions() []*media.Rendition {
	if p.source == nil {
		return nil
	}
	all := []*media.Rendition{p.topRendition()}
	for _, rung := range p.rungs {
		all = append(all, p.rungRendition(rung))
	}
	if p.original {
		all = append(all, p.originalRendition())
	}
	return all
}

func (p plan) topRendition() *media.Rendition {
	if !p.passthrough {
		r := encodedRendition(p.top)
		r.Name = lines(p.top.Width, p.top.Height) + " (source)"
		return r
	}
	return p.sourceRendition(sourceID, "source")
}

// originalRendition stands beside the ladder: "1080p (HEVC)".
func (p plan) originalRendition() *media.Rendition {
	return p.sourceRendition(originalID, strings.ToUpper(string(p.source.Codec)))
}

// sourceRendition is the publisher's own pictures.
func (p plan) sourceRendition(id, what string) *media.Rendition {
	average := guessedBitrate(p.source)
	return &media.Rendition{
		ID: id, Kind: media.Video, Name: lines(p.source.Width, p.source.Height) + " (" + what + ")",
		Width: p.source.Width, Height: p.source.Height, FrameRate: p.source.FrameRate,
		Bandwidth: int(float64(average) * declaredMargin), AverageBandwidth: average,
		Timescale: media.VideoTimescale, Passthrough: true,
	}
}

// guessedBitrate is what the encoder declares, or else what one usually makes, in
// bits per second.
func guessedBitrate(t *media.Track) int {
	if t.Bitrate > 0 {
		return t.Bitrate
	}
	return int(float64(t.Width*t.Height) * max(t.FrameRate.Float(), 30) * guessedBitsPerPixel)
}

func encodedRendition(r transcode.Rung) *media.Rendition {
	return &media.Rendition{
		ID: r.ID, Kind: media.Video, Name: r.Name,
		Width: r.Width, Height: r.Height, FrameRate: r.FrameRate,
		Bandwidth: r.Bandwidth(targetDuration * time.Second), AverageBandwidth: r.AverageBandwidth(),
		Timescale: media.VideoTimescale,
	}
}

// The IDs of the renditions that are not named by their size.
const (
	sourceID   = "source"
	originalID = "original"
	audioID    = "audio"
)

// lines names a picture by its short side: "1080p".
func lines(width, height int) string { return strconv.Itoa(min(width, height)) + "p" }
