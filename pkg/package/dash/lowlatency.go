package dash

import (
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"

	"weir/pkg/media"
)

const (
	// targetLatency is how far players are asked to stay behind the live edge,
	// in milliseconds; minLatency and maxLatency are where they stop caring. A
	// player learns of a segment within a part and an update of the MPD, and
	// encoding takes its time as well.
	targetLatency, minLatency, maxLatency = 1500, 1050, 3000
	// slowest and fastest are the rates of playback at which a player finds its
	// way back to the target unheard.
	slowest, fastest = 0.95, 1.05
	// partsAhead is how many parts a player should have before it starts.
	partsAhead = 2
	// encodeTime is how much later an encoded rendition's media are there than
	// the source's, at most, where the machine keeps up.
	encodeTime = 500 * time.Millisecond
	// referenceTime is the id of every ProducerReferenceTime; they all say the
	// same, so that latency can be told by any.
	referenceTime = 0
)

// lowLatency makes the MPD of p one that low-latency players use (ISO/IEC
// 23009-1, K.3.2, and 5.13 for the service description).
func lowLatency(m *mpd.MPD, p *media.Presentation) {
	m.MinBufferTime = new(mpd.Duration(partsAhead * partTarget(p)))
	m.MinimumUpdatePeriod = new(mpd.Duration(partTarget(p))) // as often as HLS players reload
	m.SuggestedPresentationDelay = new(mpd.Duration(targetLatency * time.Millisecond))
	m.ServiceDescription = []*mpd.ServiceDescriptionType{{
		Latencies: []*mpd.LatencyType{{
			ReferenceId: referenceTime,
			Target:      new(uint32(targetLatency)), Min: new(uint32(minLatency)), Max: new(uint32(maxLatency)),
		}},
		PlaybackRates: []*mpd.PlaybackRateType{{Min: slowest, Max: fastest}},
	}}
}

// describeLow says of each Representation of a Period from when on its segments
// can be asked for, although they are not complete then, and which wall-clock
// time its media times stand for. Its segments carry the latter as well (prft).
func (p period) describeLow(e *mpd.Period, of *media.Presentation, clock string) {
	for _, set := range e.AdaptationSets {
		for _, r := range set.Representations {
			w, ok := of.Window(r.Id)
			if !ok {
				continue
			}
			early := time.Duration(of.TargetDuration)*time.Second - partTarget(of)
			if !w.Rendition.Passthrough {
				early -= encodeTime
			}
			t := r.SegmentTemplate
			t.AvailabilityTimeOffset = mpd.FloatInf64(early.Seconds())
			t.AvailabilityTimeComplete = new(false)
			r.ProducerReferenceTimes = []*mpd.ProducerReferenceTimeType{{
				Id: referenceTime, Inband: true, Type: "encoder",
				WallClockTime:    string(dateTime(media.VideoTimescale.Time(p.start))),
				PresentationTime: *t.PresentationTimeOffset,
				UTCTiming:        mpd.NewDescriptor(utcTiming, clock, ""),
			}}
		}
	}
}

func partTarget(p *media.Presentation) time.Duration {
	return time.Duration(p.PartTarget * float64(time.Second))
}
