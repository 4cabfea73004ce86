package verify

import (
	"math"
	"math/bits"
	"time"
)

// rulesTimes hold what playlists say about time to the media.
func rulesTimes() []rule {
	return []rule{
		{"HLS-PDT", "RFC 8216bis 4.4.4.6", "dates follow EXTINF within 1 ms", checkDates},
		{"HLS-EXTINF", "RFC 8216bis 4.4.4.1", "EXTINF is the media's duration within 1 ms", checkDurations},
		{"HLS-ALIGN-VIDEO", "RFC 8216bis 6.2.4", "all video renditions start a segment at the same tick", checkVideoBoundaries},
		{"HLS-ALIGN-AUDIO", "RFC 8216bis 6.2.4", "audio starts within half an AAC frame of video", checkAudioBoundaries},
	}
}

// slack is what rounding to milliseconds may cost.
const slack = time.Millisecond + time.Microsecond

func checkDates(o *observations) verdict {
	t := newTally("dates")
	for _, track := range o.tracksHLS() {
		for i, now := range track.pieces {
			if i == 0 {
				continue
			}
			last := track.pieces[i-1]
			if now.date.IsZero() || last.date.IsZero() || now.msn != last.msn+1 || now.period != last.period {
				continue
			}
			off := now.date.Sub(last.date) - last.duration
			t.check(off.Abs() <= slack, "%s: segment %d is dated %v off the end of the one before", track.name, now.msn, off)
		}
	}
	return t.verdict()
}

func checkDurations(o *observations) verdict {
	t := newTally("segments")
	for _, track := range o.tracksHLS() {
		for _, l := range track.pieces {
			if !l.segment.readable() || l.init == nil || l.init.fault != "" {
				continue
			}
			measured := clockTime(l.segment.end()-l.segment.start(), uint64(l.init.timescale))
			t.check((measured-l.duration).Abs() <= slack, "%s: segment %d has EXTINF %v and lasts %v", track.name, l.msn, l.duration, measured)
		}
	}
	return t.verdict()
}

// clockTime is ticks of a timescale as a duration, and the longest duration
// where it does not fit.
func clockTime(ticks, timescale uint64) time.Duration {
	hi, lo := bits.Mul64(ticks, uint64(time.Second))
	if hi >= timescale {
		return math.MaxInt64
	}
	quotient, _ := bits.Div64(hi, lo, timescale)
	return time.Duration(min(quotient, math.MaxInt64))
}

// boundary is where a video rendition starts a segment.
type boundary struct {
	ticks     uint64
	timescale uint32
	name      string
}

// boundaries are those of the first video rendition that has a segment, by
// media sequence number; each also hears of the others.
func (o *observations) boundaries(also func(first, now boundary, msn uint64)) map[uint64]boundary {
	all := map[uint64]boundary{}
	for _, track := range o.tracksHLS() {
		for _, l := range track.pieces {
			if !l.isVideo() {
				continue
			}
			now := boundary{l.segment.start(), l.init.timescale, track.name}
			if first, known := all[l.msn]; known {
				also(first, now, l.msn)
			} else {
				all[l.msn] = now
			}
		}
	}
	return all
}

func checkVideoBoundaries(o *observations) verdict {
	t := newTally("pairs of segments")
	o.boundaries(func(first, now boundary, msn uint64) {
		isSame := now == boundary{first.ticks, first.timescale, now.name}
		if now.timescale != first.timescale {
			isSame = clockTime(now.ticks, uint64(now.timescale)) == clockTime(first.ticks, uint64(first.timescale))
		}
		t.check(isSame, "segment %d starts at %d/%d in %s and at %d/%d in %s",
			msn, first.ticks, first.timescale, first.name, now.ticks, now.timescale, now.name)
	})
	return t.verdict()
}

// frame is how many samples an AAC-LC frame has.
const frame = 1024

func checkAudioBoundaries(o *observations) verdict {
	t := newTally("audio segments")
	video := o.boundaries(func(boundary, boundary, uint64) {})
	for _, track := range o.tracksHLS() {
		for _, l := range track.pieces {
			b, known := video[l.msn]
			if !known || !l.isAudio() {
				continue
			}
			off := clockTime(l.segment.start(), uint64(l.init.timescale)) - clockTime(b.ticks, uint64(b.timescale))
			half := clockTime(frame/2+1, uint64(l.init.timescale))
			t.check(off.Abs() <= half, "%s: segment %d starts %v off video, half a frame is %v", track.name, l.msn, off, half)
		}
	}
	return t.verdict()
}
