package transcode

import (
	"log/slog"
	"time"

	"weir/pkg/media"
)

// WireVersion is what both sides of the pipe must agree on.
const WireVersion = 2

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
)

// Hello is the first message in both directions.
type Hello struct{ Version uint16 }

// Mode says what a worker makes.
type Mode string

// The modes of a worker.
const (
	ModeVideo Mode = "video"
	ModeAudio Mode = "audio"
)

// Order is the second message to a worker: what to make of the input.
type Order struct {
	Mode Mode `json:"mode"`
	// Stream is the public name, for the process list and logs.
	Stream string `json:"stream"`
	// Rungs and Latency hold for video, Bitrate for audio.
	Rungs   []Rung  `json:"rungs,omitempty"`
	Latency Latency `json:"latency,omitempty"`
	Encoder Encoder `json:"encoder,omitempty"`
	Bitrate int     `json:"bitrate,omitempty"`
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
func (Ready) kind() messageKind       { return kindReady }
func (Coded) kind() messageKind       { return kindCoded }
func (Progress) kind() messageKind    { return kindProgress }
func (Report) kind() messageKind      { return kindReport }
func (Done) kind() messageKind        { return kindDone }
func (Fatal) kind() messageKind       { return kindFatal }
