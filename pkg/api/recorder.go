package api

import (
	"math"
	"slices"
	"sync"
	"time"
)

const (
	// sampleEvery is the distance of two samples, and samplesKept what is
	// remembered of each stream: ten minutes, some 50 kB.
	sampleEvery = 2 * time.Second
	samplesKept = 300
	// columns is of how many video renditions the bit rate is remembered.
	columns = 16
)

// Recorder remembers the last ten minutes of each stream's figures. It is safe
// for concurrent use.
type Recorder struct {
	mu   sync.Mutex
	last time.Time
	kept map[string]*series
}

// NewRecorder makes a Recorder that has seen nothing yet.
func NewRecorder() *Recorder { return &Recorder{kept: make(map[string]*series)} }

// Look takes a sample of each stream, if the last one is long enough ago, and
// forgets those that are not there any more.
func (r *Recorder) Look(now time.Time, streams []StreamStatus) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Ticks come a little early, too.
	if now.Sub(r.last) < sampleEvery-sampleEvery/4 {
		return
	}
	r.last = now
	kept := make(map[string]*series, len(streams))
	for _, s := range streams {
		of := r.kept[s.Name]
		if of == nil {
			of = &series{moments: make([]moment, 0, samplesKept)}
		}
		of.add(now, s)
		kept[s.Name] = of
	}
	r.kept = kept
}

// samples are those that were taken later than after, the oldest first.
func (r *Recorder) samples(stream string, after time.Time) []Sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := []Sample{}
	of := r.kept[stream]
	if of == nil {
		return all
	}
	for i := range of.moments {
		m := &of.moments[(of.oldest+i)%len(of.moments)]
		if time.UnixMilli(m.at).After(after) {
			all = append(all, of.sample(m))
		}
	}
	return all
}

// series is what is kept of one stream.
type series struct {
	// moments is a ring once it is full.
	moments []moment
	oldest  int
	// rungs are the ids of the columns.
	rungs []string
}

// The places of figures in a moment.
const (
	atBitrate = iota
	atFrameRate
	atKeyframeInterval
	atDelay
	atJitter
	atLatency
	atRealtimeRatio
	atViewers
	atViewerLatency
	atAudioLevel
	places
)

// moment is a sample without pointers: 30,000 of them, of a hundred streams, would else
// be what the garbage collector has most work with.
type moment struct {
	at int64 // Unix time in milliseconds
	// figures are NaN where they are not known, rungs 0.
	figures [places]float64
	rungs   [columns]int32
}

func (of *series) add(now time.Time, s StreamStatus) {
	m := moment{at: now.UnixMilli()}
	for i := range m.figures {
		m.figures[i] = math.NaN()
	}
	m.note(s)
	for _, r := range s.Renditions {
		if s.Session == nil || r.Resting || r.Kind != "video" || r.Bitrate <= 0 {
			continue
		}
		if i, ok := of.column(r.ID); ok {
			m.rungs[i] = int32(min(r.Bitrate, math.MaxInt32))
		}
	}
	if len(of.moments) < samplesKept {
		of.moments = append(of.moments, m)
		return
	}
	of.moments[of.oldest] = m
	of.oldest = (of.oldest + 1) % samplesKept
}

func (of *series) column(id string) (i int, ok bool) {
	if i = slices.Index(of.rungs, id); i >= 0 {
		return i, true
	}
	if len(of.rungs) == columns {
		return 0, false
	}
	of.rungs = append(of.rungs, id)
	return len(of.rungs) - 1, true
}

// note enters all figures but those of renditions.
func (m *moment) note(s StreamStatus) {
	enter := func(place int, figure float64) { m.figures[place] = figure }
	known := func(place int, figure *float64) {
		if figure != nil {
			enter(place, *figure)
		}
	}
	if s.State == Live {
		enter(atViewers, float64(s.Audience.Viewers))
		known(atViewerLatency, s.Audience.Latency)
	}
	if a := s.Arrival; a != nil {
		enter(atBitrate, float64(a.Bitrate))
		enter(atFrameRate, a.FrameRate)
		enter(atDelay, a.Delay)
		enter(atJitter, a.Jitter)
	}
	if s.Source != nil && s.Source.KeyframeInterval > 0 {
		enter(atKeyframeInterval, s.Source.KeyframeInterval)
	}
	if s.Session != nil && s.Source != nil && s.Source.Audio != nil {
		known(atAudioLevel, s.Source.Audio.Level)
	}
	if s.Worker != nil && s.Worker.RealtimeRatio > 0 {
		enter(atRealtimeRatio, s.Worker.RealtimeRatio)
	}
	for _, r := range s.Renditions {
		if slowest := m.figures[atLatency]; s.Session != nil && !r.Resting && r.Latency != nil && !(*r.Latency <= slowest) {
			enter(atLatency, *r.Latency)
		}
	}
}

// sample is what the API says of a moment.
func (of *series) sample(m *moment) Sample {
	number := func(place int) *float64 {
		if math.IsNaN(m.figures[place]) {
			return nil
		}
		return new(m.figures[place])
	}
	whole := func(place int) *int {
		if math.IsNaN(m.figures[place]) {
			return nil
		}
		return new(int(m.figures[place]))
	}
	out := Sample{
		Time: time.UnixMilli(m.at).UTC(), Bitrate: whole(atBitrate), FrameRate: number(atFrameRate), KeyframeInterval: number(atKeyframeInterval),
		Delay: number(atDelay), Jitter: number(atJitter), Latency: number(atLatency), RealtimeRatio: number(atRealtimeRatio),
		Viewers: whole(atViewers), ViewerLatency: number(atViewerLatency), AudioLevel: number(atAudioLevel), RungBitrates: make(map[string]int),
	}
	for i, id := range of.rungs {
		if m.rungs[i] > 0 {
			out.RungBitrates[id] = int(m.rungs[i])
		}
	}
	return out
}
