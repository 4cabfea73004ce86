package publish

import "time"

// kind tells what a packet carries; the values are FLV tag types and RTMP
// message types alike.
type kind uint8

const (
	kindAudio kind = 8
	kindVideo kind = 9
	kindData  kind = 18
)

// packet is one FLV tag body with its time.
type packet struct {
	kind kind
	// track is the number of a further track of its kind, 0 for the default one.
	track int
	// frame is how long a frame of a further audio track lasts, 0 if that is not known.
	frame time.Duration
	// time is the decode time from the start of the file.
	time time.Duration
	// composition is PTS - DTS; only where there is a place for it.
	composition time.Duration
	// place is where body has room for the composition offset, which is still to
	// be written there, rounded together with the final time; 0 for nowhere.
	place int
	// header marks metadata and decoder configurations: they have no place in
	// time, and a new connection begins with them.
	header bool
	// key marks a picture of the default track that decoding can start at.
	key  bool
	body []byte
}

// clip is a file that can be read again and again.
type clip interface {
	// next returns packets in the order of decode times, then io.EOF.
	next() (packet, error)
	// rewind goes back to the first packet.
	rewind() error
	// timing describes the whole file.
	timing() timing
}

// timing is what a loop has to know about a file.
type timing struct {
	// start is the earliest decode time of any packet that is no header.
	start time.Duration
	// pictures is the first decode time of video; that of audio if there is none.
	pictures time.Duration
	// length is how long one round lasts: that of the video track, down to
	// the end of its last picture; that of the audio track if there is no
	// video.
	length time.Duration
	// audioStart is the first decode time of audio.
	audioStart time.Duration
	// audioFrame is the duration of an audio frame; 0 if it is not known.
	audioFrame time.Duration
	// video is whether there are pictures.
	video bool
}

// The layout of FLV tag bodies (Adobe Flash Video File Format 10.1, E.4).
const (
	codecAVC  = 7
	codecAAC  = 10
	codecMP3  = 2
	avcHeader = 0
	avcNALU   = 1
	avcEnd    = 2
	aacHeader = 0
	frameKey  = 1
	// Enhanced RTMP: the top bit of a video body, and audio format 9, say that
	// a packet type takes the place of the codec.
	enhancedVideo = 0x80
	enhancedAudio = 9
	packetHeader  = 0
	packetEnd     = 2
	packetInfo    = 4
)

// classify fills in header and key from the body. It is false for packets that
// say nothing to a live stream: empty ones and end-of-sequence marks.
func classify(p *packet) bool {
	if len(p.body) == 0 {
		return false
	}
	first := p.body[0]
	switch p.kind {
	case kindData:
		p.header = true
		return true
	case kindAudio:
		format, coded := first>>4, len(p.body) > 1
		p.header = (format == codecAAC && coded && p.body[1] == aacHeader) ||
			(format == enhancedAudio && first&0x0f == packetHeader)
		return format != codecAAC || coded
	case kindVideo:
		if first&enhancedVideo != 0 {
			sort := first & 0x0f
			p.header = sort == packetHeader || sort == packetInfo
			p.key = !p.header && first>>4&7 == frameKey
			return sort != packetEnd
		}
		p.header = first&0x0f == codecAVC && len(p.body) > 1 && p.body[1] == avcHeader
		p.key = !p.header && first>>4 == frameKey
		return first&0x0f != codecAVC || (len(p.body) > 1 && p.body[1] != avcEnd)
	}
	return false
}
