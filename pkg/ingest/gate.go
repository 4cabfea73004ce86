package ingest

import (
	"context"
	"net/netip"
	"time"

	"weir/pkg/media"
)

// Request is what a publisher asks for when it starts to publish.
type Request struct {
	// Protocol is "rtmp", "rtmps" or "srt", and "file" for a channel of the
	// gateway's own.
	Protocol string
	// Clock is how the session's access units count time.
	Clock Clock
	// Remote is where the publisher connects from.
	Remote netip.AddrPort
	// Application is the path before the key, "live".
	Application string
	// Key is the publisher's secret. It must never be logged or shown.
	Key string
	// Encoder is what the publisher's software calls itself; empty if it does
	// not say. It is foreign text of at most 128 printable characters.
	Encoder string
	// Link tells how the network in between does, at any time and from any
	// goroutine; nil where the protocol does not know.
	Link func() Link
	// Encrypted is true where the publisher encrypts what it sends with a passphrase.
	Encrypted bool
	// Unlock is asked, before Publish returns, whether the publisher comes in where the
	// passphrase is this one, "" for none. Its error is a [*Rejection]. Nil where the
	// protocol has no passphrases.
	Unlock func(passphrase string) error
}

// Link is how the network between a publisher and the gateway does. Counts are
// of packets since the connection began.
type Link struct {
	// RoundTrip is smoothed. Latency is how long packets are held so that lost ones
	// can come again, and Buffer how much media time waits so.
	RoundTrip, Latency, Buffer time.Duration
	// Lost packets were missing when a later one came, Repeated ones came again on
	// request, and Dropped ones never came in time. Undecrypted ones had no key.
	Received, Lost, Repeated, Dropped, Undecrypted uint64
}

// Clock is how a protocol counts time. The zero value is that of FLV: milliseconds in
// 32 bits, of which FFmpeg and OBS write 31. A counter that has one bit more is read
// right all the same.
type Clock struct {
	// Timescale is in ticks per second; 0 means 1000.
	Timescale media.Timescale
	// WrapBits is in how many bits the protocol counts; 0 means 31.
	WrapBits uint
}

// Refusal is an attempt to publish that failed, or a session that ended for what
// its publisher did.
type Refusal struct {
	// Remote is where it came from: for operators alone.
	Remote netip.AddrPort
	// Protocol, Application and Encoder are as in Request; empty where it did not
	// come so far.
	Protocol, Application, Encoder string
	// Why is never nil.
	Why *Rejection
}

// Gate decides who may publish. Connections call it from their own goroutines.
type Gate interface {
	// Publish opens a session for req. The error is a [*Rejection] where the
	// publisher has to do something about it.
	Publish(ctx context.Context, req Request) (Session, error)
}

// Session takes what one publisher sends. Metadata, Write and Close are called
// by the connection's goroutine alone.
type Session interface {
	// Metadata says what the encoder declares, before or between access
	// units, each time it does.
	Metadata(m Metadata)
	// Write hands on one access unit as the protocol delivered it, also those
	// of further tracks (Track.Number), of audio once Metadata has named them: raw times in
	// ticks of the request's Clock (and Track.Timescale), which wrap as it says,
	// a new Track only where the codec's parameters really changed (its FrameRate is
	// what they declare, not what comes), and Data that the caller gives away.
	// It blocks while the stream has no room for it. An error ends the
	// session; it is a [*Rejection] where Done is closed.
	Write(ctx context.Context, raw media.AccessUnit) error
	// Close ends the session. The connection calls it exactly once, also after
	// Done is closed.
	Close(end End)
	// Done is closed when the gateway ends the session: another publisher took
	// over, the gateway stops, the stream cannot be used.
	Done() <-chan struct{}
	// Err is why Done was closed, a [*Rejection]; nil before.
	Err() error
}

// End is how a publisher left.
type End struct {
	// OnPurpose is true if the publisher said that the stream is over (RTMP:
	// FCUnpublish, deleteStream or closeStream), false if it was lost.
	OnPurpose bool
	// Err is why the connection ended where it was not on purpose.
	Err error
}

// Metadata is what an encoder declares about its stream. Encoders are often
// wrong; zero values mean that nothing was said.
type Metadata struct {
	// Encoder is the software's name, at most 128 printable characters.
	Encoder string
	// FrameRate is in frames per second.
	FrameRate float64
	// VideoBitrate and AudioBitrate are in bits per second.
	VideoBitrate, AudioBitrate int
	// HasVideo and HasAudio say whether a track of the kind will come; nil
	// where the encoder does not say.
	HasVideo, HasAudio *bool
	// AudioTracks are those that the source has named so far, in its order, the
	// default one only where something is said of it.
	AudioTracks []AudioTrack
	// OtherTracks is true once tracks have come that are not handed on: more than are
	// taken, or of a codec that is not.
	OtherTracks bool
}

// AudioTrack is what a source says of one of its audio tracks.
type AudioTrack struct {
	// Number is media.Track's: 0 for the default one.
	Number int
	// Language is a BCP 47 tag as Language returns it; empty for none.
	Language string
	// Label is what the publisher calls the track, at most 64 printable
	// characters; empty for none.
	Label string
	// Role is empty where the source does not say what the track is for.
	Role media.Role
}

// Neighbourhood is what one client can choose addresses from: an IPv4 address, but
// a /64 of IPv6. Limits for each address hold for it.
func Neighbourhood(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	width := 64
	if a.Is4() {
		width = 32
	}
	p, err := a.WithZone("").Prefix(width)
	if err != nil {
		return netip.Prefix{} // No IP address: all such share one place.
	}
	return p
}
