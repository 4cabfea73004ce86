package live

import (
	"fmt"
	"math"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

const (
	// limitSlack is by how much a bit rate or frame rate may pass its limit:
	// encoders hold theirs on average only.
	limitSlack = 1.1
	// limitPatience is for how many seconds in a row it must have.
	limitPatience = 5
	// meterWindow is over how many seconds a rate is measured: two intervals of
	// keyframes.
	meterWindow = 4
	// limitAhead is how much more than real time may come: what an encoder catches
	// up after its network stalled.
	limitAhead = 30 * time.Second
	// quietAfter is how long a publisher may send nothing before whoever must not
	// take over may do it all the same: it is the encoder itself that comes back.
	quietAfter = 3 * time.Second
)

// limiter holds a session to the limits of its stream key. It is its
// connection's goroutine's.
type limiter struct {
	rules       ingest.Rules
	stream      string
	long, short int
	// ends is when the broadcast has lasted as long as it may; zero for no limit.
	ends time.Time

	bits, frames meter
	// sent is by how many bits more than its limit allows has come, by the
	// clock and not by the timestamps, which are the encoder's word.
	sent  float64
	spent time.Time
}

// newLimiter begins a session, of a broadcast that began then.
func newLimiter(grant ingest.Grant, broadcast time.Time) *limiter {
	l := &limiter{rules: grant.Rules, stream: grant.Stream}
	l.long, l.short, _ = grant.Rules.Resolution() // it was checked when the rules were made
	if d := grant.Rules.Duration(); d > 0 {
		l.ends = broadcast.Add(d)
	}
	return l
}

// raw looks at an access unit as it came, at that time. It returns why the session
// ends; nil if it goes on.
func (l *limiter) raw(au media.AccessUnit, now time.Time) *ingest.Rejection {
	if !l.ends.IsZero() && !now.Before(l.ends) {
		return errDuration(l.rules, l.stream)
	}
	if t := au.Track; l.long > 0 && t != nil && t.Kind == media.Video && (max(t.Width, t.Height) > l.long || min(t.Width, t.Height) > l.short) {
		return l.exceeded(ingest.ResolutionExceeded,
			"Your picture is %dx%d, and this stream key takes at most %s. In OBS, Settings → Video: lower the Output (Scaled) Resolution.",
			t.Width, t.Height, l.rules.MaxResolution)
	}
	if l.rules.MaxBitrate == 0 {
		return nil
	}
	allowed := limitSlack * float64(l.rules.MaxBitrate)
	if !l.spent.IsZero() {
		l.sent = max(l.sent-allowed*now.Sub(l.spent).Seconds(), 0)
	}
	l.spent = now
	if l.sent += 8 * float64(len(au.Data)); l.sent > allowed*limitAhead.Seconds() {
		return l.tooManyBits(0)
	}
	return nil
}

// repaired looks at an access unit whose time is repaired.
func (l *limiter) repaired(au media.AccessUnit) *ingest.Rejection {
	second := int64(au.Track.Timescale.Duration(au.DTS) / time.Second)
	if most := float64(l.rules.MaxBitrate); most > 0 {
		if rate := l.bits.add(second, 8*float64(len(au.Data)), most*limitSlack); rate > 0 {
			return l.tooManyBits(rate)
		}
	}
	most := l.rules.MaxFrameRate
	if most == 0 || au.Track.Kind != media.Video || au.Track.Number != 0 {
		return nil
	}
	if rate := au.Track.FrameRate; rate.Known() {
		if fps := float64(rate.Num) / float64(rate.Den); fps > most*1.01 {
			return l.tooManyFrames(fps)
		}
	}
	if rate := l.frames.add(second, 1, most*limitSlack); rate > 0 {
		return l.tooManyFrames(rate)
	}
	return nil
}

// tooManyBits wants the rate that was measured, in bits per second; 0 if that says
// nothing.
func (l *limiter) tooManyBits(rate float64) *ingest.Rejection {
	sends := "You send more than"
	if rate > 0 {
		sends = fmt.Sprintf("You send %.1f Mbit/s;", rate/1e6)
	}
	return l.exceeded(ingest.BitrateExceeded,
		"%s this stream key takes at most %.1f Mbit/s, audio included. In OBS, Settings → Output: lower the Video Bitrate to %d Kbps or less.",
		sends, float64(l.rules.MaxBitrate)/1e6, suggestedBitrate(l.rules.MaxBitrate))
}

// suggestedBitrate leaves room for audio, in kbit/s.
func suggestedBitrate(most int) int {
	const audio = 160_000
	return max(most-audio, most/2) / 1000
}

func (l *limiter) tooManyFrames(rate float64) *ingest.Rejection {
	return l.exceeded(ingest.FrameRateExceeded,
		"You send %.4g frames per second, and this stream key takes at most %.4g. In OBS, Settings → Video: lower the Common FPS Values.",
		math.Round(rate*100)/100, l.rules.MaxFrameRate)
}

func (l *limiter) exceeded(reason ingest.Reason, format string, args ...any) *ingest.Rejection {
	return &ingest.Rejection{Reason: reason, Stream: l.stream, Message: fmt.Sprintf(format, args...)}
}

// errDuration tells a publisher that its broadcast has lasted long enough.
func errDuration(rules ingest.Rules, stream string) *ingest.Rejection {
	return &ingest.Rejection{Reason: ingest.DurationReached, Stream: stream, Message: fmt.Sprintf(
		"This stream key broadcasts for at most %v at a time, and that is over. Stop streaming in your encoder; whoever runs the server can allow more.", rules.Duration())}
}

// errAlreadyLive tells a publisher that somebody else is there.
func errAlreadyLive(stream string) *ingest.Rejection {
	return &ingest.Rejection{Reason: ingest.AlreadyLive, Stream: stream, Message: fmt.Sprintf(
		"Another encoder publishes %s already, and this stream key must not take over. Stop that one first.", stream)}
}

// meter measures a rate over the last whole seconds.
type meter struct {
	// sums are of the seconds up to newest, each at its number modulo the length.
	sums   [meterWindow + 1]float64
	newest int64
	begun  bool
	// over counts the seconds in a row in which the rate was too high.
	over int
}

// add counts n in a second. It returns the rate, per second, once that was above
// most for limitPatience; else 0.
func (m *meter) add(second int64, n, most float64) float64 {
	if !m.begun {
		m.newest, m.begun = second, true
	}
	length := int64(len(m.sums))
	if second <= m.newest-length {
		return 0 // too old to matter
	}
	rate := 0.0
	for ; m.newest < second; m.newest++ {
		if second-m.newest > 2*length {
			*m = meter{newest: second, begun: true} // a gap: nothing is known
			break
		}
		rate = m.close(most)
		m.sums[(m.newest+1)%length] = 0
	}
	m.sums[second%length] += n
	return rate
}

// close ends the newest second.
func (m *meter) close(most float64) float64 {
	total := 0.0
	for i := range int64(meterWindow) {
		total += m.sums[(m.newest-i+int64(len(m.sums)))%int64(len(m.sums))]
	}
	rate := total / meterWindow
	if rate <= most {
		m.over = 0
		return 0
	}
	if m.over++; m.over < limitPatience {
		return 0
	}
	return rate
}
