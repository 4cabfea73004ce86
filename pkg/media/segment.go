package media

// Init is a CMAF header: ftyp and moov.
type Init struct {
	// Hash is a short hexadecimal digest of Bytes; it is part of the URL, so
	// that no URL ever names two contents.
	Hash  string
	Bytes []byte
	// Codecs is the RFC 6381 string of the one track inside.
	Codecs string
	Track  *Track
}

// Part is one CMAF chunk: the smallest piece that is published.
type Part struct {
	// Serial numbers the parts of one rendition without a gap, over segments
	// and discontinuities; it is part of the URL.
	Serial uint64
	// MSN is the segment's media sequence number and Index the place in it,
	// from 0.
	MSN   uint64
	Index int
	// Start is the earliest presentation time (its decode time as well where
	// the part opens a segment) and Duration the sum of sample durations,
	// both in the rendition's timescale.
	Start, Duration Ticks
	// Independent is true if the part starts with a sync sample.
	Independent bool
	// Bytes is moof+mdat, and Lead how many of them reach to the end of the
	// first sample: all that a picture takes for itself.
	Bytes []byte
	Lead  int
}

// Segment is a complete CMAF segment, the promise of one, or the announcement
// that it is missing.
type Segment struct {
	MSN uint64
	// Start is the tfdt of the first chunk, which equals the first
	// presentation time; Duration lasts up to the next boundary. Both are in
	// the rendition's timescale. Start also names the segment in URLs.
	Start, Duration Ticks
	Period          *Period
	// Init decodes this segment; nil for a gap before the first init.
	Init *Init
	// Parts hold the bytes; the segment is their concatenation. Empty for a gap
	// and where Pending or Lost.
	Parts []*Part
	// Size is the sum of the parts' lengths in bytes.
	Size int
	// Gap is true where the segment does not exist (EXT-X-GAP).
	Gap bool
	// Pending is true while the segment is listed and not encoded: its bytes
	// come once somebody asks for them. Lost is true where they cannot come
	// any more. Lists say the same as they did of a segment that is there.
	Pending, Lost bool
	// Promised is true where the segment was listed before its bytes came: its
	// parts were never listed, and are not listed later.
	Promised bool
}

// Window is an immutable view of one rendition's sliding window.
type Window struct {
	Rendition *Rendition
	// Segments are complete, oldest first, with consecutive numbers.
	Segments []*Segment
	// Open holds the published parts of the segment that follows the last
	// of Segments, and OpenPeriod and OpenInit what they belong to.
	Open       []*Part
	OpenPeriod *Period
	OpenInit   *Init
	// NextSerial is the serial number of the part that comes next, 0 while
	// none has come.
	NextSerial uint64
	// Version grows by one at each change of this window that a list of it can
	// show; the bytes of a pending segment are none.
	Version uint64
	// Ended is true once no segment will follow (EXT-X-ENDLIST).
	Ended bool
}

// NextMSN is the number of the segment that follows the last complete one; ok
// is false while there is neither a segment nor a part.
func (w *Window) NextMSN() (msn uint64, ok bool) {
	if n := len(w.Segments); n > 0 {
		return w.Segments[n-1].MSN + 1, true
	}
	if len(w.Open) > 0 {
		return w.Open[0].MSN, true
	}
	return 0, false
}

// Presentation is an immutable view of a whole stream: what a multivariant
// playlist and an MPD describe.
type Presentation struct {
	// Name is the public name of the stream.
	Name string
	// Windows hold the video renditions, best first, then those of audio, the
	// default one first. The set and its order are fixed at the first publish.
	Windows []*Window
	// TargetDuration is in whole seconds and constant for the stream's life.
	TargetDuration int
	// PartTarget is EXT-X-PART-INF's PART-TARGET in seconds, constant too.
	PartTarget float64
	// Version grows by one at each change of any window.
	Version uint64
	// Ended is true once every window has ended.
	Ended bool
}

// Audio lists the audio renditions, the default one first.
func (p *Presentation) Audio() (all []*Rendition) {
	for _, w := range p.Windows {
		if w.Rendition.Kind == Audio {
			all = append(all, w.Rendition)
		}
	}
	return all
}

// Window returns the window of the rendition id.
func (p *Presentation) Window(id string) (*Window, bool) {
	for _, w := range p.Windows {
		if w.Rendition.ID == id {
			return w, true
		}
	}
	return nil, false
}
