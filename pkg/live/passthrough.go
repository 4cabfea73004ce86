package live

import (
	"fmt"
	"strings"

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
		return fmt.Sprintf("the codec is %s, not H.264", strings.ToUpper(string(t.Codec)))
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

// offerable reports whether a source that not every player decodes can be served
// as it is beside the ladder: players choose by its codec's name. Ten bits are
// left out, since nothing says whether they are SDR.
func offerable(t *media.Track) bool {
	const (
		hevcFixed    = 23
		hevcMain     = 1
		av1Fixed     = 4
		av1HighDepth = 0x40
	)
	if t.Codec == media.HEVC {
		return len(t.Config) >= hevcFixed && t.Config[1]&0x1f == hevcMain
	}
	return t.Codec == media.AV1 && len(t.Config) > av1Fixed &&
		t.Config[1]>>5 == 0 && t.Config[2]&av1HighDepth == 0
}
