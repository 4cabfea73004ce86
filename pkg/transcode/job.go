package transcode

import (
	"log/slog"
	"time"

	"weir/pkg/media"
)

// Latency says how far an encoder may look ahead, which buys quality for time.
type Latency string

// The latency settings, with how long an access unit of the source takes to
// become the encoded ones of the same picture, at p95 on an idle machine. Most
// of it is lookahead.
const (
	// LatencyLow looks ahead by nothing: 0.2 s.
	LatencyLow Latency = "low"
	// LatencyBalanced, the default, looks 133 ms ahead: 0.35 s.
	LatencyBalanced Latency = "balanced"
	// LatencyQuality looks 400 ms ahead and has B-frames: 0.7 s.
	LatencyQuality Latency = "quality"
)

// Encoder says what encodes video.
type Encoder string

// The encoders. Hardware that is not there is replaced by software, and the log
// says why.
const (
	// EncoderSoftware, the default, is x264.
	EncoderSoftware Encoder = "software"
	// EncoderAuto is the first hardware that works, else software.
	EncoderAuto Encoder = "auto"
	// EncoderNVENC, EncoderQSV and EncoderVAAPI are NVIDIA's, Intel's, and those
	// of Linux's common interface.
	EncoderNVENC Encoder = "nvenc"
	EncoderQSV   Encoder = "qsv"
	EncoderVAAPI Encoder = "vaapi"
)

// Worker says how to run and watch a worker process.
type Worker struct {
	// Command starts the worker, the program first: {"/proc/self/exe", "worker"}.
	Command []string
	// Env is the worker's whole environment, as "KEY=value"; it inherits
	// nothing, so that no secret of the gateway's reaches it.
	Env []string
	// Log receives what happens to the worker and what it says; required.
	Log *slog.Logger
	// MaxBacklog bounds the media time that is kept, sent or not, for a
	// replay; 0 means 12 s. Beyond it whole segments are dropped.
	MaxBacklog time.Duration
	// HangTimeout is how long a worker with input may make no progress
	// before it is killed; 0 means 5 s.
	HangTimeout time.Duration
	// RestoreAfter is how long encoding has to be on time before a rung that
	// gave way to overload is tried again; 0 means 10 s.
	RestoreAfter time.Duration
}

// Job describes the video of one stream.
type Job struct {
	Worker
	// Stream is the public name, for logs.
	Stream string
	// Track is the source's; access units with another Track change it.
	Track *media.Track
	// Rungs are encoded all, best first; there must be one.
	Rungs []Rung
	// Latency is LatencyBalanced if empty. It is for software.
	Latency Latency
	// Encoder is EncoderSoftware if empty.
	Encoder Encoder
	// Hold, if not nil, makes pictures of constant rate, up to a time.
	Hold *Hold
	// Essential is true where viewers have no other video: then workers that
	// die again and again are restarted nevertheless, every half a minute.
	Essential bool
}

// AudioJob describes audio that has to be encoded: to AAC-LC stereo at 48 kHz,
// or 44.1 kHz where the source has that, unless the job says otherwise.
type AudioJob struct {
	Worker
	// Stream is the public name, for logs.
	Stream string
	// Track is the source's; access units with another Track change it.
	Track *media.Track
	// Bitrate is in bits per second; 0 means 128 kb/s.
	Bitrate int
	// SampleRate and Channels (1 or 2) are those of the outcome; 0 for the usual.
	SampleRate, Channels int
}

// WatchJob describes a publisher that is looked at without being encoded.
type WatchJob struct {
	Worker
	// Stream is the public name, for logs.
	Stream string
}

// SoundRate is the sampling rate at which audio of the given one is encoded, in Hz.
func SoundRate(source int) int {
	const usual, kept = 48_000, 44_100
	if source == kept {
		return kept
	}
	return usual
}

// Output is one encoded access unit.
type Output struct {
	// Rung is an index into Job.Rungs; 0 for audio.
	Rung int
	// AU has a Track of the rung's own at media.VideoTimescale, for audio at
	// the sampling rate. The Track pointer changes only if its bytes do. DTS
	// is the encoder's: rising, never above PTS, before the source's.
	AU media.AccessUnit
	// MSN is the segment that AU belongs to; 0 for audio.
	MSN uint64
	// Rested is true where nothing more comes of Rung for now: the segment
	// that it has open is void, and there is no AU. It goes on with Starts.
	Rested bool
	// Starts is true on the IDR picture that opens segment MSN. After a
	// restart the same MSN may start again: what came of it before is void.
	// An MSN that is skipped is missing on this rung.
	Starts bool
}

// Stats is a snapshot of a Supervisor.
type Stats struct {
	// PID is the worker's process id, 0 while there is none.
	PID int
	// Restarts counts workers started after the first one.
	Restarts uint64
	// Dropped counts access units that were given up under overload or
	// because they broke the worker.
	Dropped uint64
	// Damaged counts access units that the decoder refused.
	Damaged uint64
	// Paces is how much of each rung is encoded, in the order of Job.Rungs.
	Paces []Pace
	// Shed and Restored count the steps by which rungs gave way to overload
	// and came back.
	Shed, Restored uint64
	// Backlog is the media time that waits to be sent to the worker.
	Backlog time.Duration
	// Speed is how much faster than real time the worker encodes when it has
	// work, lately; below 1 it cannot keep up. 0 while unknown.
	Speed float64
	// Sight and Heard are what the worker said last of what it decoded; nil
	// before the first, and while there is no worker.
	Sight *Sight
	Heard *Heard
	// LastError says why the last worker ended; empty if none has failed.
	LastError string
	// GaveUp says why there will be no other worker: they died again and
	// again. Output is closed then.
	GaveUp string
	// Failing says the same where the job is essential, until a worker has
	// lived for a minute.
	Failing string
}
