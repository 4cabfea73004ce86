package rtmp

import (
	"bytes"
	"fmt"

	"weir/pkg/ingest/codec"
	"weir/pkg/media"
)

// pictures makes access units of the tags of one video track.
type pictures struct {
	number int
	// track is that of what comes next, nil before its sequence header; the
	// pointer changes only if its parameters do.
	track *media.Track
	// record is the publisher's last decoder configuration, and lengthSize how
	// many bytes of length its NAL units have.
	record     []byte
	lengthSize int
}

// push takes a tag; bitrate is what the publisher declares for the track, 0 for
// nothing.
func (v *pictures) push(timestamp uint32, tag videoTag, bitrate int) (unit media.AccessUnit, ok bool, err error) {
	if !tag.codec.accepted() {
		return media.AccessUnit{}, false, tag.codec.rejection()
	}
	switch tag.packet {
	case packetSequenceHeader:
		return media.AccessUnit{}, false, v.start(tag.codec, tag.body, bitrate)
	case packetCoded:
		if tag.codec == codecAV1 {
			return v.temporalUnit(timestamp, tag, bitrate)
		}
		return v.picture(timestamp, tag)
	}
	return media.AccessUnit{}, false, nil // End of sequence, or unknown.
}

// start follows a sequence header. Encoders repeat theirs; only a different one
// makes a new track.
func (v *pictures) start(name videoCodec, record []byte, bitrate int) error {
	if v.track != nil && v.track.Codec == name.media() && bytes.Equal(v.record, record) {
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
	v.lengthSize = lengthSize
	v.use(track, record, bitrate)
	return nil
}

func (v *pictures) use(track *media.Track, record []byte, bitrate int) {
	track.Timescale, track.Number, track.Bitrate = flvTimescale, v.number, bitrate
	v.track, v.record = track, bytes.Clone(record)
}

func (v *pictures) picture(timestamp uint32, tag videoTag) (media.AccessUnit, bool, error) {
	if v.track == nil || v.track.Codec != tag.codec.media() {
		return media.AccessUnit{}, false, fmt.Errorf("%w: a picture before the sequence header", errBadUnit)
	}
	dts := media.Ticks(timestamp)
	out := media.AccessUnit{Track: v.track, DTS: dts, PTS: dts + tag.offset}
	var err error
	if tag.codec == codecHEVC {
		var class codec.Class
		out.Data, class, err = codec.HEVCUnit(tag.body, v.lengthSize)
		out.Sync, out.Recovery = class == codec.IDR, class == codec.Recovery
	} else {
		out.Data, out.Sync, err = codec.AVCUnit(tag.body, v.lengthSize)
		out.Recovery = tag.key && !out.Sync
	}
	if err != nil || out.Data == nil {
		return media.AccessUnit{}, false, wrapBad(err)
	}
	return out, true, nil
}

// temporalUnit makes an access unit of AV1. Its own sequence header counts where
// it has one: decoders obey that, whatever was said before.
func (v *pictures) temporalUnit(timestamp uint32, tag videoTag, bitrate int) (media.AccessUnit, bool, error) {
	found, err := codec.ReadTemporalUnit(tag.body)
	if err != nil {
		return media.AccessUnit{}, false, wrapBad(err)
	}
	if found.Header != nil {
		track, err := codec.AV1TrackOf(found.Header)
		if err != nil {
			return media.AccessUnit{}, false, wrapBad(err)
		}
		if v.track == nil || !bytes.Equal(v.track.Config, track.Config) {
			v.use(track, v.record, bitrate)
		}
	}
	switch {
	case v.track == nil || v.track.Codec != media.AV1:
		return media.AccessUnit{}, false, fmt.Errorf("%w: a picture before the sequence header", errBadUnit)
	case len(found.Data) == 0:
		return media.AccessUnit{}, false, nil
	case found.Frames == 0:
		return media.AccessUnit{}, false, fmt.Errorf("%w: %w: it holds no picture", errBadUnit, codec.ErrAV1)
	}
	dts := media.Ticks(timestamp)
	return media.AccessUnit{
		Track: v.track, DTS: dts, PTS: dts + tag.offset, Data: found.Data,
		Sync: found.Key && found.Header != nil, Recovery: found.Key && found.Header == nil,
	}, true, nil
}
