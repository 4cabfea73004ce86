package slate

import (
	"errors"
	"fmt"
	"math"
	"time"

	"weir/pkg/media"
)

const (
	// LongestClip bounds a clip in time, as it is in memory encoded for each stream
	// that shows it.
	LongestClip = time.Minute
	// LargestClip bounds it in bytes, as it is in memory as the file has it, too.
	LargestClip = 32 << 20
	// shortestClip is a clip that can be looped: a second.
	shortestClip = time.Second
	// pictureLasts is how long a loop of a still picture is: a segment.
	pictureLasts = 2 * time.Second
)

// Clip is what there is to show, as a file or a publisher has it: access units of
// video, of which a still picture is one, and of audio. The zero value is a built-in
// picture, drawn in the size that is wanted. It is immutable.
type Clip struct {
	video, audio []media.AccessUnit
	// begins is the media time of the first picture that is shown, at 90 kHz: those
	// before it are there to decode it. It is shown for length, of which all is one
	// picture where still is true.
	begins media.Ticks
	length time.Duration
	still  bool
}

// Bounded says whether a clip of so many bytes and so long may be one, in words that
// follow its file's name; nil if it may.
func Bounded(bytes int64, length time.Duration) error {
	switch {
	case bytes > LargestClip:
		return fmt.Errorf("is larger than %d MiB: make it shorter, or save it at a lower bit rate", LargestClip>>20)
	case length > LongestClip:
		return fmt.Errorf("is longer than %d s: cut it, as it is looped anyway", int(LongestClip.Seconds()))
	}
	return nil
}

// NewClip makes a clip of a file's access units, in order of decoding, with times that
// do not jump. The error is for who chose the file, and follows its name.
func NewClip(units []media.AccessUnit) (Clip, error) {
	c := Clip{}
	var bytes int64
	var first, last media.Ticks = math.MaxInt64, math.MinInt64
	for _, au := range units {
		bytes += int64(len(au.Data))
		switch {
		case au.Track.Number != 0: // of each kind, the first track is shown
		case au.Track.Kind == media.Audio:
			c.audio = append(c.audio, au)
		case len(c.video) == 0 && !au.Enters():
		default:
			c.video = append(c.video, au)
			at := media.Rescale(au.PTS, au.Track.Timescale, media.VideoTimescale)
			first, last = min(first, at), max(last, at)
		}
	}
	if len(c.video) < 2 {
		return Clip{}, errors.New("has no video that can be decoded: export it again, as H.264 in MP4")
	}
	// The last picture is shown as long as the others, on the average.
	shown := media.VideoTimescale.Duration(last-first) * time.Duration(len(c.video)) / time.Duration(len(c.video)-1)
	if shown < shortestClip {
		return Clip{}, fmt.Errorf("lasts %v: a clip is a second long at least; for a still picture, save a PNG", shown.Round(time.Millisecond))
	}
	if err := Bounded(bytes, shown); err != nil {
		return Clip{}, err
	}
	c.begins, c.length = first, shown
	return c, nil
}

// Last is the last picture of what a publisher sent, shown for length: units are of
// its video, in order of decoding, from a picture on that decoding can start at.
func Last(units []media.AccessUnit, length time.Duration) Clip {
	c := Clip{video: units, length: length, still: true}
	for i := range units {
		c.begins = max(c.begins, units[i].PTS)
	}
	return c
}

// Rounds is how often the loop of a still picture is played to be shown for length.
func Rounds(length time.Duration) int {
	const gop = gopSeconds * time.Second
	return int((length + gop - 1) / gop)
}
