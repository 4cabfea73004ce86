package live

import (
	"slices"
	"time"

	"weir/pkg/media"
)

const (
	// mostSpare bounds what is kept of a standby, in media time and in bytes: more
	// between two keyframes is of no use.
	mostSpare      = 10 * time.Second
	mostSpareBytes = 32 << 20
	// spareSound is how much audio is kept from before the keyframe, as the picture
	// can be shown earlier than it was.
	spareSound = 2 * time.Second
)

// spare is what is kept of a publisher that stands by: its video since the newest
// keyframe, and its audio from a little before that on.
type spare struct {
	units []media.AccessUnit // in order of arrival
	bytes int
	// video is the keyframe's track, nil while there is none, and key its time; closed
	// is true where it is an IDR picture. audio is the newest track of the sound.
	video, audio *media.Track
	key          media.Ticks
	closed       bool
	// newest is up to where there is anything, at 90 kHz.
	newest media.Ticks
	// sawVideo is true once a picture came, kept or not. others is true where there
	// is more than one track of video.
	sawVideo, others bool
}

// keep takes an access unit. It reports whether decoding can start there.
func (sp *spare) keep(au media.AccessUnit) (enters bool) {
	isVideo, further := au.Track.Kind == media.Video, au.Track.Number != 0
	sp.sawVideo = sp.sawVideo || isVideo
	sp.others = sp.others || isVideo && further
	enters = !further && (isVideo && au.Enters() || !isVideo && !sp.sawVideo)
	at := media.Rescale(au.PTS, au.Track.Timescale, media.VideoTimescale)
	switch {
	case enters && isVideo:
		sp.forget(at)
		sp.video, sp.key, sp.closed = au.Track, at, au.Sync
	case !isVideo && !further:
		sp.audio = au.Track
	}
	switch {
	case !isVideo && sp.video == nil:
		sp.forget(at)
	case isVideo && sp.video == nil:
		return false
	}
	sp.units = append(sp.units, au)
	sp.newest = max(sp.newest, at)
	if sp.bytes += len(au.Data); sp.bytes > mostSpareBytes || sp.video != nil && media.VideoTimescale.Duration(at-sp.key) > mostSpare {
		*sp = spare{audio: sp.audio, sawVideo: sp.sawVideo, others: sp.others}
		return false
	}
	return enters
}

// forget drops all video, and audio from long before the media time at.
func (sp *spare) forget(at media.Ticks) {
	from := at - media.VideoTimescale.Ticks(spareSound)
	sp.units = slices.DeleteFunc(sp.units, func(au media.AccessUnit) bool {
		old := au.Track.Kind == media.Video || media.Rescale(au.PTS, au.Track.Timescale, media.VideoTimescale) < from
		if old {
			sp.bytes -= len(au.Data)
		}
		return old
	})
}

// entry is the media time from which on it can be shown as it came; ok is false where
// it cannot be shown yet. Where viewers have had video, audio alone is not enough.
func (sp *spare) entry(video bool) (at media.Ticks, ok bool) {
	if sp.sawVideo || video {
		return sp.key, sp.video != nil && sp.audio != nil
	}
	return sp.newest, sp.audio != nil && len(sp.units) > 0
}

// sound is the newest audio track of that number, nil if nothing has come of it.
func (sp *spare) sound(number int) *media.Track {
	for _, au := range slices.Backward(sp.units) {
		if au.Track.Kind == media.Audio && au.Track.Number == number {
			return au.Track
		}
	}
	return nil
}
