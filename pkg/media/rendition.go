package media

// Rendition is one choice a player has: a video track of one size and bit
// rate, or an audio track. It is immutable; a change (such as a bandwidth
// raised by measurement) is a new value.
type Rendition struct {
	// ID is used in URLs, DASH Representation@id and logs: "source", "720p",
	// "audio", "audio_2". It never changes in the life of a stream.
	ID   string
	Kind Kind
	// Name is what a menu shows: "1080p (source)", "Deutsch". No other rendition
	// of the kind has it.
	Name string
	// Language is a BCP 47 tag, empty where it is not known; audio only.
	Language string
	// Role is what an audio rendition is for.
	Role Role
	// Codecs is the RFC 6381 string made from the real parameter sets; empty
	// until the first init segment is known.
	Codecs        string
	Width, Height int
	FrameRate     Rational
	// SampleRate is in Hz; audio only.
	SampleRate, Channels int
	// Bandwidth is the promised peak over any segment of this rendition alone
	// and AverageBandwidth its long-term mean, both in bits per second with
	// container overhead.
	Bandwidth, AverageBandwidth int
	// Timescale is that of the rendition's segments.
	Timescale Timescale
	// Passthrough is true while the publisher's own access units are served.
	Passthrough bool
}

// Role is what an audio track is for, as the DASH role scheme names it (ISO/IEC
// 23009-1, table 22).
type Role string

// The roles.
const (
	// RoleMain is that of the default track.
	RoleMain Role = "main"
	// RoleAlternate is another one for the same audience: another language.
	RoleAlternate Role = "alternate"
	// RoleDescription tells the blind what is seen.
	RoleDescription Role = "description"
	// RoleIntelligibility is for the hard of hearing: speech stands out.
	RoleIntelligibility Role = "enhanced-audio-intelligibility"
)
