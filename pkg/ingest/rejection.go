package ingest

// Reason names why a publisher was rejected. It is used in metrics and logs:
// a closed set, in lower case.
type Reason string

// The reasons.
const (
	// WrongKey: no stream has this key.
	WrongKey Reason = "wrong_key"
	// WrongPassphrase: the encryption's passphrase is wrong, or missing, or there
	// where none is wanted.
	WrongPassphrase Reason = "wrong_passphrase"
	// MissingKey: the stream key is empty.
	MissingKey Reason = "missing_key"
	// UnknownApplication: the server URL does not end in /live.
	UnknownApplication Reason = "unknown_application"
	// KeyInServerField: the key is part of the server URL.
	KeyInServerField Reason = "key_in_server_field"
	// StraySpaces: a space or line break was pasted along with the key.
	StraySpaces Reason = "stray_spaces"
	// KeyExpired: the key was good until a while ago; also one that was replaced
	// by a new one.
	KeyExpired Reason = "key_expired"
	// KeyNotYet: the key is good from a later time on.
	KeyNotYet Reason = "key_not_yet"
	// KeyRevoked: somebody ended the key.
	KeyRevoked Reason = "key_revoked"
	// ProtocolNotAllowed and AddressNotAllowed: the key's rules want another one.
	ProtocolNotAllowed Reason = "protocol_not_allowed"
	AddressNotAllowed  Reason = "address_not_allowed"
	// AlreadyLive: the stream is published, and the key's rules forbid to take
	// over.
	AlreadyLive Reason = "already_live"
	// TooManyAttempts: too many wrong keys came from the address.
	TooManyAttempts Reason = "too_many_attempts"
	// Denied: the operator's own program refuses the publisher.
	Denied Reason = "denied"
	// Undecided: that program gave no answer.
	Undecided Reason = "undecided"
	// BitrateExceeded, ResolutionExceeded, FrameRateExceeded and DurationReached:
	// more than the key's rules allow.
	BitrateExceeded    Reason = "bitrate_exceeded"
	ResolutionExceeded Reason = "resolution_exceeded"
	FrameRateExceeded  Reason = "frame_rate_exceeded"
	DurationReached    Reason = "duration_reached"
	// UnsupportedCodec: the stream is in a format that Weir does not take.
	UnsupportedCodec Reason = "unsupported_codec"
	// NoVideo: no picture came in time.
	NoVideo Reason = "no_video"
	// LimitExceeded: too many connections, or a bit rate or message that is
	// too large.
	LimitExceeded Reason = "limit_exceeded"
	// TakenOver: another publisher came with the same key.
	TakenOver Reason = "taken_over"
	// Kicked: an operator ended the session, and may have asked for a pause.
	Kicked Reason = "kicked"
	// ShuttingDown: the gateway stops or restarts.
	ShuttingDown Reason = "shutting_down"
	// PlayRequested: a viewer connected where publishers are expected.
	PlayRequested Reason = "play_requested"
	// NotRTMP: the other end speaks another protocol.
	NotRTMP Reason = "not_rtmp"
	// NotMPEGTS: what the publisher sends is no MPEG transport stream.
	NotMPEGTS Reason = "not_mpegts"
	// NoTLS: the other end did not agree on TLS, or not on the certificate.
	NoTLS Reason = "no_tls"
	// ProtocolError: the other end broke the rules of the protocol.
	ProtocolError Reason = "protocol_error"
	// TimedOut: the publisher was silent for too long.
	TimedOut Reason = "timed_out"
)

// Rejection tells a publisher why it cannot publish (any longer) and what to
// do about it. Find it with errors.As.
type Rejection struct { //nolint:errname // it is first what is told to a publisher, then an error.
	Reason Reason
	// Message is one or two sentences for the creator: what is wrong and which
	// setting to change. It holds no key.
	Message string
	// Stream is the name of what the publisher wanted to publish; empty where
	// its key opens nothing.
	Stream string
}

// Error is the message.
func (r *Rejection) Error() string { return r.Message }
