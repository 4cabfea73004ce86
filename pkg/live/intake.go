package live

import (
	"time"

	"weir/pkg/media"
)

// intake holds a new session's access units until it is known what is being
// published: the video track, the audio track and, where the source alone is
// served, the keyframe interval that the target duration has to promise.
type intake struct {
	units        []media.AccessUnit
	video, audio *media.Track
	// firstKey and lastKey are sync PTS at 90 kHz; interval is their distance
	// once a second keyframe came.
	firstKey media.Ticks
	interval media.Ticks
	last     media.Ticks
}

// sourceWait is how long source mode waits for the second keyframe.
const sourceWait = 10 * time.Second

func (in *intake) push(au media.AccessUnit) {
	in.units = append(in.units, au)
	if au.Track.Kind == media.Audio {
		in.audio = au.Track
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
