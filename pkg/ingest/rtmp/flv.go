package rtmp

import (
	"bytes"
	"errors"
	"fmt"

	"weir/pkg/ingest"
	"weir/pkg/ingest/codec"
	"weir/pkg/media"
)

// flvTimescale is the timescale of FLV tags: milliseconds.
const flvTimescale media.Timescale = 1000

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
	// record is the publisher's last decoder configuration of video, and
	// lengthSize how many bytes of length its NAL units have. sound is the sequence header behind audio, where its codec has one.
	record, sound []byte
	lengthSize    int
	metadata      ingest.Metadata
	// otherTracks counts what was passed over of tracks beside the default one.
	otherTracks uint64
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
	// others counts tracks in the tag that are passed over.
	others int
}

// pushVideo takes the body of a video tag. It owns data: the access unit is a
// part of it.
func (d *demuxer) pushVideo(timestamp uint32, data []byte) (unit media.AccessUnit, ok bool, err error) {
	tag, ok, err := parseVideoTag(data)
	d.otherTracks += uint64(tag.others)
	if err != nil || !ok {
		return media.AccessUnit{}, false, err
	}
	if tag.codec != codecAVC && tag.codec != codecHEVC && tag.codec != codecAV1 {
		return media.AccessUnit{}, false, tag.codec.rejection()
	}
	switch tag.packet {
	case packetSequenceHeader:
		return media.AccessUnit{}, false, d.setVideo(tag.codec, tag.body)
	case packetCoded:
		return d.picture(timestamp, tag)
	}
	return media.AccessUnit{}, false, nil // End of sequence, or unknown.
}

// setVideo follows a sequence header. Encoders repeat theirs; only a different
// one makes a new track.
func (d *demuxer) setVideo(name videoCodec, record []byte) error {
	if d.video != nil && d.video.Codec == name.media() && bytes.Equal(d.record, record) {
		return nil
	}
	read := map[videoCodec]func([]byte) (*media.Track, int, error){
		codecAVC: codec.AVCTrack, codecHEVC: codec.HEVCTrack,
		codecAV1: func(record []byte) (*media.Track, int, error) {
			track, err := codec.AV1Track(record)
			return track, 0, err
		},
	}[name]
	track, lengthSize, err := read(record)
	if err != nil || track == nil {
		return wrapBad(err)
	}
	d.useVideo(track, record, lengthSize)
	return nil
}

func (d *demuxer) useVideo(track *media.Track, record []byte, lengthSize int) {
	track.Timescale, track.Bitrate = flvTimescale, d.metadata.VideoBitrate
	d.video, d.record, d.lengthSize = track, bytes.Clone(record), lengthSize
}

// wrapBad makes an error cost one access unit.
func wrapBad(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errBadUnit, err)
}

func (d *demuxer) picture(timestamp uint32, tag videoTag) (media.AccessUnit, bool, error) {
	if tag.codec == codecAV1 {
		return d.temporalUnit(timestamp, tag)
	}
	if d.video == nil || d.video.Codec != tag.codec.media() {
		return media.AccessUnit{}, false, fmt.Errorf("%w: a picture before the sequence header", errBadUnit)
	}
	dts := media.Ticks(timestamp)
	out := media.AccessUnit{Track: d.video, DTS: dts, PTS: dts + tag.offset}
	var err error
	if tag.codec == codecHEVC {
		var class codec.Class
		out.Data, class, err = codec.HEVCUnit(tag.body, d.lengthSize)
		out.Sync, out.Recovery = class == codec.IDR, class == codec.Recovery
	} else {
		out.Data, out.Sync, err = codec.AVCUnit(tag.body, d.lengthSize)
		out.Recovery = tag.key && !out.Sync
	}
	if err != nil || out.Data == nil {
		return media.AccessUnit{}, false, wrapBad(err)
	}
	return out, true, nil
}

// temporalUnit makes an access unit of AV1. Its own sequence header counts where
// it has one: decoders obey that, whatever was said before.
func (d *demuxer) temporalUnit(timestamp uint32, tag videoTag) (media.AccessUnit, bool, error) {
	found, err := codec.ReadTemporalUnit(tag.body)
	if err != nil {
		return media.AccessUnit{}, false, wrapBad(err)
	}
	if found.Header != nil {
		track, err := codec.AV1TrackOf(found.Header)
		if err != nil {
			return media.AccessUnit{}, false, wrapBad(err)
		}
		if d.video == nil || !bytes.Equal(d.video.Config, track.Config) {
			d.useVideo(track, d.record, 0)
		}
	}
	switch {
	case d.video == nil || d.video.Codec != media.AV1:
		return media.AccessUnit{}, false, fmt.Errorf("%w: a picture before the sequence header", errBadUnit)
	case len(found.Data) == 0:
		return media.AccessUnit{}, false, nil
	case found.Frames == 0:
		return media.AccessUnit{}, false, fmt.Errorf("%w: %w: it holds no picture", errBadUnit, codec.ErrAV1)
	}
	dts := media.Ticks(timestamp)
	return media.AccessUnit{
		Track: d.video, DTS: dts, PTS: dts + tag.offset, Data: found.Data,
		Sync: found.Key && found.Header != nil, Recovery: found.Key && found.Header == nil,
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
	if tag.codec != codecAVC && tag.codec != codecHEVC {
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
