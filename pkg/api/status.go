package api

import "time"

// State is where a stream stands for its viewers.
type State string

// The states of a stream.
const (
	// Waiting: a publisher is connected, its first segment is on the way.
	Waiting State = "waiting"
	// Live: segments appear.
	Live State = "live"
	// Reconnecting: the publisher was lost and may come back.
	Reconnecting State = "reconnecting"
	// Ended: the publisher ended the stream, or did not come back in time.
	Ended State = "ended"
)

// StreamStatus is one stream as GET /api/v1/streams/NAME shows it. Fields are
// added to it over time, but never renamed or removed.
type StreamStatus struct {
	Name  string    `json:"name"`
	State State     `json:"state"`
	Since time.Time `json:"since"`
	// Session is null while nobody publishes.
	Session *Session `json:"session"`
	// Source is null until the publisher's first keyframe; its codec is empty
	// where audio comes alone.
	Source     *Source     `json:"source"`
	Renditions []Rendition `json:"renditions"`
	// Worker is null while no video is encoded.
	Worker *Worker `json:"worker"`
	// Repairs counts what was wrong with the source's time, by kind.
	Repairs map[string]uint64 `json:"repairs"`
	Health  []Finding         `json:"health"`
	URLs    URLs              `json:"urls"`
}

// Session is the publisher that is connected.
type Session struct {
	Protocol    string    `json:"protocol"`
	Encoder     string    `json:"encoder,omitempty"`
	ConnectedAt time.Time `json:"connected_at"`
}

// Source is what the publisher sends.
type Source struct {
	Codec   string `json:"codec"`
	Profile string `json:"profile,omitempty"`
	Width   int    `json:"width"`
	Height  int    `json:"height"`
	// FrameRate is 0 where frames come at irregular times.
	FrameRate float64 `json:"frame_rate"`
	// Bitrate is measured, in bits per second; 0 until it is known.
	Bitrate int `json:"bitrate"`
	// KeyframeInterval is in seconds; 0 until there were two keyframes.
	KeyframeInterval float64      `json:"keyframe_interval_s"`
	Audio            *SourceAudio `json:"audio"`
}

// SourceAudio is the publisher's audio.
type SourceAudio struct {
	Codec      string `json:"codec"`
	SampleRate int    `json:"sample_rate"`
	Channels   int    `json:"channels"`
}

// Rendition is one choice that players have.
type Rendition struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Kind        string `json:"kind"`
	Codecs      string `json:"codecs,omitempty"`
	Width       int    `json:"width,omitempty"`
	Height      int    `json:"height,omitempty"`
	Bandwidth   int    `json:"bandwidth"`
	Passthrough bool   `json:"passthrough"`
	// Segments counts those that its playlist lists.
	Segments int `json:"segments"`
	// Resting is true while nothing of it is encoded, as nobody watches it.
	Resting bool `json:"resting,omitempty"`
	// State is "waiting" before the first segment, then "live" or "ended".
	State State `json:"state"`
}

// Worker is the process that encodes a stream's rungs.
type Worker struct {
	// State is "running" or "restarting".
	State    string `json:"state"`
	Restarts uint64 `json:"restarts"`
	// RealtimeRatio is how much faster than real time it encodes; 0 while
	// unknown, below 1 it cannot keep up.
	RealtimeRatio float64 `json:"realtime_ratio"`
	// Behind is the media time in seconds that waits to be encoded.
	Behind float64 `json:"behind"`
	// Shed and Restored count the steps by which rungs gave way to overload
	// and came back.
	Shed     uint64 `json:"shed"`
	Restored uint64 `json:"restored"`
}

// Finding is one thing that the creator should know.
type Finding struct {
	// Code is stable and in snake case.
	Code string `json:"code"`
	// Severity is info, warning or error.
	Severity string `json:"severity"`
	Message  string `json:"message"`
	// Remedy says which setting mends it.
	Remedy string `json:"remedy,omitempty"`
}

// URLs say where a stream is watched.
type URLs struct {
	Watch string `json:"watch"`
	HLS   string `json:"hls"`
	DASH  string `json:"dash"`
}

// StreamURLs are the addresses of the stream called name below base, such as
// https://live.example.com; with an empty base they are paths.
func StreamURLs(base, name string) URLs {
	return URLs{
		Watch: base + "/watch/" + name,
		HLS:   base + "/live/" + name + "/index.m3u8",
		DASH:  base + "/live/" + name + "/manifest.mpd",
	}
}
