package media

// AccessUnit is one coded picture or one coded audio frame with its times.
// It is passed by value; Data and Track are shared and must not be written.
type AccessUnit struct {
	// Track holds the parameters that decode Data.
	Track *Track
	// DTS and PTS are in Track.Timescale; PTS-DTS is the composition offset.
	DTS, PTS Ticks
	// Duration is the nominal duration in Track.Timescale; 0 means that only
	// the next access unit will tell.
	Duration Ticks
	// Sync is true for an IDR picture (closed GOP), for a temporal unit of AV1
	// that begins with a key frame and has its sequence header, and for every
	// audio frame.
	Sync bool
	// Recovery is true for a picture that is no IDR, but which the publisher
	// marks as a keyframe: decoding can start there, though pictures that
	// follow it in decode order and precede it in presentation may be broken
	// (open GOP, ITU-T H.264, D.2.8). Passthrough cannot start a segment there.
	Recovery bool
	// Discontinuity is true on the first access unit of either track after a
	// break in time or a new publish: nothing before it predicts it.
	Discontinuity bool
	// Data is, for H.264 and HEVC, NAL units with 4-byte lengths (ISO/IEC
	// 14496-15), for AV1 a temporal unit without its delimiter, for AAC one raw_data_block without ADTS header.
	Data []byte
}

// Enters reports whether decoding can start at the access unit.
func (au AccessUnit) Enters() bool { return au.Sync || au.Recovery }

// Period is a stretch of media time without a discontinuity: what HLS numbers
// with its discontinuity sequence and DASH calls a Period.
type Period struct {
	// Sequence is the HLS discontinuity sequence number of the period.
	Sequence uint64
	// Start is the PTS of the first video boundary, in VideoTimescale. It is
	// a multiple of 10 ms at most 10 ms before that boundary, so that it is
	// a whole number of ticks at 90 kHz, 48 kHz and 44.1 kHz alike.
	Start Ticks
}

// Boundary is the place where every rendition of a stream starts a segment.
// pkg/live decides it once and sends it in band, before the access unit that
// it concerns.
type Boundary struct {
	// MSN is the media sequence number of the segment that starts here.
	MSN uint64
	// PTS is in VideoTimescale. The segment starts at the first picture whose
	// PTS is not less; audio starts at the access unit nearest to it.
	PTS Ticks
	// Period is the period that the segment belongs to. A pointer that
	// differs from the last boundary's marks a discontinuity.
	Period *Period
}
