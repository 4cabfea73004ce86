package transcode

import (
	"time"

	"weir/pkg/media"
)

// Rung is one encoded rendition of the ladder. Rungs never change in the life
// of a stream, whatever the source does.
type Rung struct {
	// ID names the rendition in URLs: "720p"; Name is for a quality menu.
	ID   string `json:"id"`
	Name string `json:"name"`
	// Width and Height are even and in square pixels.
	Width  int `json:"width"`
	Height int `json:"height"`
	// FrameRate is that of the rung; unknown where the source's is.
	FrameRate media.Rational `json:"frame_rate"`
	// FrameDivisor is how many source pictures make one of the rung; 1 keeps
	// every picture. The phase restarts at each boundary.
	FrameDivisor int `json:"frame_divisor"`
	// Bitrate and MaxRate are in bits per second, BufferSize is in bits: the
	// mean, the peak and the decoder buffer that the encoder holds to.
	Bitrate    int `json:"bitrate"`
	MaxRate    int `json:"max_rate"`
	BufferSize int `json:"buffer_size"`
	// Profile is "high" or "main", Level the level_idc of ITU-T H.264 Annex
	// A (31 is level 3.1).
	Profile string `json:"profile"`
	Level   int    `json:"level"`
	// Preset is one of x264's: "veryfast".
	Preset string `json:"preset"`
}

// Box overhead of CMAF: one moof and mdat header per part, of which there are
// at most three a second, and one trun entry per sample; in bytes.
const (
	partOverhead   = 160
	partsPerSecond = 3
	sampleOverhead = 12
)

// Bandwidth is the peak bit rate promised for any segment of at least the
// given duration: what the encoder's buffer model allows, plus boxes.
func (r Rung) Bandwidth(segment time.Duration) int {
	burst := float64(r.BufferSize) / max(segment.Seconds(), 1)
	return r.MaxRate + int(burst) + r.overhead()
}

// AverageBandwidth is the long-term mean bit rate with boxes.
func (r Rung) AverageBandwidth() int { return r.Bitrate + r.overhead() }

// overhead is in bits per second.
func (r Rung) overhead() int {
	fps := r.FrameRate.Float()
	if fps == 0 {
		fps = unknownRateForLevel
	}
	return int(8 * (partOverhead*partsPerSecond + sampleOverhead*fps))
}
