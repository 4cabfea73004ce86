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

// enhancedTag is the header of an enhanced tag of either kind, and the tracks in
// it.
type enhancedTag struct {
	// key is true for what the encoder calls a keyframe; video only.
	key    bool
	packet byte
	// nanoseconds come on top of the presentation time, less than a
	// millisecond.
	nanoseconds uint32
	// tracks are usually one.
	tracks []trackBody
}

// trackBody is what a tag holds of one track; the default track is number 0.
type trackBody struct {
	id     byte
	fourCC string
	body   []byte
}

func (t trackBody) isDefault() bool { return t.id == 0 }

// readEnhanced reads the rest of a tag whose first byte ended with packet. The
// tracks are put where room is.
func readEnhanced(packet byte, data []byte, multitrack byte, room []trackBody) (enhancedTag, error) {
	tag := enhancedTag{packet: packet, tracks: room[:0]}
	var err error
	for tag.packet == enhancedModEx {
		if data, err = tag.modify(data); err != nil {
			return enhancedTag{}, err
		}
	}
	if tag.packet == multitrack {
		return tag, tag.split(data)
	}
	var only trackBody
	if only.fourCC, only.body, err = takeFourCC(data); err != nil {
		return enhancedTag{}, err
	}
	tag.tracks = append(tag.tracks, only)
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

// split finds the tracks of a multitrack message.
func (t *enhancedTag) split(data []byte) (err error) {
	if len(data) < 1 {
		return errShortTag(data)
	}
	kind := data[0] >> 4
	t.packet = data[0] & 0x0f
	if kind > manyTracksAndCodecs {
		return fmt.Errorf("%w: a multitrack message of kind %d", errBadUnit, kind)
	}
	data = data[1:]
	var one trackBody
	if kind != manyTracksAndCodecs {
		if one.fourCC, data, err = takeFourCC(data); err != nil {
			return err
		}
	}
	for len(data) > 0 {
		if kind == manyTracksAndCodecs {
			if one.fourCC, data, err = takeFourCC(data); err != nil {
				return err
			}
		}
		if one.id, one.body, data, err = takeTrack(data, kind); err != nil {
			return err
		}
		t.tracks = append(t.tracks, one)
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

func isEnhancedVideo(data []byte) bool { return len(data) > 0 && data[0]&0x80 != 0 }

// readEnhancedVideo reads the header of a video tag; one without any use has no
// tracks.
func readEnhancedVideo(data []byte, room []trackBody) (enhancedTag, error) {
	const keyFrame, commandFrame = 1, 5
	frame, packet := data[0]>>4&7, data[0]&0x0f
	if frame == commandFrame && packet != enhancedMetadata {
		return enhancedTag{}, nil
	}
	tag, err := readEnhanced(packet, data[1:], enhancedVideoMultitrack, room)
	tag.key = frame == keyFrame
	return tag, err
}

// videoTagOf is the tag of one of the tracks in an enhanced tag; ok is false for
// what has no use here: colour information, for one.
func videoTagOf(in enhancedTag, one trackBody) (tag videoTag, ok bool, err error) {
	tag = videoTag{
		codec: namedVideoCodec(one.fourCC), key: in.key, offset: millisecond(in.nanoseconds), body: one.body,
	}
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

func isEnhancedAudio(data []byte) bool {
	const enhanced = 9
	return len(data) > 0 && data[0]>>4 == enhanced
}

// audioTagOf is the tag of one of the tracks in an enhanced tag; ok is false for what
// has no use here.
func audioTagOf(in enhancedTag, one trackBody) (tag audioTag, ok bool) {
	tag = audioTag{
		codec: namedAudioCodec(one.fourCC), packet: in.packet, named: true, offset: millisecond(in.nanoseconds), body: one.body,
	}
	return tag, in.packet == enhancedSequenceStart || in.packet == enhancedCoded
}
