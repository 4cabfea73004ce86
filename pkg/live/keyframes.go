package live

import (
	"slices"

	"weir/pkg/doctor"
	"weir/pkg/media"
)

// keyframes watches them and what lies between them.
type keyframes struct {
	// newest is the last PTS, lastKey the last keyframe's, interval the distance
	// of the last two.
	newest, lastKey, interval media.Ticks
	// recovers counts the keyframes that are no IDR pictures since the last that
	// was one, and recovered is what it was there.
	recovers, recovered int
	// size counts the bytes since the last keyframe; rate is what they made
	// between the last two, in bit/s.
	size, rate int

	intervals [10]media.Ticks
	keys      int
	// stretches are runs of GOPs of at least leastStretch, as short ones swing
	// by nature; open is the one that grows.
	stretches [12]stretch
	closed    int
	open      stretch
}

type stretch struct {
	bytes  int
	length media.Ticks
}

const leastStretch = media.Ticks(1.5 * 90_000)

func (k *keyframes) picture(au media.AccessUnit) {
	k.newest = au.PTS
	if au.Recovery {
		k.recovers++
	}
	if !au.Sync {
		k.size += len(au.Data)
		return
	}
	k.recovered, k.recovers = k.recovers, 0
	if interval := au.PTS - k.lastKey; k.lastKey != 0 && !au.Discontinuity && interval > 0 {
		k.close(interval)
	}
	k.lastKey, k.size = au.PTS, len(au.Data)
}

// close ends a GOP.
func (k *keyframes) close(interval media.Ticks) {
	k.interval = interval
	k.rate = stretch{k.size, interval}.bitrate()
	k.intervals[k.keys%len(k.intervals)] = interval
	k.keys++
	k.open.bytes += k.size
	if k.open.length += interval; k.open.length >= leastStretch {
		k.stretches[k.closed%len(k.stretches)] = k.open
		k.closed++
		k.open = stretch{}
	}
}

func (s stretch) bitrate() int {
	return int(int64(s.bytes) * 8 * int64(media.VideoTimescale) / int64(max(s.length, 1)))
}

// bitrate is the mean of the stretches, in bit/s; 0 before there are two.
func (k *keyframes) bitrate() float64 {
	var all stretch
	for _, s := range k.stretches {
		all.bytes += s.bytes
		all.length += s.length
	}
	if k.closed < 2 {
		return 0
	}
	return float64(all.bitrate())
}

func (k *keyframes) observe(o *doctor.Observations) {
	seconds := func(t media.Ticks) float64 { return media.VideoTimescale.Duration(t).Seconds() }
	o.Set(doctor.OpenGOPs, float64(k.recovers+k.recovered))
	o.Set(doctor.SinceKeyframe, seconds(k.newest-k.lastKey))
	if k.keys > 0 {
		o.Set(doctor.KeyframeInterval, seconds(k.interval))
	}
	if k.keys >= len(k.intervals) {
		sorted := k.intervals
		slices.Sort(sorted[:])
		o.Set(doctor.KeyframeSpread, seconds(sorted[len(sorted)-3]-sorted[2])) // A scene change or two is normal.
	}
	if mean := k.bitrate(); mean > 0 && k.closed >= 5 {
		peak := 0
		for _, s := range k.stretches {
			peak = max(peak, s.bitrate())
		}
		o.Set(doctor.BitratePeak, 100*float64(peak)/mean)
	}
}
