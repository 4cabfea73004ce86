package live

import (
	"slices"
	"time"

	"weir/pkg/media"
)

// intake holds a new session's access units until it is known what is being
// published: the video track, the audio track and, where the source alone is
// served, the keyframe interval that the target duration has to promise.
type intake struct {
	units        []media.AccessUnit
	video, audio *media.Track
	// others are the further video tracks.
	others []*media.Track
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

func (in *intake) push(au media.AccessUnit) {
	in.units = append(in.units, au)
	in.sawVideo = in.sawVideo || au.Track.Kind == media.Video
	if au.Track.Kind == media.Audio {
		in.audio = au.Track
		return
	}
	if au.Track.Number != 0 {
		in.others = slices.DeleteFunc(in.others, func(t *media.Track) bool { return t.Number == au.Track.Number })
		in.others = append(in.others, au.Track)
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

// pushFrom is push for a session whose media counts only from the media time
// from (90 kHz) on, with a picture that decoding can start at or, where no video
// comes, with audio. It reports whether au was kept.
func (in *intake) pushFrom(au media.AccessUnit, from media.Ticks) bool {
	isVideo := au.Track.Kind == media.Video
	in.sawVideo = in.sawVideo || isVideo
	if len(in.units) == 0 {
		at := media.Rescale(au.PTS, au.Track.Timescale, media.VideoTimescale)
		if at < from || isVideo && (!au.Enters() || au.Track.Number != 0) || !isVideo && in.sawVideo {
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

// startsClosed reports whether the first picture is one that a segment of the
// source's own can start at; it is if none is known.
func (in *intake) startsClosed() bool {
	return len(in.units) == 0 || in.units[0].Sync
}
