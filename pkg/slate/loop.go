package slate

import (
	"math"

	"weir/pkg/media"
)

const (
	// gopSeconds is how long a GOP of a loop lasts at most: a segment. A tenth more is
	// no reason for another GOP.
	gopSeconds = 2
	// assumedRate is that of a loop for a source without a constant frame rate.
	assumedRate = 30
)

// Loop is a clip as closed GOPs of H.264 and frames of AAC: pictures follow each
// other in order of decoding, which is that of presentation as well, and the first
// is an IDR picture. It is immutable: one that has grown is another.
type Loop struct {
	// Track has the frame rate of the rung that it was made for, also where that
	// is not known.
	Track *media.Track
	// Whole is false while there is more to come of the clip.
	Whole bool
	units []unit
	// sound are the frames of audio from the first picture on, nil for silence.
	sound [][]byte
}

// unit is a coded picture; one where key is true begins a GOP.
type unit struct {
	data []byte
	key  bool
}

// known is the rate, or one in its place.
func known(rate media.Rational) media.Rational {
	if !rate.Known() {
		return media.Rational{Num: assumedRate, Den: 1}
	}
	return rate
}

// frame is when picture n of a source begins, at 90 kHz.
func frame(rate media.Rational, n int64) media.Ticks {
	return known(rate).Ticks(n, media.VideoTimescale)
}

// keys are the numbers of the pictures that begin a GOP, of so many: GOPs are equal
// to a picture, and no longer than gopSeconds.
func keys(rate media.Rational, pictures int64) []int64 {
	most := known(rate).Float() * (gopSeconds + 0.1)
	gops := max(int64(math.Ceil(float64(pictures)/most)), 1)
	var all []int64
	for i := range gops {
		all = append(all, i*pictures/gops)
	}
	return all
}
