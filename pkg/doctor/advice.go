package doctor

import (
	"math"

	"weir/pkg/media"
)

// SetVideo notes what the source's video track tells, and how bitrate, in
// bit/s, compares with the advice for such a picture; 0 where it is not known
// yet.
func (o *Observations) SetVideo(t *media.Track, bitrate float64) {
	o.Is(FullRange, t.FullRange)
	o.Is(VariableFrameRate, !t.FrameRate.Known())
	rate := t.FrameRate.Float()
	if rate > 0 {
		o.Set(FrameRate, rate)
		o.Set(FrameRateOff, nearest(rate, 24, 25, 30, 48, 50, 60))
	}
	if t.Width <= 0 || t.Height <= 0 {
		return
	}
	o.Set(Width, float64(t.Width))
	o.Set(Height, float64(t.Height))
	shape := float64(t.Width) / float64(t.Height)
	if t.SampleAspect.Known() {
		shape *= t.SampleAspect.Float()
	}
	o.Set(AspectOff, nearest(max(shape, 1/shape), 1, 4./3, 1.6, 16./9, 64./27))
	if bitrate <= 0 {
		return
	}
	o.Set(VideoBitrate, bitrate)
	if rate == 0 {
		return // it says nothing of the moving picture that was meant
	}
	least, most := advice(t, rate)
	o.Set(BitrateOfLeast, 100*bitrate/least)
	o.Set(BitrateOfMost, 100*bitrate/most)
}

// nearest is how far x is from the nearest of those given, in percent of it.
func nearest(x float64, usual ...float64) float64 {
	least := math.Inf(1)
	for _, u := range usual {
		least = min(least, 100*math.Abs(x-u)/u)
	}
	return least
}

// advice is the range of bitrates that suits a picture, in bit/s: 4 to 6 Mb/s
// for 1080p at 30 fps in H.264, and as the 0.75th power of the pixels per second
// for others, as large pictures have fewer details per pixel. That meets what
// Twitch and YouTube advise within a fifth: 1.8 to 3.5 Mb/s for 720p30, 6 to 9
// for 1080p60. Newer codecs need less.
func advice(t *media.Track, rate float64) (least, most float64) {
	scale := math.Pow(float64(t.Width)*float64(t.Height)*rate/(1920*1080*30), 0.75)
	if t.Codec == media.HEVC || t.Codec == media.AV1 {
		scale *= 0.6
	}
	return 4e6 * scale, 6e6 * scale
}

// SetAudio notes what the source's audio track tells, and its bitrate in bit/s;
// 0 where it is not known yet.
func (o *Observations) SetAudio(t *media.Track, bitrate float64) {
	o.Set(SampleRate, float64(t.SampleRate))
	o.Set(Channels, float64(t.Channels))
	if bitrate > 0 && t.Channels > 0 {
		o.Set(AudioBitrate, bitrate)
		o.Set(AudioBitratePerChannel, bitrate/float64(t.Channels))
	}
}
