package publish

import (
	"errors"
	"fmt"
	"slices"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/pkg/media"
)

// edit is an edit list of at most one stretch of media, all in the track's
// timescale (ISO/IEC 14496-12, 8.6.6). The zero value changes nothing.
type edit struct {
	// delay is how long the presentation waits before the media starts.
	delay media.Ticks
	// from is the presentation time in the media at which it starts.
	from media.Ticks
	// length is how much of the media is presented; 0 is all.
	length media.Ticks
}

// mostEdit keeps sums of times far from overflow: 100 days at 1 GHz.
const mostEdit = 1 << 53

func parseEdit(list *mp4.ElstBox, movie, timescale media.Timescale) (edit, error) {
	var e edit
	found := false
	for _, entry := range list.Entries {
		if entry.SegmentDuration > mostEdit || entry.MediaTime > mostEdit || movie == 0 {
			return edit{}, fmt.Errorf("%w: its edit list is impossible", errMP4)
		}
		length := media.Rescale(media.Ticks(entry.SegmentDuration), movie, timescale)
		switch {
		case entry.MediaTime < 0 && !found:
			e.delay += length
		case entry.MediaTime < 0:
			// A wait at the end presents nothing.
		case found:
			return edit{}, errors.New("the file's edit list cuts a track into pieces; make it one with: ffmpeg -i FILE -c:v libx264 -c:a aac out.mp4")
		default:
			found = true
			e.from, e.length = media.Ticks(entry.MediaTime), length
		}
	}
	return e, nil
}

// applyEdit drops the samples that the edit list hides and moves the others,
// so that presentation time 0 is the movie's beginning. Audio before it is
// priming. Of the video, what decoding has to begin with is kept.
func (t *track) applyEdit() {
	e := t.edit
	end := media.Ticks(1<<63 - 1)
	if e.length > 0 {
		end = e.from + e.length
	}
	if t.kind == media.Audio {
		t.samples = slices.DeleteFunc(t.samples, func(s sample) bool {
			return s.pts()+media.Ticks(s.duration) <= e.from || s.pts() >= end
		})
	} else {
		t.samples = t.samples[t.firstPicture(e.from):]
		last := len(t.samples)
		for last > 0 && t.samples[last-1].pts() >= end {
			last--
		}
		t.samples = t.samples[:last]
	}
	for i := range t.samples {
		t.samples[i].dts += e.delay - e.from
	}
}

// firstPicture is the last sync sample that is presented at or before from.
func (t *track) firstPicture(from media.Ticks) int {
	first := 0
	for i, s := range t.samples {
		if s.sync && s.pts() <= from {
			first = i
		}
		if s.dts > from {
			break
		}
	}
	return first
}
