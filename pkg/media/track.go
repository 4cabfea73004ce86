package media

// Kind tells video from audio.
type Kind uint8

// The kinds of track.
const (
	Video Kind = iota + 1
	Audio
)

// String is "video" or "audio".
func (k Kind) String() string {
	switch k {
	case Video:
		return "video"
	case Audio:
		return "audio"
	}
	return "unknown"
}

// Codec names a coding format in lower case, as used in logs and the API.
type Codec string

// The codecs that Weir knows by name. Which of them a stage accepts is the
// stage's own decision.
const (
	H264 Codec = "h264"
	HEVC Codec = "hevc"
	AV1  Codec = "av1"
	VP9  Codec = "vp9"
	AAC  Codec = "aac"
	MP3  Codec = "mp3"
	Opus Codec = "opus"
	FLAC Codec = "flac"
	AC3  Codec = "ac3"
	// PNG and JPEG are still pictures, each an access unit.
	PNG  Codec = "png"
	JPEG Codec = "jpeg"
)

// Track describes one elementary stream. It is immutable once an access unit
// points to it: new parameters are a new Track, and a stage notices the change
// by comparing pointers.
type Track struct {
	Kind      Kind
	Codec     Codec
	Timescale Timescale
	// Number tells the source's tracks of a kind apart: 0 is the default one. Of
	// video, the others show the same at another quality; of audio, they are in
	// another language or for another purpose.
	Number int

	// Config is the decoder configuration: an AVCDecoderConfigurationRecord
	// (ISO/IEC 14496-15, 5.3.3.1) for H.264, an
	// HEVCDecoderConfigurationRecord (8.3.3.1) for HEVC, an
	// AV1CodecConfigurationRecord for AV1, an AudioSpecificConfig
	// (ISO/IEC 14496-3, 1.6.2.1) for AAC, an identification header
	// (RFC 7845, 5.1) for Opus, a STREAMINFO block (RFC 9639, 8.2) for FLAC,
	// empty for MP3 and AC-3.
	Config []byte

	// Width and Height are the picture's size in luma samples after
	// cropping; video only.
	Width, Height int
	// SampleAspect is the shape of a pixel, 1:1 where the source says nothing.
	SampleAspect Rational
	// FrameRate is the constant frame rate; unknown where frames come at
	// irregular times.
	FrameRate Rational

	// FullRange is true where luma goes from 0 to 255 rather than from 16 to 235
	// (ITU-T H.264, E.2.1, video_full_range_flag); video only.
	FullRange bool

	// Interlaced is true where pictures may be made of two fields; video only.
	Interlaced bool

	// SampleRate is in Hz and Channels counts speakers; audio only.
	SampleRate, Channels int

	// Bitrate is what the encoder declared, in bits per second; 0 if unknown.
	Bitrate int
}

// FrameDuration is the nominal duration of one access unit in the track's own
// timescale: one frame of a constant-rate video track, 1024 samples of AAC, 1152
// of MP3 or, below 32 kHz, 576 (ISO/IEC 13818-3, 2.4.2.1), 1536 of AC-3.
// It is 0 where the duration varies.
func (t *Track) FrameDuration() Ticks {
	switch {
	case t.Kind == Video:
		return t.FrameRate.Ticks(1, t.Timescale)
	case t.Codec == AAC:
		return Rescale(1024, Timescale(t.SampleRate), t.Timescale)
	case t.Codec == AC3:
		return Rescale(1536, Timescale(t.SampleRate), t.Timescale)
	case t.Codec == MP3 && t.SampleRate >= 32_000:
		return Rescale(1152, Timescale(t.SampleRate), t.Timescale)
	case t.Codec == MP3 && t.SampleRate > 0:
		return Rescale(576, Timescale(t.SampleRate), t.Timescale)
	}
	return 0
}
