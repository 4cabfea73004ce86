package live

import (
	"cmp"
	"slices"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// Opening
//
// Two publishers that take turns do not meet: the one that comes has its keyframes
// anywhere, and viewers may have seen more of the one that goes than has come of the
// other one. An opening has the new one's media begin at exactly the media time where
// the old one's ended. Up to the next keyframe, the picture stands still: it is the
// newest keyframe there is, if need be one from a moment before, or the next one itself
// if that is here already. It is sent again as often as there are parts, since each part
// needs a picture. The sound needs no keyframes and goes on at once; where it has not
// come yet, it is silent.
//
//	old    ──K────────K────── lost
//	new         K────────K────│───K────────K───
//	            │         └──▶K K K────────K───   stands still, then moves
//	sound  ─────────────────── ────────────────

// opening belongs to the session that has gone on air, until its media comes as it is.
type opening struct {
	// from is where it begins, and ends where the sound of the one before has ended, by
	// the number of its track, where that goes on in the same segments; at 90 kHz.
	from media.Ticks
	ends map[int]media.Ticks
	// still is the picture that stands still, without data before there is one.
	still media.AccessUnit
	// next is where the picture is shown next; entered is where decoding could start
	// last.
	next, entered media.Ticks
	// moves is true once pictures come as they are; heard has the audio tracks that
	// do.
	moves, shown bool
	heard        map[int]bool
}

// stillEntry is how far apart a picture that stands still can be entered: a segment.
const stillEntry = segmentLength

// newOpening begins at the media time from, and with sound where that has ended. It
// returns what is there to publish of what was kept.
func newOpening(from media.Ticks, ends map[int]media.Ticks, sp *spare) (o *opening, units []media.AccessUnit) {
	o = &opening{from: from, ends: ends, next: from, moves: !sp.sawVideo, heard: make(map[int]bool)}
	rest := sp.units
	if key := slices.IndexFunc(rest, isPicture); key >= 0 { // it begins the period, so it comes first
		o.still = rest[key]
		units = o.take(o.still)
		rest = slices.Delete(slices.Clone(rest), key, key+1)
		if !o.moves {
			units = o.stand(from + 1)
		}
	}
	for _, au := range rest {
		units = append(units, o.take(au)...)
	}
	return o, units
}

func isPicture(au media.AccessUnit) bool {
	return au.Track.Kind == media.Video && au.Track.Number == 0
}

// over reports whether all comes as it is.
func (o *opening) over() bool { return o.moves && o.heard[0] }

// take returns what to publish now that au has come.
func (o *opening) take(au media.AccessUnit) []media.AccessUnit {
	switch {
	case au.Track.Kind == media.Audio:
		return o.sound(au)
	case o.moves:
		return []media.AccessUnit{au}
	case au.Track.Number != 0, au.PTS < o.from:
		return nil
	case au.Sync, au.Recovery && !o.still.Sync:
		units := o.stand(au.PTS - cmp.Or(au.Duration, assumedFrame) + 1)
		o.moves = true
		au.Discontinuity = !o.shown
		if o.shown && au.PTS == o.entered { // no two pictures have one time
			au.DTS, au.PTS = au.DTS+1, au.PTS+1
		}
		return append(units, au)
	}
	return o.stand(au.PTS + 1)
}

// stand shows the picture that stands still at all times before to.
func (o *opening) stand(to media.Ticks) (units []media.AccessUnit) {
	for o.next < to {
		au := o.still
		au.DTS, au.PTS = o.next-(au.PTS-au.DTS), o.next
		au.Discontinuity = !o.shown
		if o.shown && o.next-o.entered < stillEntry {
			au.Sync, au.Recovery = false, false // else it looks like a short keyframe interval
		} else {
			o.entered = o.next
		}
		o.shown = true
		o.next += stillStep(au.Track)
		units = append(units, au)
	}
	return units
}

// stillStep is how often a picture that stands still is shown: whole frames that make
// a part.
func stillStep(track *media.Track) media.Ticks {
	step := track.Timescale.Ticks(partTarget)
	if frame := track.FrameDuration(); frame > 0 && frame < step {
		step -= step % frame
	}
	return step
}

// sound is what to publish of the sound: from the access unit at the beginning on, with
// silence up to where it has come.
func (o *opening) sound(au media.AccessUnit) (units []media.AccessUnit) {
	if o.heard[au.Track.Number] {
		return []media.AccessUnit{au}
	}
	frame := au.Track.FrameDuration()
	begins, early := o.from, frame/2 // the nearest to the picture
	if end, joins := o.ends[au.Track.Number]; joins {
		// Rather too early by less than a frame, which shortens the one before, than too late.
		begins, early = end, frame-frame/16
	}
	ahead := au.PTS + early - media.Rescale(begins, media.VideoTimescale, au.Track.Timescale)
	if ahead < 0 {
		return nil
	}
	o.heard[au.Track.Number] = true
	if frame > 0 && ingest.PlainAAC(au.Track) {
		quiet := au
		quiet.Duration, quiet.Data = frame, ingest.SilentFrame(au.Track.Channels)
		for at := au.PTS - ahead/frame*frame; at < au.PTS; at += frame {
			quiet.DTS, quiet.PTS, quiet.Discontinuity = at, at, len(units) == 0
			units = append(units, quiet)
		}
	}
	au.Discontinuity = len(units) == 0
	return append(units, au)
}
