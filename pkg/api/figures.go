package api

import (
	"context"
	"net/http"
	"sort"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

const (
	// sampleEvery is the distance of two samples, and samplesKept what is
	// remembered of each stream: ten minutes, some 100 kB.
	sampleEvery = 2 * time.Second
	samplesKept = 300
)

// Sample is what a stream's figures were at a time. One that is null was not
// known.
type Sample struct {
	_                struct{}  `additionalProperties:"true"`
	Time             time.Time `json:"time"`
	Bitrate          *int      `json:"bitrate" doc:"What arrives from the publisher, in bits per second."`
	FrameRate        *float64  `json:"frame_rate" doc:"Pictures that arrive per second."`
	KeyframeInterval *float64  `json:"keyframe_interval_s"`
	Delay            *float64  `json:"delay_s" doc:"How far media time lies behind the clock on arrival."`
	Jitter           *float64  `json:"jitter_s"`
	Latency          *float64  `json:"latency_s" doc:"Of the slowest rendition that is encoded."`
	RealtimeRatio    *float64  `json:"realtime_ratio" doc:"How much faster than real time the worker encodes."`
	Viewers          *int      `json:"viewers"`
	ViewerLatency    *float64  `json:"viewer_latency_s" doc:"The median of the players that tell (CMCD)."`
	AudioLevel       *float64  `json:"audio_level_db" doc:"Root mean square, in dB below full scale, at least -120."`
	// RungBitrates leaves out rungs that rest or have no segment yet.
	RungBitrates map[string]int `json:"rung_bitrates" doc:"Of each video rendition, by its id: measured over the window, in bits per second."`
}

// figures are a stream's samples.
type figures struct {
	_       struct{} `additionalProperties:"true"`
	Samples []Sample `json:"samples" nullable:"false"`
}

// Recorder remembers the last ten minutes of each stream's figures. It is safe
// for concurrent use.
type Recorder struct {
	mu   sync.Mutex
	last time.Time
	kept map[string][]Sample
}

// NewRecorder makes a Recorder that has seen nothing yet.
func NewRecorder() *Recorder { return &Recorder{kept: make(map[string][]Sample)} }

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
	kept := make(map[string][]Sample, len(streams))
	for _, s := range streams {
		samples := append(r.kept[s.Name], sample(now, s))
		kept[s.Name] = samples[max(0, len(samples)-samplesKept):]
	}
	r.kept = kept
}

// samples are those that were taken later than after, the oldest first.
func (r *Recorder) samples(stream string, after time.Time) []Sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.kept[stream]
	first := sort.Search(len(kept), func(i int) bool { return kept[i].Time.After(after) })
	return append([]Sample{}, kept[first:]...)
}

// sample copies each figure: a pointer into s would keep all of it for ten minutes, a
// megabyte for each stream.
func sample(now time.Time, s StreamStatus) Sample {
	out := Sample{Time: now.UTC().Truncate(time.Millisecond), RungBitrates: make(map[string]int)}
	if s.State == Live {
		out.Viewers, out.ViewerLatency = new(s.Audience.Viewers), copied(s.Audience.Latency)
	}
	if a := s.Arrival; a != nil {
		out.Bitrate, out.FrameRate, out.Delay, out.Jitter = new(a.Bitrate), new(a.FrameRate), new(a.Delay), new(a.Jitter)
	}
	if s.Source != nil && s.Source.KeyframeInterval > 0 {
		out.KeyframeInterval = new(s.Source.KeyframeInterval)
	}
	if s.Session != nil && s.Source != nil && s.Source.Audio != nil {
		out.AudioLevel = copied(s.Source.Audio.Level)
	}
	if s.Worker != nil && s.Worker.RealtimeRatio > 0 {
		out.RealtimeRatio = new(s.Worker.RealtimeRatio)
	}
	for _, r := range s.Renditions {
		if s.Session != nil && !r.Resting && r.Latency != nil && (out.Latency == nil || *r.Latency > *out.Latency) {
			out.Latency = copied(r.Latency)
		}
		if s.Session != nil && !r.Resting && r.Kind == "video" && r.Bitrate > 0 {
			out.RungBitrates[r.ID] = r.Bitrate
		}
	}
	return out
}

func copied(figure *float64) *float64 {
	if figure == nil {
		return nil
	}
	return new(*figure)
}

type figuresInput struct {
	Name  string    `doc:"The stream's name." path:"name"`
	After time.Time `doc:"Only samples later than this: the time of the last one that is known already." query:"after"`
}

func (h handlers) figureRoutes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "list-stream-figures", Method: http.MethodGet, Path: "/api/v1/streams/{name}/figures", Tags: []string{tagStreams},
		Summary: "Show a stream's figures of the last ten minutes", Description: "A sample each 2 s, the oldest first. Empty for a name that nobody has published.",
		Security: needs(Viewer), Errors: authErrors(http.StatusUnprocessableEntity),
	}, func(_ context.Context, in *figuresInput) (*private[figures], error) {
		return &private[figures]{Body: figures{Samples: h.cfg.Recorder.samples(in.Name, in.After)}}, nil
	})
}
