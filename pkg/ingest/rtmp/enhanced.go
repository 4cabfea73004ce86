package rtmp

import (
	"encoding/binary"
	"fmt"

	"weir/pkg/media"
)

// Enhanced RTMP (Veovera, v2): a bit in the first byte of a video tag, or sound
// format 9, says that the codec is named by four characters and that a packet
// type takes the place of other fields.

// Packet types of enhanced tags. Audio has a multichannel configuration where
// video has metadata, and multitrack under another number.
const (
	enhancedSequenceStart   = 0
	enhancedCoded           = 1
	enhancedCodedAtDTS      = 3
	enhancedMetadata        = 4
	enhancedAudioMultitrack = 5
	enhancedVideoMultitrack = 6
	enhancedModEx           = 7
)

// Ways to put tracks into one message (AvMultitrackType).
const (
	oneTrack            = 0
	manyTracks          = 1
	manyTracksAndCodecs = 2
)

// enhancedTag is the header of an enhanced tag of either kind, and the body of
// the one track in it that matters.
type enhancedTag struct {
	packet byte
	fourCC string
	// nanoseconds come on top of the presentation time, less than a
	// millisecond.
	nanoseconds uint32
	body        []byte
	// mine is false where the tag has other tracks only, and others counts
	// those: the default track is number 0.
	mine   bool
	others int
}

// readEnhanced reads the rest of a tag whose first byte ended with packet.
func readEnhanced(packet byte, data []byte, multitrack byte) (enhancedTag, error) {
	tag := enhancedTag{packet: packet, mine: true}
	var err error
	for tag.packet == enhancedModEx {
		if data, err = tag.modify(data); err != nil {
			return enhancedTag{}, err
		}
	}
	if tag.packet == multitrack {
		return tag, tag.pick(data)
	}
	if tag.fourCC, data, err = takeFourCC(data); err != nil {
		return enhancedTag{}, err
	}
	tag.body = data
	return tag, nil
}

// modify reads one extension of a packet (ModEx), and the packet type that
// follows it. Only the time offset is of use; others are passed over.
func (t *enhancedTag) modify(data []byte) (rest []byte, err error) {
	const timestampOffsetNano, mostNanoseconds = 0, 999_999
	if len(data) < 1 {
		return nil, errShortTag(data)
	}
	size := int(data[0]) + 1
	data = data[1:]
	if size == 256 {
		if len(data) < 2 {
			return nil, errShortTag(data)
		}
		size = int(binary.BigEndian.Uint16(data)) + 1
		data = data[2:]
	}
	if len(data) < size+1 {
		return nil, errShortTag(data)
	}
	if typ := data[size] >> 4; typ == timestampOffsetNano && size >= 3 {
		t.nanoseconds = min(uint24(data), mostNanoseconds)
	}
	t.packet = data[size] & 0x0f
	return data[size+1:], nil
}

// pick finds the default track among those of a multitrack message.
func (t *enhancedTag) pick(data []byte) (err error) {
	if len(data) < 1 {
		return errShortTag(data)
	}
	kind := data[0] >> 4
	t.packet, t.mine = data[0]&0x0f, false
	if kind > manyTracksAndCodecs {
		return fmt.Errorf("%w: a multitrack message of kind %d", errBadUnit, kind)
	}
	data = data[1:]
	fourCC := ""
	if kind != manyTracksAndCodecs {
		if fourCC, data, err = takeFourCC(data); err != nil {
			return err
		}
	}
	for len(data) > 0 {
		if kind == manyTracksAndCodecs {
			if fourCC, data, err = takeFourCC(data); err != nil {
				return err
			}
		}
		var id byte
		var body []byte
		if id, body, data, err = takeTrack(data, kind); err != nil {
			return err
		}
		if id == 0 && !t.mine {
			t.mine, t.fourCC, t.body = true, fourCC, body
		} else {
			t.others++
		}
	}
	return nil
}

// takeTrack splits one track off a multitrack message.
func takeTrack(data []byte, kind byte) (id byte, body, rest []byte, err error) {
	if len(data) < 1 {
		return 0, nil, nil, errShortTag(data)
	}
	id, data = data[0], data[1:]
	if kind == oneTrack {
		return id, data, nil, nil
	}
	if len(data) < 3 || int(uint24(data)) > len(data)-3 {
		return 0, nil, nil, errShortTag(data)
	}
	size := int(uint24(data))
	data = data[3:]
	return id, data[:size:size], data[size:], nil
}

func takeFourCC(data []byte) (fourCC string, rest []byte, err error) {
	if len(data) < 4 {
		return "", nil, errShortTag(data)
	}
	return string(data[:4]), data[4:], nil
}

func errShortTag(data []byte) error {
	return fmt.Errorf("%w: an enhanced tag ends where %d bytes are not enough", errBadUnit, len(data))
}

// millisecond rounds an offset below a millisecond: the rest of a time is whole
// ones.
func millisecond(nanoseconds uint32) media.Ticks {
	const half = 500_000
	return media.Ticks((nanoseconds + half) / (2 * half))
}

// parseEnhancedVideoTag reads a tag that names its codec; ok is false for what
// has no use here: colour information, commands, other tracks.
func parseEnhancedVideoTag(data []byte) (tag videoTag, ok bool, err error) {
	const keyFrame, commandFrame = 1, 5
	frame, packet := data[0]>>4&7, data[0]&0x0f
	if frame == commandFrame && packet != enhancedMetadata {
		return videoTag{}, false, nil
	}
	in, err := readEnhanced(packet, data[1:], enhancedVideoMultitrack)
	tag = videoTag{key: frame == keyFrame, body: in.body, others: in.others}
	if err != nil || !in.mine {
		return tag, false, err
	}
	tag.codec = namedVideoCodec(in.fourCC)
	tag.offset = millisecond(in.nanoseconds)
	switch in.packet {
	case enhancedSequenceStart:
		tag.packet = packetSequenceHeader
	case enhancedCodedAtDTS:
		tag.packet = packetCoded
	case enhancedCoded:
		tag.packet = packetCoded
		if tag.codec != codecAVC && tag.codec != codecHEVC {
			break // others show pictures in the order in which they decode them
		}
		if len(tag.body) < 3 {
			return videoTag{}, false, fmt.Errorf("%w: an enhanced video tag without composition time", errBadUnit)
		}
		tag.offset, tag.body = tag.offset+int24(tag.body), tag.body[3:]
	default:
		return tag, false, nil
	}
	return tag, true, nil
}

// parseEnhancedAudioTag reads an audio tag that names its codec.
func parseEnhancedAudioTag(data []byte) (tag audioTag, ok bool, err error) {
	in, err := readEnhanced(data[0]&0x0f, data[1:], enhancedAudioMultitrack)
	tag = audioTag{named: true, others: in.others}
	if err != nil || !in.mine || in.packet != enhancedSequenceStart && in.packet != enhancedCoded {
		return tag, false, err
	}
	tag.codec, tag.packet, tag.body = namedAudioCodec(in.fourCC), in.packet, in.body
	tag.offset = millisecond(in.nanoseconds)
	return tag, true, nil
}
