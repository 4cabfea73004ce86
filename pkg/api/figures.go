package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
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
