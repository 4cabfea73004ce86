package rtmp

import (
	"bytes"
	"fmt"

	"weir/pkg/ingest/codec"
	"weir/pkg/media"
)

// maxAudioConfig limits the sequence header of audio; AudioSpecificConfigs of
// encoders have 2 to 7 bytes, more with a program config element.
const maxAudioConfig = 256

// audioTag is the header of an audio tag.
type audioTag struct {
	codec  audioCodec
	packet byte
	// named is true where the tag is of the enhanced form.
	named bool
	// offset is what comes on top of the timestamp, in milliseconds.
	offset media.Ticks
	body   []byte
	// others counts tracks in the tag that are passed over.
	others int
}

// pushAudio takes the body of an audio tag. It owns data.
func (d *demuxer) pushAudio(timestamp uint32, data []byte) (unit media.AccessUnit, ok bool, err error) {
	tag, ok, err := parseAudioTag(data, d.room[:])
	d.passedOver += uint64(tag.others)
	if err != nil || !ok {
		return media.AccessUnit{}, false, err
	}
	if ok, err = d.prepareAudio(tag); err != nil || !ok {
		return media.AccessUnit{}, false, err
	}
	at := media.Ticks(timestamp) + tag.offset
	return media.AccessUnit{Track: d.audio, DTS: at, PTS: at, Sync: true, Data: tag.body}, true, nil
}

// prepareAudio sets the track that a tag belongs to; ok is false where the tag
// has no access unit.
func (d *demuxer) prepareAudio(tag audioTag) (ok bool, err error) {
	starts := tag.packet == packetSequenceHeader
	switch tag.codec {
	case codecMP3, codecAC3: // Each frame describes itself.
		if tag.named && starts || len(tag.body) == 0 {
			return false, nil
		}
		read := codec.MP3Track
		if tag.codec == codecAC3 {
			read = codec.AC3Track
		}
		track, err := read(d.audio, tag.body)
		if err != nil {
			return false, wrapBad(err)
		}
		d.useAudio(track)
		return true, nil
	case codecAAC, codecOpus, codecFLAC:
		if starts {
			return false, d.startAudio(tag.codec, tag.body)
		}
		if tag.packet != packetCoded || len(tag.body) == 0 {
			return false, nil
		}
		if d.audio == nil || d.audio.Codec != tag.codec.media() {
			return false, fmt.Errorf("%w: %s before its sequence header", errBadUnit, string(tag.codec))
		}
		return true, nil
	}
	return false, tag.codec.rejection()
}

// startAudio follows a sequence header; only a different one makes a new track.
func (d *demuxer) startAudio(name audioCodec, header []byte) error {
	if d.audio != nil && d.audio.Codec == name.media() && bytes.Equal(d.sound, header) {
		return nil
	}
	if len(header) > maxAudioConfig {
		return fmt.Errorf("%w: an audio sequence header of %d bytes", errBadUnit, len(header))
	}
	read := map[audioCodec]func([]byte) (*media.Track, error){
		codecAAC: codec.AACTrack, codecOpus: codec.OpusTrack, codecFLAC: codec.FLACTrack,
	}[name]
	track, err := read(header)
	if err != nil {
		return wrapBad(err)
	}
	d.useAudio(track)
	d.sound = bytes.Clone(header)
	return nil
}

// parseAudioTag reads the header of an audio tag (E.4.2.1); ok is false for
// tags that are to be ignored.
func parseAudioTag(data []byte, room []trackBody) (tag audioTag, ok bool, err error) {
	if len(data) == 0 {
		return audioTag{}, false, nil
	}
	const enhanced = 9
	format := data[0] >> 4
	if format == enhanced {
		return parseEnhancedAudioTag(data, room)
	}
	tag = audioTag{codec: legacyAudioCodec(format), body: data[1:]}
	switch {
	case tag.codec == codecAAC && len(tag.body) == 0:
		return audioTag{}, false, fmt.Errorf("%w: an AAC tag of one byte", errBadUnit)
	case tag.codec == codecAAC:
		tag.packet, tag.body = tag.body[0], tag.body[1:]
	case len(tag.body) == 0:
		return audioTag{}, false, nil
	}
	return tag, true, nil
}

// useAudio makes track what comes next, unless it is so already.
func (d *demuxer) useAudio(track *media.Track) {
	if track == d.audio {
		return
	}
	track.Timescale, track.Bitrate = flvTimescale, d.metadata.AudioBitrate
	d.audio = track
}
