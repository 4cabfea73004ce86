package rtmp

// repetition says whether chunks of type 3 repeat an extended timestamp.
type repetition uint8

const (
	repeatsUnknown repetition = iota
	repeatsAlways
	repeatsNot
)

// chunkStream is what the headers on one chunk stream have said so far; later
// ones leave out what stays the same.
type chunkStream struct {
	typ           byte
	messageStream uint32
	length        int
	// timestamp is the message's, in milliseconds; field is what the last
	// header with one said (absolute or a difference), extended whether it
	// took 4 bytes, and delta what a bare header adds.
	timestamp, field, delta uint32
	extended                bool
	repeats                 repetition

	// open is true between the first and the last chunk of a message, payload
	// what has come of it.
	open    bool
	payload []byte
}

// repeated reports whether seen, which follows a header of type 3, is the
// extended timestamp once more; the first answer holds for all.
func (s *chunkStream) repeated(seen uint32) bool {
	if s.repeats == repeatsUnknown {
		s.repeats = repeatsNot
		if seen == s.field || seen == s.timestamp {
			s.repeats = repeatsAlways
		}
	}
	return s.repeats == repeatsAlways
}

// begin opens a message whose header is of this format and says field for its
// time.
func (s *chunkStream) begin(format byte, field uint32) {
	switch format {
	case 0:
		s.timestamp, s.field, s.delta = field, field, startDelta(field)
	case 1, 2:
		s.timestamp, s.field, s.delta = s.timestamp+field, field, field
	default:
		if field != s.field {
			// An extended timestamp that is no repetition: as a difference it
			// would be hours, so it is the time itself.
			s.timestamp, s.field, s.delta = field, field, 0
			break
		}
		s.timestamp += s.delta
	}
	s.open = true
}

// startDelta is what a bare header after a full one with this timestamp adds.
// By the specification (section 5.3.1.2.4) it is the timestamp itself, and
// ffmpeg counts on that; librtmp and nginx write a bare header where the time
// has not changed. Near 0, where a stream begins, the specification is right
// for both; far from it only the others can be meant.
func startDelta(timestamp uint32) uint32 {
	const near = 1000
	if timestamp > near {
		return 0
	}
	return timestamp
}
