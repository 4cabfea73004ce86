package live

import (
	"bytes"
	"log/slog"
	"slices"

	"weir/pkg/media"
	"weir/pkg/transcode"
)

// An encoder may send its picture in several qualities (Enhanced RTMP's
// multitrack). Those that every player can decode are rungs as they are, and only
// what is missing of the ladder is encoded. They are cut where the default track
// is, so each has to have a keyframe at the same time; one that has not is encoded
// instead, from the next period on.

// branch is a rung that the publisher sends.
type branch struct {
	lane *lane
	// number is that of the source's track, and track what the open segment is
	// made of, nil before the first.
	number int
	track  *media.Track
	// ahead are the boundaries that the track has not come up to.
	ahead []media.Boundary
	// missed counts the boundaries in a row at which no keyframe stood, the newest
	// ones; strayed is true once there were too many.
	missed  int
	strayed bool
}

const (
	// likeness and closeness are how much, in parts of a rung's height, a track may
	// differ that takes its place, and one that makes it needless.
	likeness  = 10
	closeness = 5
	// missedKeyframes in a row are a track that does not fit; fewer are damage.
	missedKeyframes = 2
	// aheadLimit is how many segments a track may be late by.
	aheadLimit = 3
)

// takeTracks chooses the tracks that are rungs. While the set of renditions is not
// fixed, each has one of its own, and what the ladder has near it is left out.
func (p *plan) takeTracks(others []*media.Track, ladder transcode.LadderConfig, fixed bool) {
	others = slices.DeleteFunc(slices.Clone(others), func(t *media.Track) bool {
		return unplayable(t) != "" || shortSide(t) >= shortSide(p.source)
	})
	if len(others) == 0 {
		return
	}
	p.tracks = map[string]*media.Track{}
	p.rungs = slices.Clone(p.rungs)
	if !fixed {
		p.rungs = slices.DeleteFunc(p.rungs, func(r transcode.Rung) bool {
			return slices.ContainsFunc(others, func(t *media.Track) bool { return within(r, t, closeness) })
		})
		for _, t := range others {
			p.addRung(shortSide(t), ladder)
		}
	}
	for _, t := range others {
		i := slices.IndexFunc(p.rungs, func(r transcode.Rung) bool { return p.tracks[r.ID] == nil && within(r, t, likeness) })
		if i >= 0 {
			p.tracks[p.rungs[i].ID] = t
		}
	}
}

// within reports whether the heights differ by at most that part of the rung's.
func within(r transcode.Rung, t *media.Track, part int) bool {
	lines := min(r.Width, r.Height)
	difference := shortSide(t) - lines
	return max(difference, -difference)*part <= lines
}

func shortSide(t *media.Track) int { return min(t.Width, t.Height) }

// addRung adds a rung of so many lines, best first, unless there is one.
func (p *plan) addRung(lines int, ladder transcode.LadderConfig) {
	ladder.Rungs = []transcode.RungConfig{{Height: lines}}
	for _, r := range transcode.Ladder(p.source, ladder) {
		at, there := slices.BinarySearchFunc(p.rungs, lines, func(r transcode.Rung, lines int) int { return lines - min(r.Width, r.Height) })
		if !there {
			p.rungs = slices.Insert(p.rungs, at, r)
		}
	}
}

// rungRendition is a rung as viewers are told of it.
func (p plan) rungRendition(rung transcode.Rung) *media.Rendition {
	r := encodedRendition(rung)
	if t := p.tracks[rung.ID]; t != nil {
		average := guessedBitrate(t)
		r.Width, r.Height, r.FrameRate, r.Passthrough = t.Width, t.Height, t.FrameRate, true
		r.Bandwidth, r.AverageBandwidth = int(float64(average)*declaredMargin), average
	}
	return r
}

// bindTracks makes the branches of the plan's tracks.
func (p *pipeline) bindTracks() {
	for _, l := range p.stream.lanes {
		if t := p.plan.tracks[l.rendition.ID]; t != nil {
			p.branches = append(p.branches, &branch{lane: l, number: t.Number})
			p.log.Info("rendition is sent by the publisher", slog.String("rendition", l.rendition.ID), slog.Int("track", t.Number))
		}
	}
}

// cutTracks tells the branches of a boundary, which their pictures come up to a
// little later.
func (p *pipeline) cutTracks(b media.Boundary) {
	for _, br := range p.branches {
		if br.strayed {
			continue
		}
		br.ahead = append(br.ahead, b)
		if len(br.ahead) > aheadLimit {
			p.stray(br, "nothing comes of it")
		}
	}
}

// pushTrack takes a picture of a further track.
func (p *pipeline) pushTrack(au media.AccessUnit) {
	i := slices.IndexFunc(p.branches, func(br *branch) bool { return br.number == au.Track.Number })
	if i < 0 || p.branches[i].strayed {
		p.unused = true
		return
	}
	br := p.branches[i]
	for len(br.ahead) > 0 && au.PTS >= br.ahead[0].PTS {
		br.cut(au, &p.stream.history)
	}
	switch {
	case br.missed >= missedKeyframes:
		p.stray(br, "it has no keyframes where the default track has them")
	case br.missed > 0 || br.track == nil: // a segment that cannot be decoded from its start
	case au.Track != br.track && !bytes.Equal(au.Track.Config, br.track.Config):
		p.stray(br, "its parameters change between two keyframes")
	default:
		br.lane.push(au)
	}
}

// cut comes up to a boundary with the picture au.
func (br *branch) cut(au media.AccessUnit, known *history) {
	b := br.ahead[0]
	br.ahead = br.ahead[1:]
	renews := br.track != nil && br.lane.period == b.Period && !bytes.Equal(au.Track.Config, br.track.Config)
	if au.PTS != b.PTS || !au.Sync || renews {
		br.missed++
		br.lane.finish()
		return
	}
	br.missed, br.track = 0, au.Track
	br.lane.takeUp(b.MSN, known)
	br.lane.boundary(b)
}

// stray ends a branch: its rung is encoded from the next period on, which the next
// keyframe begins.
func (p *pipeline) stray(br *branch, why string) {
	p.log.Warn("a track of the publisher is not served as it is any more",
		slog.String("rendition", br.lane.rendition.ID), slog.String("reason", why))
	br.strayed, br.ahead = true, nil
	br.lane.finish()
	p.cut.Renew()
}

// replaceStrays has the rungs of strayed branches encoded from the boundary b on,
// which the picture au stands at, if it begins a period: other parameters cannot
// begin anywhere else. Where nothing is encoded they have gaps.
func (p *pipeline) replaceStrays(b media.Boundary, au media.AccessUnit) {
	var lanes []*lane
	p.branches = slices.DeleteFunc(p.branches, func(br *branch) bool {
		if !br.strayed || br.lane.period == b.Period {
			return false
		}
		delete(p.plan.tracks, br.lane.rendition.ID)
		lanes = append(lanes, br.lane)
		return true
	})
	if len(lanes) == 0 {
		return
	}
	p.bindLanes()
	p.stream.replaceRenditions(p.plan)
	if p.stream.cfg.SourceOnly || p.gaveUp != "" {
		return
	}
	feed(p.hire(lanes, false).worker, []step{{boundary: b, cuts: true}, {unit: au}})
}

// dropTracks has the rungs of all branches encoded: there are no boundaries at the
// publisher's keyframes any more.
func (p *pipeline) dropTracks() {
	for _, br := range p.branches {
		br.lane.abandon()
	}
	p.plan.tracks, p.branches = nil, nil
}
