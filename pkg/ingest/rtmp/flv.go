package rtmp

import (
	"bytes"
	"errors"
	"fmt"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// errBadUnit is wrapped by errors that cost one access unit and no more.
var errBadUnit = errors.New("bad access unit")

// demuxer turns FLV tags (Adobe Flash Video File Format 10.1, annex E.4) into
// access units. It is used by one goroutine.
//
// Its methods report ok false where a tag holds no access unit: a sequence
// header, an end of sequence, what is ignored. Their errors are an
// *ingest.Rejection where the stream can never be used, else errBadUnit.
type demuxer struct {
	// video and audio are the tracks of what comes next, nil before their
	// sequence header; their pointers change only if their parameters do.
	video, audio *media.Track
	// record is the publisher's decoder configuration behind video, and
	// lengthSize how many bytes of length its NAL units have.
	record     []byte
	lengthSize int
	metadata   ingest.Metadata
}

// The packet types of AVC and AAC tags (E.4.3.1 and E.4.2.1).
const (
	packetSequenceHeader = 0
	packetCoded          = 1
)

// videoTag is the header of a video tag, in the legacy or the enhanced form.
type videoTag struct {
	codec  videoCodec
	packet byte
	// key is true for what the encoder calls a keyframe.
	key bool
	// offset is the composition offset in milliseconds.
	offset media.Ticks
	body   []byte
}

// pushVideo takes the body of a video tag. It owns data: the access unit is a
// part of it.
func (d *demuxer) pushVideo(timestamp uint32, data []byte) (unit media.AccessUnit, ok bool, err error) {
	tag, ok, err := parseVideoTag(data)
	if err != nil || !ok {
		return media.AccessUnit{}, false, err
	}
	if tag.codec != codecAVC {
		return media.AccessUnit{}, false, tag.codec.rejection()
	}
	switch tag.packet {
	case packetSequenceHeader:
		return media.AccessUnit{}, false, d.setVideo(tag.body)
	case packetCoded:
		return d.picture(timestamp, tag)
	}
	return media.AccessUnit{}, false, nil // End of sequence, or unknown.
}

// setVideo follows a sequence header. Encoders repeat theirs; only a different
// one makes a new track.
func (d *demuxer) setVideo(record []byte) error {
	if d.video != nil && bytes.Equal(d.record, record) {
		return nil
	}
	track, lengthSize, err := avcTrack(record)
	if err != nil {
		return fmt.Errorf("%w: %w", errBadUnit, err)
	}
	track.Bitrate = d.metadata.VideoBitrate
	d.video, d.record, d.lengthSize = track, bytes.Clone(record), lengthSize
	return nil
}

func (d *demuxer) picture(timestamp uint32, tag videoTag) (media.AccessUnit, bool, error) {
	if d.video == nil {
		return media.AccessUnit{}, false, fmt.Errorf("%w: a picture before the sequence header", errBadUnit)
	}
	unit, idr, err := avcUnit(tag.body, d.lengthSize)
	if err != nil {
		return media.AccessUnit{}, false, fmt.Errorf("%w: %w", errBadUnit, err)
	}
	if unit == nil {
		return media.AccessUnit{}, false, nil
	}
	dts := media.Ticks(timestamp)
	return media.AccessUnit{
		Track: d.video, DTS: dts, PTS: dts + tag.offset,
		Sync: idr, Recovery: tag.key && !idr, Data: unit,
	}, true, nil
}

// parseVideoTag reads the header of a video tag; ok is false for tags that are
// to be ignored.
func parseVideoTag(data []byte) (tag videoTag, ok bool, err error) {
	if len(data) == 0 {
		return videoTag{}, false, nil
	}
	if data[0]&0x80 != 0 {
		return parseEnhancedVideoTag(data)
	}
	const keyFrame, commandFrame = 1, 5
	if data[0]>>4 == commandFrame {
		return videoTag{}, false, nil
	}
	tag.key = data[0]>>4 == keyFrame
	tag.codec = legacyVideoCodec(data[0] & 0x0f)
	if tag.codec != codecAVC {
		return tag, true, nil
	}
	if len(data) < 5 {
		return videoTag{}, false, fmt.Errorf("%w: a video tag of %d bytes", errBadUnit, len(data))
	}
	tag.packet, tag.offset, tag.body = data[1], int24(data[2:]), data[5:]
	return tag, true, nil
}

// int24 is the signed number in the first three bytes of b.
func int24(b []byte) media.Ticks { return media.Ticks(int32(uint24(b)<<8) >> 8) }

// pushAudio takes the body of an audio tag. It owns data.
func (d *demuxer) pushAudio(timestamp uint32, data []byte) (unit media.AccessUnit, ok bool, err error) {
	tag, ok, err := parseAudioTag(data)
	if err != nil || !ok {
		return media.AccessUnit{}, false, err
	}
	switch {
	case tag.codec == codecMP3:
		err = d.setMP3(tag.body)
	case tag.codec != codecAAC:
		return media.AccessUnit{}, false, tag.codec.rejection()
	case tag.packet == packetSequenceHeader:
		return media.AccessUnit{}, false, d.setAAC(tag.body)
	case tag.packet != packetCoded || len(tag.body) == 0:
		return media.AccessUnit{}, false, nil
	case d.audio == nil || d.audio.Codec != media.AAC:
		err = fmt.Errorf("%w: AAC before its sequence header", errBadUnit)
	}
	if err != nil {
		return media.AccessUnit{}, false, err
	}
	at := media.Ticks(timestamp)
	return media.AccessUnit{Track: d.audio, DTS: at, PTS: at, Sync: true, Data: tag.body}, true, nil
}
