package media

// Rendition is one choice a player has: a video track of one size and bit
// rate, or the audio track. It is immutable; a change (such as a bandwidth
// raised by measurement) is a new value.
type Rendition struct {
	// ID is used in URLs, DASH Representation@id and logs: "source", "720p",
	// "audio". It never changes in the life of a stream.
	ID   string
	Kind Kind
	// Name is what a quality menu shows: "1080p (source)".
	Name string
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
