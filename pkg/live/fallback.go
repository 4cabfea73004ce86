package live

import (
	"log/slog"

	"weir/pkg/media"
)

// leavePassthrough ends serving the source as it is for the rest of the session,
// because no keyframe came in time for a 2 s segment (decision 6): the top rung is
// encoded, and what was beside the ladder has gaps. The open segment is replayed into a new worker, which makes a keyframe
// at its start; all renditions begin a new period there, under the same media
// sequence number. next is the access unit that found the source overdue.
func (p *pipeline) leavePassthrough(next media.AccessUnit) {
	p.log.Warn("source keyframes are too far apart, it is not served as it is any more",
		slog.String("remedy", "set the encoder's keyframe interval to 2 s"))
	replay := append(p.replay.takeOpen(), next)
	for _, v := range p.voices {
		v.held, v.open = append(v.open, v.held...), nil
	}
	p.plan.replaced, p.plan.withdrawn = p.plan.passthrough, p.plan.original
	p.encodeTop(p.stream.history.newest().MSN)
	for _, au := range replay {
		p.pushVideo(au)
	}
	p.releaseAudio(p.cut.Horizon())
}

// changeVideo follows a source whose parameters have changed at the picture au:
// one that not every player decodes is encoded from there on.
func (p *pipeline) changeVideo(au media.AccessUnit) {
	p.plan.source = p.stream.describeSource(au.Track)
	if !p.mayLeave() || !au.Discontinuity {
		return
	}
	reason := unplayable(p.plan.source)
	if p.plan.passthrough && reason == "" || p.plan.original && offerable(p.plan.source) {
		return
	}
	p.log.Warn("source is not served as it is any more", slog.String("reason", reason))
	p.plan.unplayable = reason
	p.own.finish()
	p.encodeTop(p.stream.history.nextMSN)
}

// encodeTop makes the top rendition an encoded one from the segment msn on.
func (p *pipeline) encodeTop(msn uint64) {
	p.drainVideo() // the old worker completes what came before
	if p.plan.original {
		p.own.abandon()
	}
	p.dropTracks()
	p.plan.passthrough, p.plan.original = false, false
	p.plan.top = p.stream.topRung(p.plan.source)
	p.plan.capped = lines(p.plan.top.Width, p.plan.top.Height) != lines(p.plan.source.Width, p.plan.source.Height)
	p.bindLanes()
	p.stream.replaceRenditions(p.plan)
	p.cut = p.newCutter(msn)
	p.restartVideo()
}

// restartVideo goes on with the encoded top rendition and the rungs that do not
// rest.
func (p *pipeline) restartVideo() {
	p.gaveUp = "" // there is no source to leave it at any more
	p.replay.keep = p.replayed()
	var lanes []*lane
	for _, l := range p.rungs {
		if !l.resting {
			lanes = append(lanes, l)
		}
	}
	p.hire(lanes, false)
}
