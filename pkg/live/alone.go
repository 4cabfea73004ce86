package live

import "weir/pkg/media"

// cutAlone feeds audio that no video goes with. Video renditions that the
// stream has from before are told of gaps.
func (p *pipeline) cutAlone(au media.AccessUnit) {
	at := au
	at.PTS = media.Rescale(au.PTS, au.Track.Timescale, media.VideoTimescale)
	at.Duration = media.Rescale(au.Duration, au.Track.Timescale, media.VideoTimescale)
	// Encoded audio does not say where a break was.
	at.Discontinuity = at.Discontinuity || at.PTS-p.cut.end > media.Ticks(media.VideoTimescale)
	if b, ok := p.cut.Push(at); ok {
		p.boundary(b)
	}
	p.feedAudio(p.voices[0], au)
	p.releaseAudio(p.cut.Horizon())
}

// joinedByVideo reports whether au is the first picture of a stream that was
// audio alone until now: it goes on as another pipeline.
func (p *pipeline) joinedByVideo(au media.AccessUnit) bool {
	return p.plan.source == nil && au.Track.Kind == media.Video
}
