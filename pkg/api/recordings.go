package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// StreamRecording is what becomes of a stream that is being recorded.
type StreamRecording struct {
	_         struct{}   `additionalProperties:"true" nullable:"true"`
	StartedAt *time.Time `json:"started_at" doc:"Of the recording's first picture; null while nothing is written."`
	Path      string     `json:"path,omitempty" doc:"Its folder, below recording.directory."`
	Duration  float64    `json:"duration_s"`
	Bytes     uint64     `json:"bytes"`
	Missing   uint64     `json:"missing_segments" doc:"Segments that could not be recorded."`
	Trouble   string     `json:"trouble,omitempty" doc:"Why the newest segment was not recorded: the disk is too slow, has no room (full) or failed. Left out where it was recorded." enum:"slow,full,failed"`
}

// Recording is one that goes on, or is there.
type Recording struct {
	_           struct{}   `additionalProperties:"true"`
	Stream      string     `json:"stream"`
	Path        string     `json:"path" doc:"Its folder, below recording.directory. index.m3u8 is there." example:"main/2026-11-28T08-00-00Z"`
	StartedAt   time.Time  `json:"started_at"`
	EndedAt     *time.Time `json:"ended_at" doc:"null: it goes on."`
	Duration    float64    `json:"duration_s" doc:"Of what was recorded, in seconds."`
	Bytes       uint64     `json:"bytes"`
	Missing     uint64     `json:"missing_segments" doc:"Segments that could not be recorded."`
	Interrupted bool       `json:"interrupted,omitempty" doc:"It was not ended as it should: Weir or its machine went down. What was recorded plays."`
}

type recordingList struct {
	_          struct{}    `additionalProperties:"true"`
	Recordings []Recording `json:"recordings" nullable:"false"`
}

func (h handlers) recordingRoutes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "list-recordings", Method: http.MethodGet, Path: "/api/v1/recordings", Tags: []string{tagStreams},
		Summary: "List the recordings", Description: "By stream, the oldest first; those that go on, too.",
		Security: needs(Viewer), Errors: authErrors(http.StatusInternalServerError),
	}, h.recordings)
}

func (h handlers) recordings(context.Context, *struct{}) (*private[recordingList], error) {
	all, err := h.cfg.Recordings()
	if err != nil {
		return nil, h.broken("list the recordings", err)
	}
	return &private[recordingList]{Body: recordingList{Recordings: append([]Recording{}, all...)}}, nil
}
