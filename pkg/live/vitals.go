package live

import (
	"time"

	"weir/pkg/doctor"
	"weir/pkg/media"
)

// vitals are what a session's access units tell of themselves: counted as they
// come, at no more cost than some additions, and summed up at each look.
type vitals struct {
	keys keyframes
	// now is counted since the last look, recent are the looks before it.
	now    tally
	recent [10]tally
	looks  int
	looked time.Time
	// newest is the last DTS by kind, each in its track's timescale.
	newest [2]media.Ticks
	// clock is how the least delay moves.
	clock clockTrend

	repairs repairTrend
	damage  damageTrend
	// slewed is by how much media time was moved to follow the clock.
	slewed time.Duration
}

// tally is what one look sums up.
type tally struct {
	frames                 int
	videoSpan, audioSpan   time.Duration
	audioBytes             int
	audioUnits, videoUnits int
	// delays are sums over units of how far they lay behind the clock on
	// arrival; queued is the sum of what they waited after that.
	audioDelay, videoDelay, queued time.Duration
	reorder                        media.Ticks
	// least is the least delay, of video where there is any.
	least time.Duration
}

// unit counts one access unit, which arrived at a time and is dealt with at
// another.
func (v *vitals) unit(arrived, taken time.Time, au media.AccessUnit) {
	scale := au.Track.Timescale
	delay := arrived.Sub(scale.Time(au.DTS))
	lane := &v.newest[au.Track.Kind-media.Video]
	var step time.Duration
	if *lane != 0 && !au.Discontinuity {
		step = scale.Duration(au.DTS - *lane)
	}
	*lane = au.DTS
	t := &v.now
	t.queued += taken.Sub(arrived)
	if au.Discontinuity {
		v.clock = clockTrend{}
	}
	if t.audioUnits+t.videoUnits == 0 {
		t.least = delay
	}
	t.least = min(t.least, delay)
	if au.Track.Kind == media.Audio {
		t.audioUnits++
		t.audioDelay += delay
		if step > 0 {
			t.audioSpan += step
			t.audioBytes += len(au.Data)
		}
		return
	}
	t.videoUnits++
	t.videoDelay += delay
	t.reorder = max(t.reorder, au.PTS-au.DTS)
	if step > 0 {
		t.videoSpan += step
		t.frames++
	}
	v.keys.picture(au)
}

// look closes the tally, unless the last look was just now.
func (v *vitals) look(now time.Time) {
	if now.Sub(v.looked) < shortLook {
		return
	}
	v.looked = now
	v.clock.add(now, v.now, v.slewed)
	v.recent[v.looks%len(v.recent)] = v.now
	v.looks++
	v.now = tally{}
}

// sum is of all looks that are remembered.
func (v *vitals) sum() tally {
	var all tally
	for i := range v.recent {
		t := &v.recent[i]
		all.frames += t.frames
		all.videoSpan += t.videoSpan
		all.audioSpan += t.audioSpan
		all.audioBytes += t.audioBytes
		all.audioUnits += t.audioUnits
		all.videoUnits += t.videoUnits
		all.audioDelay += t.audioDelay
		all.videoDelay += t.videoDelay
		all.queued += t.queued
		all.reorder = max(all.reorder, t.reorder)
	}
	return all
}

// enough is how much media has to be counted before a share of it means
// something.
const enough = 5 * time.Second

// observe notes what the access units tell.
func (v *vitals) observe(o *doctor.Observations, video, audio *media.Track) {
	sum := v.sum()
	if video != nil {
		o.SetVideo(video, v.keys.bitrate())
		v.keys.observe(o)
		o.Set(doctor.Reorder, media.VideoTimescale.Duration(sum.reorder).Seconds())
		if rate := video.FrameRate.Float(); rate > 0 && sum.videoSpan >= enough {
			o.Set(doctor.FramesMissing, 100*max(0, 1-float64(sum.frames)/(sum.videoSpan.Seconds()*rate)))
		}
	}
	if audio != nil {
		bitrate := 0.0
		if sum.audioSpan >= enough {
			bitrate = float64(sum.audioBytes) * 8 / sum.audioSpan.Seconds()
		}
		o.SetAudio(audio, bitrate)
	}
	if sum.audioUnits > 0 && sum.videoUnits > 0 {
		behind := sum.audioDelay/time.Duration(sum.audioUnits) - sum.videoDelay/time.Duration(sum.videoUnits)
		o.Set(doctor.AudioBehind, behind.Seconds())
		o.Set(doctor.AudioOffset, behind.Abs().Seconds())
	}
	if units := sum.audioUnits + sum.videoUnits; units > 0 {
		o.Set(doctor.QueueDelay, (sum.queued / time.Duration(units)).Seconds())
	}
	if ppm, ok := v.clock.drift(); ok {
		o.Set(doctor.Drift, ppm)
		o.Set(doctor.ClockOff, max(ppm, -ppm))
	}
}
