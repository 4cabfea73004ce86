package transcode

import (
	"log/slog"
	"time"

	"weir/pkg/media"
)

// WireVersion is what both sides of the pipe must agree on.
const WireVersion = 4

// Message is one thing said over the pipe between the gateway and a worker.
type Message interface{ kind() messageKind }

// messageKind is the byte that names a message on the wire.
type messageKind byte

const (
	kindHello messageKind = iota + 1
	// Gateway to worker.
	kindOrder
	kindTrack
	kindUnit
	kindBoundary
	kindResync
	kindEnd
	kindPaces
	// Worker to gateway.
	kindReady
	kindCoded
	kindProgress
	kindReport
	kindDone
	kindFatal
	kindRested
	kindSight
	kindHeard
	// Gateway to worker.
	kindSoundTrack
	kindSound
)

// Hello is the first message in both directions.
type Hello struct{ Version uint16 }

// Mode says what a worker makes.
type Mode string

// The modes of a worker.
const (
	ModeVideo Mode = "video"
	ModeAudio Mode = "audio"
	// ModeWatch makes nothing: keyframes are looked at, each by itself, and sounds
	// are listened to.
	ModeWatch Mode = "watch"
)

// Order is the second message to a worker: what to make of the input.
type Order struct {
	Mode Mode `json:"mode"`
	// Stream is the public name, for the process list and logs.
	Stream string `json:"stream"`
	// Rungs, Latency, Encoder and Hold are for video.
	Rungs   []Rung  `json:"rungs,omitempty"`
	Latency Latency `json:"latency,omitempty"`
	Encoder Encoder `json:"encoder,omitempty"`
	Hold    *Hold   `json:"hold,omitempty"`
	// Bitrate, SampleRate and Channels are for audio; 0 for the last two leaves it
	// to the worker.
	Bitrate    int `json:"bitrate,omitempty"`
	SampleRate int `json:"sample_rate,omitempty"`
	Channels   int `json:"channels,omitempty"`
}

// Hold makes a constant frame rate of whatever comes. A grid of times begins at the
// first boundary. At each of them that picture is shown which is nearest, so that
// pictures are left out or repeated, the last one up to Until.
type Hold struct {
	// Rate is that of the grid, which must be known.
	Rate media.Rational `json:"rate"`
	// Until is where the last picture ends, at 90 kHz.
	Until media.Ticks `json:"until"`
}

// Pictures is how many there are at a grid that begins at from.
func (h *Hold) Pictures(from media.Ticks) int64 {
	num, den := int64(h.Rate.Num), int64(h.Rate.Den)*int64(media.VideoTimescale)
	return max((int64(h.Until-from)*num+den/2)/den, 0)
}

// TrackChange says how to decode the units that follow; one comes before the
// first of them.
type TrackChange struct{ Track media.Track }

// Unit is one access unit of the source. Its Track is not on the wire.
type Unit struct{ AU media.AccessUnit }

// BoundaryAt forces an IDR picture on every rung at the first picture with a
// PTS not less than PTS, in media.VideoTimescale. Nothing is encoded before
// the first one.
type BoundaryAt struct {
	MSN uint64
	PTS media.Ticks
}

// Resync says that units were left out: finish what was decoded, then encode
// nothing up to the next boundary.
type Resync struct{}

// Paces says how much of each rung is encoded, in their order: less from now on,
// more from the next boundary on. The worker answers Rested for each that goes
// off.
type Paces struct{ Paces []Pace }

// End says that nothing follows: flush, then say Done.
type End struct{}

// Ready gives the parameters of every rung, in order, before its first Coded
// and whenever they change.
type Ready struct {
	Tracks []media.Track `json:"tracks"`
}

// Coded is one encoded access unit. AU.Track is not on the wire.
type Coded struct {
	Rung   int
	MSN    uint64
	Starts bool
	AU     media.AccessUnit
}

// Progress is said after each unit that was dealt with; it is the worker's
// heartbeat.
type Progress struct {
	// Units and Damaged count the units received and those of them that
	// could not be decoded.
	Units, Damaged uint64
	// Media is the media time of the units and Busy the time that the
	// busiest stage of the worker spent on them.
	Media, Busy time.Duration
}

// Rested says that nothing more comes of a rung, and that the segment that it
// had open is void, up to the next Coded that starts one.
type Rested struct{ Rung int }

// Sight is what a decoded picture shows; one is said about once a second of
// media.
type Sight struct {
	// Brightness is the mean of luma between black (0) and white (1), Contrast
	// its standard deviation on the same scale.
	Brightness, Contrast float64
	// Still is for how long nothing has changed in the pictures looked at.
	Still time.Duration
}

// SoundTrack says how to decode the Sounds that follow.
type SoundTrack struct{ Track media.Track }

// Sound is an access unit of audio that a worker for video listens to, and no
// more. Its Track is not on the wire.
type Sound struct{ AU media.AccessUnit }

// Heard is how loud decoded audio is; one is said about once a second of media.
type Heard struct {
	// Level is the root mean square in dBFS, at least Silence. Clipped is the
	// share of samples at full scale, from 0 to 1, of the last times.
	Level, Clipped float64
}

// Silence is the least Level.
const Silence = -120

// Report is a line for the log.
type Report struct {
	Level slog.Level
	Text  string
}

// Done says that everything was flushed after End.
type Done struct{}

// Fatal says why the worker gives up.
type Fatal struct{ Text string }

func (Hello) kind() messageKind       { return kindHello }
func (Order) kind() messageKind       { return kindOrder }
func (TrackChange) kind() messageKind { return kindTrack }
func (Unit) kind() messageKind        { return kindUnit }
func (BoundaryAt) kind() messageKind  { return kindBoundary }
func (Resync) kind() messageKind      { return kindResync }
func (End) kind() messageKind         { return kindEnd }
func (Paces) kind() messageKind       { return kindPaces }
func (Rested) kind() messageKind      { return kindRested }
func (Sight) kind() messageKind       { return kindSight }
func (Heard) kind() messageKind       { return kindHeard }
func (SoundTrack) kind() messageKind  { return kindSoundTrack }
func (Sound) kind() messageKind       { return kindSound }
func (Ready) kind() messageKind       { return kindReady }
func (Coded) kind() messageKind       { return kindCoded }
func (Progress) kind() messageKind    { return kindProgress }
func (Report) kind() messageKind      { return kindReport }
func (Done) kind() messageKind        { return kindDone }
func (Fatal) kind() messageKind       { return kindFatal }
