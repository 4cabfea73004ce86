package rtmp

import "fmt"

// Enhanced RTMP (Veovera, v2): a bit in the first byte of a tag, or sound
// format 9, says that the codec is named by four characters.

// Packet types of enhanced video tags; audio shares the first three and 5.
const (
	enhancedSequenceStart = 0
	enhancedCoded         = 1
	enhancedCodedAtDTS    = 3
)

// parseEnhancedVideoTag reads a tag that names its codec. Only the first track
// matters: packets of further tracks (multitrack), of metadata and of modified
// form are ignored.
func parseEnhancedVideoTag(data []byte) (tag videoTag, ok bool, err error) {
	packet := data[0] & 0x0f
	if packet != enhancedSequenceStart && packet != enhancedCoded && packet != enhancedCodedAtDTS {
		return videoTag{}, false, nil
	}
	if len(data) < 5 {
		return videoTag{}, false, fmt.Errorf("%w: an enhanced video tag of %d bytes", errBadUnit, len(data))
	}
	tag.codec, tag.body = namedVideoCodec(string(data[1:5])), data[5:]
	switch {
	case tag.codec != codecAVC:
	case packet == enhancedSequenceStart:
		tag.packet = packetSequenceHeader
	case packet == enhancedCodedAtDTS:
		tag.packet = packetCoded
	case len(tag.body) < 3:
		return videoTag{}, false, fmt.Errorf("%w: an enhanced video tag without composition time", errBadUnit)
	default:
		tag.packet, tag.offset, tag.body = packetCoded, int24(tag.body), tag.body[3:]
	}
	return tag, true, nil
}

// parseEnhancedAudioTag reads an audio tag that names its codec.
func parseEnhancedAudioTag(data []byte) (tag audioTag, ok bool, err error) {
	packet := data[0] & 0x0f
	if packet != enhancedSequenceStart && packet != enhancedCoded {
		return audioTag{}, false, nil
	}
	if len(data) < 5 {
		return audioTag{}, false, fmt.Errorf("%w: an enhanced audio tag of %d bytes", errBadUnit, len(data))
	}
	return audioTag{codec: namedAudioCodec(string(data[1:5])), packet: packet, body: data[5:]}, true, nil
}
