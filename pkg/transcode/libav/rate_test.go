package libav

import (
	"testing"
	"time"

	"weir/pkg/transcode"
)

// TestRatesHoldTheirPromise: on real clips the mean bit rate of every rung is
// within 5 % of what was asked for, and no segment is above what BANDWIDTH
// promises to players (decision 11), whose own tolerance is not needed.
func TestRatesHoldTheirPromise(t *testing.T) {
	for _, file := range []string{"camera_720p60_4M_cbr.flv", "bbb_480p24_aac51.mp4", "portrait_720x1280_30.mp4"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			c := readClip(t, mediaFile(t, file), "v:0")
			rungs := transcode.Ladder(c.track, transcode.LadderConfig{})
			r := transcodeClip(t, c, rungs, boundariesOf(c.units))
			for i, spec := range rungs {
				checkRates(t, spec, r.coded[i])
			}
		})
	}
}

// checkRates holds one rung's segments to its promise.
func checkRates(t *testing.T, spec transcode.Rung, coded []transcode.Coded) {
	t.Helper()
	const shortest = time.Second // the last segment of a clip may be a stump
	var total, worst float64
	begin, bits := 0, 0.0
	last := coded[len(coded)-1].AU
	for i := 0; i <= len(coded); i++ {
		if i == len(coded) || (coded[i].Starts && i > begin) {
			end := last.PTS + last.Duration
			if i < len(coded) {
				end = coded[i].AU.PTS
			}
			length := last.Track.Timescale.Duration(end - coded[begin].AU.PTS)
			if length >= shortest {
				worst = max(worst, bits/length.Seconds()/float64(spec.Bandwidth(length)))
			}
			begin, bits = i, 0
		}
		if i < len(coded) {
			size := 8 * float64(len(coded[i].AU.Data))
			bits += size
			total += size
		}
	}
	mean := total / last.Track.Timescale.Duration(last.PTS+last.Duration-coded[0].AU.PTS).Seconds() / float64(spec.Bitrate)
	t.Logf("%s, %d kb/s: mean %.3f of it, the largest segment %.3f of the promise", spec.ID, spec.Bitrate/1000, mean, worst)
	if mean < 0.95 || mean > 1.05 {
		t.Errorf("%s: the mean is %.3f of what was asked for", spec.ID, mean)
	}
	if worst > 1 {
		t.Errorf("%s: a segment has %.3f of what BANDWIDTH promises", spec.ID, worst)
	}
}
