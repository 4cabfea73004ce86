package live

import (
	"strings"
	"time"

	"weir/pkg/doctor"
	"weir/pkg/transcode"
)

// observe gathers what is known of the stream now. arrived is nil while nobody
// publishes.
func (s *stream) observe(now time.Time, arrived *Arrival) (o doctor.Observations) {
	o.Set(doctor.Reconnects, float64(s.comings.again(now)))
	if reporting, stalled := s.cfg.fares(s.name); reporting > 0 {
		o.Set(doctor.PlayersReporting, float64(reporting))
		o.Set(doctor.PlayersStalled, 100*float64(stalled)/float64(reporting))
	}
	if arrived != nil {
		s.vitals.look(now)
		if !s.repairs.Frozen && s.absence == nil { // else it grows because nothing comes
			o.Set(doctor.Delay, arrived.Delay.Seconds())
		}
	}
	s.observeBackup(&o)
	if s.absence != nil {
		o.Is(doctor.MediaMissing, true)
		o.Is(doctor.Connected, s.session != nil)
		o.Say(doctor.Viewers, "see a waiting picture")
		if s.onAir() == OnAirGap {
			o.Say(doctor.Viewers, "see the stream stand still")
		}
	}
	if s.pipeline == nil || s.absence != nil {
		return o
	}
	p := s.pipeline
	s.vitals.observe(&o, p.plan.source, p.plan.audio)
	s.vitals.repairs.observe(&o)
	o.Is(doctor.OtherTracks, s.metadata.OtherTracks || p.unused)
	o.Is(doctor.AudioMissing, s.repairs.Silent)
	o.Is(doctor.VideoStopped, s.repairs.Frozen)
	if w := p.worker(); w != nil {
		s.vitals.damage.add(now, w.Damaged)
		o.Set(doctor.Undecodable, s.vitals.damage.all.grown())
	}
	p.observe(&o)
	return o
}

// What Weir does about a source that it cannot cut into segments as it is.
const (
	lagsBehind   = " Viewers start later and lag further behind."
	encodesAgain = " Weir encodes the top rendition again, which costs CPU and a little quality."
	withdraws    = " Weir encodes H.264 for all players and does not offer your own picture any more."
)

// observe adds what becomes of the source.
func (p *pipeline) observe(o *doctor.Observations) {
	o.Is(doctor.VideoMissing, p.plan.source == nil)
	o.Is(doctor.NotPlayable, p.plan.unplayable != "")
	o.Is(doctor.Offered, p.plan.original)
	o.Say(doctor.Unplayable, p.plan.unplayable)
	o.Is(doctor.PassthroughLeft, p.plan.replaced || p.plan.withdrawn)
	switch {
	case p.plan.replaced:
		o.Say(doctor.Consequence, encodesAgain)
	case p.plan.withdrawn:
		o.Say(doctor.Consequence, withdraws)
	default:
		o.Say(doctor.Consequence, lagsBehind)
	}
	if p.plan.capped {
		o.Set(doctor.CappedLines, float64(min(p.plan.top.Width, p.plan.top.Height)))
	}
	p.observeWorkers(o)
}

func (p *pipeline) observeWorkers(o *doctor.Observations) {
	o.Is(doctor.TranscodingGivenUp, p.gaveUp != "")
	shed := p.shed()
	o.Set(doctor.RungsShed, float64(len(shed)))
	o.Say(doctor.Shed, strings.Join(shed, ", "))
	if w := p.worker(); w != nil {
		o.Set(doctor.WorkerRestarts, float64(w.Restarts))
		o.Say(doctor.WorkerError, w.LastError)
	}
	p.perceive(o)
	if kind, reason := p.failing(); reason != "" {
		o.Is(doctor.TranscodingFails, true)
		o.Say(doctor.FailingKind, kind)
		o.Say(doctor.WorkerError, reason)
	}
	if p.gaveUp != "" {
		o.Say(doctor.WorkerError, p.gaveUp)
	}
}

// perceive adds what the workers see and hear of what they decode.
func (p *pipeline) perceive(o *doctor.Observations) {
	if w := p.worker(); w != nil && w.Sight != nil {
		o.Set(doctor.Brightness, 100*w.Sight.Brightness)
		o.Set(doctor.Contrast, 100*w.Sight.Contrast)
		o.Set(doctor.Still, w.Sight.Still.Seconds())
	}
	if heard := p.heard(); heard != nil {
		o.Set(doctor.AudioLevel, heard.Level)
		o.Set(doctor.Clipped, 100*heard.Clipped)
	}
}

// heard is how loud the source's audio is, nil while no worker decodes it.
func (p *pipeline) heard() *transcode.Heard {
	if worker := p.voices[0].worker; worker != nil {
		return worker.Stats().Heard
	}
	if w := p.worker(); w != nil {
		return w.Heard
	}
	return nil
}

// worker is the state of the newest one that encodes video, nil without any.
func (p *pipeline) worker() *transcode.Stats {
	if len(p.crews) == 0 {
		return nil
	}
	return new(p.crews[len(p.crews)-1].worker.Stats())
}

// failing says what is encoded by workers that die again and again, and of
// what they die.
func (p *pipeline) failing() (kind, reason string) {
	for _, c := range p.crews {
		if reason = c.worker.Stats().Failing; reason != "" {
			return "video", reason
		}
	}
	for _, v := range p.voices {
		if v.worker != nil {
			if reason = v.worker.Stats().Failing; reason != "" {
				return "audio", reason
			}
		}
	}
	return "", ""
}

// shed names the rungs that are slowed down or left out, as "720p at half its
// frame rate".
func (p *pipeline) shed() []string {
	var all []string
	for _, c := range p.crews {
		for i, pace := range c.worker.Stats().Paces {
			switch l := c.lanes[i]; {
			case l == nil:
			case pace == transcode.PaceHalf:
				all = append(all, l.rendition.Name+" at half its frame rate")
			case pace == transcode.PaceOff:
				all = append(all, l.rendition.Name+" not at all")
			}
		}
	}
	return all
}

// comings remembers when the last sessions began.
type comings struct {
	times [16]time.Time
	count int
}

func (c *comings) add(now time.Time) {
	c.times[c.count%len(c.times)] = now
	c.count++
}

// again is how many began within the last two minutes, but the first.
func (c *comings) again(now time.Time) int {
	recent := 0
	for i := range min(c.count, len(c.times)) {
		if now.Sub(c.times[i]) < 2*time.Minute {
			recent++
		}
	}
	return max(0, recent-1)
}
