package live

import (
	"slices"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// intake holds a new session's access units until it is known what is being
// published: the video track, the audio track and, where the source alone is
// served, the keyframe interval that the target duration has to promise.
type intake struct {
	units        []media.AccessUnit
	video, audio *media.Track
	// others are the further video tracks, and sounds those of audio.
	others, sounds []*media.Track
	// firstKey and lastKey are sync PTS at 90 kHz; interval is their distance
	// once a second keyframe came.
	firstKey media.Ticks
	interval media.Ticks
	last     media.Ticks
	// slate is true where nobody publishes.
	slate bool
	// sawVideo is true once a picture came, kept or not.
	sawVideo bool
}

// sourceWait is how long source mode waits for the second keyframe.
const sourceWait = 10 * time.Second

// tracksWait is how much media is waited for audio tracks that the source has named:
// the set of renditions has them in any case, and is better described once they come.
const tracksWait = media.Ticks(media.VideoTimescale) * 3 / 2

func (in *intake) push(au media.AccessUnit) {
	in.units = append(in.units, au)
	in.sawVideo = in.sawVideo || au.Track.Kind == media.Video
	switch further := au.Track.Number != 0; {
	case au.Track.Kind == media.Audio && further:
		in.sounds = withTrack(in.sounds, au.Track)
		return
	case au.Track.Kind == media.Audio:
		in.audio = au.Track
		return
	case further:
		in.others = withTrack(in.others, au.Track)
		return
	}
	if in.video == nil {
		in.firstKey = au.PTS
	} else if au.Sync && in.interval == 0 {
		in.interval = au.PTS - in.firstKey
	}
	in.video = au.Track
	in.last = au.PTS
}

// withTrack is all with the newest track of its number.
func withTrack(all []*media.Track, t *media.Track) []*media.Track {
	if slices.Contains(all, t) {
		return all
	}
	all = slices.DeleteFunc(all, func(old *media.Track) bool { return old.Number == t.Number })
	return append(all, t)
}

// pushFrom is push for a session whose media counts only from the media time
// from (90 kHz) on, with a picture that decoding can start at or, where no video
// comes, with audio. It reports whether au was kept.
func (in *intake) pushFrom(au media.AccessUnit, from media.Ticks) bool {
	isVideo := au.Track.Kind == media.Video
	in.sawVideo = in.sawVideo || isVideo
	if len(in.units) == 0 {
		at := media.Rescale(au.PTS, au.Track.Timescale, media.VideoTimescale)
		if at < from || au.Track.Number != 0 || isVideo && !au.Enters() || !isVideo && in.sawVideo {
			return false
		}
	}
	in.push(au)
	return true
}

// begins is where the first unit stands, at 90 kHz.
func (in *intake) begins() media.Ticks {
	first := &in.units[0]
	return media.Rescale(first.PTS, first.Track.Timescale, media.VideoTimescale)
}

// ready reports whether the pipeline can start: audio that comes before any
// video is alone, as ingest.Timeline promises. Source mode also needs the
// keyframe interval, or sourceWait of media without a second keyframe.
func (in *intake) ready(sourceOnly bool) bool {
	if in.units[0].Track.Kind == media.Audio {
		return true
	}
	if in.audio == nil {
		return false
	}
	return !sourceOnly || in.interval > 0 ||
		in.last-in.firstKey >= media.VideoTimescale.Ticks(sourceWait)
}

// hears reports whether the named audio tracks have come, or were waited for.
func (in *intake) hears(named []ingest.AudioTrack) bool {
	last := &in.units[len(in.units)-1]
	if media.Rescale(last.PTS, last.Track.Timescale, media.VideoTimescale)-in.begins() >= tracksWait {
		return true
	}
	for _, one := range named {
		if one.Number != 0 && in.sound(one.Number) == nil {
			return false
		}
	}
	return true
}

// sound is the further audio track of that number, nil if it has not come.
func (in *intake) sound(number int) *media.Track {
	for _, t := range in.sounds {
		if t.Number == number {
			return t
		}
	}
	return nil
}

// startsClosed reports whether the first picture is one that a segment of the
// source's own can start at; it is if none is known.
func (in *intake) startsClosed() bool {
	return len(in.units) == 0 || in.units[0].Sync
}
