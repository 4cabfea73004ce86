package verify

import (
	"fmt"
	"strconv"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"
)

// lowManifest is what an MPD says to low-latency players.
type lowManifest struct {
	manifest

	// updates is minimumUpdatePeriod, and longest maxSegmentDuration; 0 for none.
	updates, longest time.Duration
	// target, least and most are Latency@target, @min and @max, 0 for none, and
	// reference is Latency@referenceId.
	target, least, most time.Duration
	reference           uint32
	// slowest and fastest are PlaybackRate@min and @max, 0 for none.
	slowest, fastest float64
	offered          []offer
}

// offer is what a Representation of the last Period says.
type offer struct {
	representation

	// early is availabilityTimeOffset, and complete availabilityTimeComplete.
	early    time.Duration
	complete bool
	clocks   []producerClock
}

// producerClock is ProducerReferenceTime (ISO/IEC 23009-1, 5.12): which
// wall-clock time a presentation time stands for.
type producerClock struct {
	id   uint32
	wall time.Time
	at   uint64
}

// parseLowManifest reads an MPD that stands at address. It is nil if the MPD
// offers no low latency.
func parseLowManifest(address string, text []byte) (m *lowManifest, err error) {
	defer guarded(&err)
	plain, err := parseManifest(address, text)
	if err != nil {
		return nil, err
	}
	read, err := decodeMPD(text)
	if err != nil {
		return nil, fmt.Errorf("read the MPD: %w", err)
	}
	m = &lowManifest{manifest: plain}
	if read.MinimumUpdatePeriod != nil {
		m.updates = time.Duration(*read.MinimumUpdatePeriod)
	}
	if read.MaxSegmentDuration != nil {
		m.longest = time.Duration(*read.MaxSegmentDuration)
	}
	m.readService(read.ServiceDescription)
	last := len(read.Periods) - 1
	isLow := false
	for _, set := range read.Periods[last].AdaptationSets {
		for _, r := range set.Representations {
			o := offer{representation: plain.periods[last].representations[len(m.offered)], complete: true}
			if t := r.SegmentTemplate; t != nil {
				o.early = time.Duration(float64(t.AvailabilityTimeOffset) * float64(time.Second))
				o.complete = t.AvailabilityTimeComplete == nil || *t.AvailabilityTimeComplete
			}
			if o.clocks, err = clocksOf(r.ProducerReferenceTimes); err != nil {
				return nil, fmt.Errorf("read Representation %s: %w", r.Id, err)
			}
			isLow = isLow || !o.complete
			m.offered = append(m.offered, o)
		}
	}
	if !isLow {
		return nil, nil
	}
	return m, nil
}

func clocksOf(elements []*mpd.ProducerReferenceTimeType) (all []producerClock, err error) {
	for _, e := range elements {
		c := producerClock{id: e.Id, at: e.PresentationTime}
		if err := instant(e.WallClockTime, &c.wall); err != nil {
			return nil, fmt.Errorf("ProducerReferenceTime %s: %w", strconv.FormatUint(uint64(e.Id), 10), err)
		}
		all = append(all, c)
	}
	return all, nil
}

func (m *lowManifest) readService(descriptions []*mpd.ServiceDescriptionType) {
	if len(descriptions) == 0 {
		return
	}
	ms := func(n *uint32) time.Duration {
		if n == nil {
			return 0
		}
		return time.Duration(*n) * time.Millisecond
	}
	for _, l := range descriptions[0].Latencies {
		m.target, m.least, m.most, m.reference = ms(l.Target), ms(l.Min), ms(l.Max), l.ReferenceId
	}
	for _, r := range descriptions[0].PlaybackRates {
		m.slowest, m.fastest = r.Min, r.Max
	}
}
