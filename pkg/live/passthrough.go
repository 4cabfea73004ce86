package live

import (
	"fmt"

	"weir/pkg/media"
)

// H.264 profile_idc values (ITU-T H.264, A.2) that phones, browsers and TVs
// all decode: 8-bit 4:2:0 without exception.
const (
	profileBaseline = 66
	profileMain     = 77
	profileHigh     = 100
)

// maxLevel is 4.2, the highest that smart TVs promise.
const maxLevel = 42

// unplayable says why a source cannot be offered as it is; empty if it can.
// The keyframe interval is judged as the stream runs, by the boundary rule.
func unplayable(t *media.Track) string {
	if t.Codec != media.H264 {
		return fmt.Sprintf("the codec is %s, not H.264", t.Codec)
	}
	if len(t.Config) < 4 {
		return "the H.264 decoder configuration is missing"
	}
	switch profile := t.Config[1]; profile {
	case profileBaseline, profileMain, profileHigh:
	default:
		return fmt.Sprintf("H.264 profile %d is not 8-bit 4:2:0", profile)
	}
	if t.Interlaced {
		return "its pictures are interlaced, which browsers show as combs"
	}
	if level := t.Config[3]; level > maxLevel {
		return fmt.Sprintf("H.264 level %.1f is above 4.2", float64(level)/10)
	}
	return ""
}
