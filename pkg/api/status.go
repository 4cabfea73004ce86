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
	_     struct{}  `additionalProperties:"true"`
	Name  string    `json:"name" doc:"The name in every URL."`
	State State     `json:"state" enum:"waiting,live,reconnecting,ended" doc:"waiting: the first segment is on the way. reconnecting: the publisher was lost and may come back."`
	Since time.Time `json:"since" doc:"When the stream came into this state."`
	// OnAir is what viewers get now.
	OnAir string `json:"on_air" enum:"nothing,source,slate,gap" doc:"What the renditions are made of now. slate and gap: no media comes, and the timeline goes on without."`
	// Session is null while nobody publishes.
	Session *Session `json:"session" doc:"The publisher that is on air."`
	// Standby is null while nobody else is connected.
	Standby *Session `json:"standby" doc:"The publisher that stands by: the backup, or the primary while the backup is on air."`
	// Backup is null while no backup publisher is connected.
	Backup *Backup `json:"backup"`
	// Switched is null before the first time.
	Switched *Switch `json:"switched" doc:"When and why a publisher last went on air in the other one's place."`
	// Recording is null while the stream is not being recorded.
	Recording *StreamRecording `json:"recording" doc:"null: it is not being recorded."`
	// Source is null until the publisher's first keyframe; its codec is empty
	// where audio comes alone.
	Source *Source `json:"source"`
	// Arrival is null while nobody publishes.
	Arrival    *Arrival    `json:"arrival"`
	Renditions []Rendition `json:"renditions" nullable:"false"`
	// Worker is null while no video is encoded.
	Worker   *Worker  `json:"worker"`
	Audience Audience `json:"audience"`
	// Repairs counts what was wrong with the source's time, by kind.
	Repairs map[string]uint64 `json:"repairs" doc:"What was wrong with the source's time, counted by kind."`
	Health  []Finding         `json:"health" nullable:"false" doc:"What the creator should know."`
	URLs    URLs              `json:"urls"`
}

// Role is which of a stream's two publishers one is.
type Role string

// The roles.
const (
	RolePrimary Role = "primary"
	// RoleBackup: its key has the rule backup.
	RoleBackup Role = "backup"
)

// Backup is the publisher that came with a backup's key.
type Backup struct {
	_           struct{}  `additionalProperties:"true" nullable:"true"`
	Protocol    string    `json:"protocol"`
	Encoder     string    `json:"encoder" doc:"What the publisher's software calls itself; empty if it does not say."`
	ConnectedAt time.Time `json:"connected_at"`
	OnAir       bool      `json:"on_air" doc:"Whether its media is what viewers get; session is the backup then."`
}

// Switch is the last time that a publisher went on air in the other one's place.
type Switch struct {
	_      struct{}  `additionalProperties:"true" nullable:"true"`
	At     time.Time `json:"at"`
	To     Role      `json:"to" enum:"primary,backup" doc:"Who went on air."`
	Reason string    `json:"reason" enum:"lost,black,frozen,silent,back" doc:"lost: the other one's media was missing. black, frozen, silent: what the other one sent was. back: the primary is well again."`
}

// Session is a publisher that is connected.
type Session struct {
	_           struct{}  `additionalProperties:"true" nullable:"true"`
	Role        Role      `json:"role" enum:"primary,backup" doc:"backup: its key says that it is one."`
	Protocol    string    `json:"protocol"`
	Encoder     string    `json:"encoder,omitempty"`
	ConnectedAt time.Time `json:"connected_at"`
	Link        *Link     `json:"link,omitempty"`
}

// Link is how the network between the publisher and Weir does; only SRT tells.
// Counts are of packets since the session began.
type Link struct {
	_         struct{} `additionalProperties:"true"`
	RoundTrip float64  `json:"rtt_s" doc:"Round trip time, smoothed, in seconds."`
	Latency   float64  `json:"latency_s" doc:"How long packets are held so that lost ones can come again, in seconds: 4 times rtt_s is good."`
	Buffer    float64  `json:"buffer_s" doc:"Media time that is held now, in seconds."`
	Received  uint64   `json:"packets" doc:"Packets that came, repeated ones included."`
	Lost      uint64   `json:"lost" doc:"Packets that were missing when a later one came."`
	Repeated  uint64   `json:"retransmitted" doc:"Packets that came again on request."`
	Dropped   uint64   `json:"dropped" doc:"Packets that never came in time: their media is lost."`
	// Undecrypted is not 0 where an encoder changes its keys in a way of its own.
	Undecrypted uint64 `json:"undecrypted" doc:"Packets that could not be decrypted."`
}

// Source is what the publisher sends.
type Source struct {
	_       struct{} `additionalProperties:"true" nullable:"true"`
	Codec   string   `json:"codec"`
	Profile string   `json:"profile,omitempty"`
	Width   int      `json:"width"`
	Height  int      `json:"height"`
	// FrameRate is 0 where frames come at irregular times.
	FrameRate float64 `json:"frame_rate" doc:"Frames per second; 0 where they come at irregular times."`
	// Bitrate is measured, in bits per second; 0 until it is known.
	Bitrate int `json:"bitrate" doc:"Measured, in bits per second; 0 until known."`
	// KeyframeInterval is in seconds; 0 until there were two keyframes.
	KeyframeInterval float64      `json:"keyframe_interval_s" doc:"In seconds; 0 until there were two keyframes."`
	Audio            *SourceAudio `json:"audio"`
	AudioTracks      []AudioTrack `json:"audio_tracks,omitempty" doc:"What each audio rendition is made of, the default one first."`
}

// AudioTrack is what an audio rendition is made of.
type AudioTrack struct {
	_         struct{} `additionalProperties:"true"`
	Rendition string   `json:"rendition" doc:"The rendition's id."`
	Served    string   `json:"served" enum:"passthrough,encoded,silence" doc:"silence: the publisher sends no track for it."`
	// Number is missing where Served is silence.
	Number     *int   `json:"number,omitempty" doc:"The publisher's: the place in the program map of MPEG-TS, or the track of Enhanced RTMP."`
	Codec      string `json:"codec,omitempty"`
	SampleRate int    `json:"sample_rate,omitempty"`
	Channels   int    `json:"channels,omitempty"`
}

// Arrival is how the publisher's media came in over the last second.
type Arrival struct {
	_         struct{} `additionalProperties:"true" nullable:"true"`
	Bitrate   int      `json:"bitrate" doc:"Of all tracks together, in bits per second."`
	FrameRate float64  `json:"frame_rate" doc:"Pictures that arrived per second."`
	// Delay grows where the uplink is too slow.
	Delay  float64 `json:"delay_s" doc:"How far media time lay behind the clock on arrival, in seconds, against the session's start: it grows where the uplink is too slow."`
	Jitter float64 `json:"jitter_s" doc:"The greatest less the least delay of that second."`
	Bytes  uint64  `json:"bytes" doc:"What came since the session began."`
}

// SourceAudio is the publisher's audio.
type SourceAudio struct {
	_          struct{} `additionalProperties:"true" nullable:"true"`
	Codec      string   `json:"codec"`
	SampleRate int      `json:"sample_rate"`
	Channels   int      `json:"channels"`
	Level      *float64 `json:"level_db" doc:"How loud it is: the root mean square of the last second, in dB below full scale, at least -120; null while nothing decodes it."`
}

// Rendition is one choice that players have.
type Rendition struct {
	_         struct{} `additionalProperties:"true"`
	ID        string   `json:"id" doc:"Its part of media URLs."`
	Name      string   `json:"name"`
	Kind      string   `json:"kind" enum:"video,audio"`
	Language  string   `json:"language,omitempty" doc:"BCP 47, of audio."`
	Role      string   `json:"role,omitempty" doc:"What audio is for, as DASH names it: main, alternate, description, enhanced-audio-intelligibility."`
	Codecs    string   `json:"codecs,omitempty" doc:"RFC 6381."`
	Width     int      `json:"width,omitempty"`
	Height    int      `json:"height,omitempty"`
	Bandwidth int      `json:"bandwidth" doc:"The peak that playlists declare, in bits per second."`
	// FrameRate is 0 where it is not known or frames come at irregular times.
	FrameRate float64 `json:"frame_rate,omitempty" doc:"Frames per second."`
	// Bitrate is measured over the segments that are listed; 0 before the first.
	Bitrate int `json:"bitrate" doc:"Measured over the window, in bits per second."`
	// Latency is how far the end of its newest part lies behind the clock:
	// what encoding and packaging take; players add their own distance.
	Latency     *float64 `json:"latency_s" doc:"How far the end of its newest part lies behind the clock, in seconds; null while it is not live."`
	Passthrough bool     `json:"passthrough" doc:"The publisher's own access units."`
	// Segments counts those that its playlist lists.
	Segments int `json:"segments"`
	// Resting is true while nothing of it is encoded, as nobody watches it.
	Resting bool `json:"resting,omitempty" doc:"Nothing of it is encoded, as nobody watches it."`
	// State is "waiting" before the first segment, then "live" or "ended".
	State State `json:"state" enum:"waiting,live,ended"`
}

// Worker is the process that encodes a stream's rungs.
type Worker struct {
	_ struct{} `additionalProperties:"true" nullable:"true"`
	// State is "running" or "restarting".
	State    string `json:"state" enum:"running,restarting"`
	Restarts uint64 `json:"restarts"`
	// RealtimeRatio is how much faster than real time it encodes; 0 while
	// unknown, below 1 it cannot keep up.
	RealtimeRatio float64 `json:"realtime_ratio" doc:"How much faster than real time it encodes; 0 while unknown."`
	// Behind is the media time in seconds that waits to be encoded.
	Behind float64 `json:"behind" doc:"Media time that waits to be encoded, in seconds."`
	// Shed and Restored count the steps by which rungs gave way to overload
	// and came back.
	Shed     uint64 `json:"shed"`
	Restored uint64 `json:"restored"`
}

// Audience is who watches a stream, and how they fare. The medians are of players
// that tell (CMCD).
type Audience struct {
	_         struct{} `additionalProperties:"true"`
	Viewers   int      `json:"viewers" doc:"Who asked for something of the stream in the last seconds."`
	AtLeast   bool     `json:"at_least,omitempty" doc:"There are more than could be told apart."`
	Reporting int      `json:"reporting" doc:"Viewers whose players tell how they fare (CMCD)."`
	Stalled   int      `json:"stalled" doc:"Those of them that have stood still in the last half minute."`
	Latency   *float64 `json:"latency_s" doc:"How far behind the live edge they play, the median in seconds; null where no player tells."`
	Startup   *float64 `json:"startup_s" doc:"From the first request to the first picture, the median in seconds; null where no player tells."`
}

// Finding is one thing that the creator should know.
type Finding struct {
	_ struct{} `additionalProperties:"true"`
	// Code is stable and in snake case.
	Code string `json:"code"`
	// Severity is info, warning or error.
	Severity string `json:"severity" enum:"info,warning,error" doc:"error: viewers see or hear it."`
	Hop      string `json:"hop" enum:"encoder,uplink,gateway,viewer" doc:"The part of the way from the camera to the screen that it is about."`
	Title    string `json:"title" doc:"What it is, in a few words."`
	Message  string `json:"message" doc:"What it means, with the measured values."`
	// Evidence is what was measured.
	Evidence []Evidence `json:"evidence" nullable:"false" doc:"What was measured."`
	// Remedy says which setting mends it.
	Remedy string    `json:"remedy,omitempty" doc:"Which setting mends it."`
	Since  time.Time `json:"since" doc:"When it began."`
}

// Evidence is one measured value.
type Evidence struct {
	_     struct{} `additionalProperties:"true"`
	Name  string   `json:"name" doc:"In snake case."`
	Value float64  `json:"value"`
	Unit  string   `json:"unit,omitempty" enum:"s,bit/s,fps,%,px,Hz,ppm,dBFS" doc:"Without one it is a number of things."`
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
