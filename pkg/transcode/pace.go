package transcode

// Pace says how much of a rung is encoded.
type Pace uint8

// The paces, fullest first.
const (
	// PaceFull encodes every picture that the rung's FrameDivisor leaves.
	PaceFull Pace = iota
	// PaceHalf encodes every second one of those.
	PaceHalf
	// PaceOff encodes nothing, and frees the encoder.
	PaceOff
)

func (p Pace) String() string {
	switch p {
	case PaceFull:
		return "full"
	case PaceHalf:
		return "half"
	case PaceOff:
	}
	return "off"
}

// MarshalText gives a pace its name in JSON.
func (p Pace) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
