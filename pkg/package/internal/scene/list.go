package scene

import (
	"time"

	"weir/pkg/media"
)

// Scene is a presentation with a name, which is also that of its golden files.
type Scene struct {
	Name string
	*media.Presentation
}

// List makes every scene anew.
func List() []Scene {
	cfr := Shape{Rate: media.Rational{Num: 30, Den: 1}, Sampling: 48_000}
	ntsc := Shape{Rate: media.Rational{Num: 30_000, Den: 1001}, Sampling: 48_000}
	cd := Shape{Rate: media.Rational{Num: 25, Den: 1}, Sampling: 44_100}
	const window, pause = 15, 5 * time.Second
	var all []Scene
	add := func(name string, s *Stream) { all = append(all, Scene{name, s.Presentation()}) }
	add("live", New(cfr).Publish(40).Slide(window))
	add("before-first", New(cfr))
	add("gap", New(cfr).Publish(3).Publish(2, Low).Publish(3))
	add("gap-everywhere", New(cfr).Publish(3).Publish(2, Top, Low, Sound).Publish(1))
	add("lagging", New(cfr).Publish(6).Lag(Low, 2).Lag(Sound, 1))
	add("not-started", New(cfr).Publish(3).Lag(Low, 3))
	add("discontinuity", New(cfr).Publish(3).Break(pause, 1).Publish(3))
	add("discontinuity-seamless", New(cfr).Publish(3).Break(0, 1).Publish(3))
	add("discontinuity-new-init", New(cfr).Publish(3).Break(pause, 1).Reinit().Publish(3))
	add("discontinuity-slid-out", New(cfr).Publish(3).Break(pause, 1).Publish(6).Slide(4))
	add("periods-skipped", New(cfr).Publish(3).Break(pause, 3).Publish(3))
	add("period-of-gaps", New(cfr).Publish(3).Break(pause, 1).Publish(2, Top, Low, Sound).Break(pause, 1).Publish(2))
	add("ended", New(cfr).Publish(6).End())
	add("ended-slid", New(cfr).Publish(300).Slide(window).End())
	add("ended-periods", New(ntsc).Publish(3).Break(pause, 1).Publish(3).Break(0, 1).Publish(2).End())
	add("audio-only", New(Shape{Sampling: 48_000, NoVideo: true}).Publish(6))
	add("no-audio", New(Shape{Rate: cfr.Rate}).Publish(6))
	add("variable-rate", New(Shape{Sampling: 48_000}).Publish(6))
	add("29.97", New(ntsc).Publish(20).Slide(window))
	add("44100", New(cd).Publish(20).Slide(window))
	add("low-latency", New(cfr).Publish(40).Slide(window).Open(3))
	add("low-latency-start", New(cfr).Publish(1).Open(4))
	add("low-latency-25", New(Shape{Rate: media.Rational{Num: 25, Den: 1}, Sampling: 44_100}).Publish(8).Open(1))
	add("low-latency-break", New(ntsc).Publish(8).Break(pause, 1).Reinit().Open(2))
	add("low-latency-rest", New(cfr).Publish(8).Open(2).Rest(Low, 5))
	several := Shape{Rate: cfr.Rate, Sampling: 48_000, Tracks: true}
	add("audio-tracks", New(several).Publish(40).Slide(window).Open(3))
	add("audio-tracks-gap", New(several).Publish(3).Break(pause, 1).Publish(1).Publish(2, Dub).Publish(2).End())
	add("audio-tracks-alone", New(Shape{Sampling: 48_000, NoVideo: true, Tracks: true}).Publish(6))
	return all
}
