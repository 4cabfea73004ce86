package rtmp

import (
	"bytes"
	"fmt"

	"weir/pkg/ingest"
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
	tag, ok, err := parseAudioTag(data)
	d.otherTracks += uint64(tag.others)
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
		if tag.codec == codecMP3 {
			return true, d.setMP3(tag.body)
		}
		return true, d.setAC3(tag.body)
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
func (d *demuxer) startAudio(codec audioCodec, header []byte) error {
	if d.audio != nil && d.audio.Codec == codec.media() && bytes.Equal(d.sound, header) {
		return nil
	}
	if len(header) > maxAudioConfig {
		return fmt.Errorf("%w: an audio sequence header of %d bytes", errBadUnit, len(header))
	}
	read := map[audioCodec]func([]byte) (*media.Track, error){
		codecAAC: aacTrack, codecOpus: opusTrack, codecFLAC: flacTrack,
	}[codec]
	track, err := read(header)
	if err != nil {
		return wrapBad(err)
	}
	track.Kind, track.Codec, track.Timescale = media.Audio, codec.media(), flvTimescale
	track.Bitrate = d.metadata.AudioBitrate
	d.audio, d.sound = track, bytes.Clone(header)
	return nil
}

// parseAudioTag reads the header of an audio tag (E.4.2.1); ok is false for
// tags that are to be ignored.
func parseAudioTag(data []byte) (tag audioTag, ok bool, err error) {
	if len(data) == 0 {
		return audioTag{}, false, nil
	}
	const enhanced = 9
	format := data[0] >> 4
	if format == enhanced {
		return parseEnhancedAudioTag(data)
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

// aacTrack reads an AudioSpecificConfig.
func aacTrack(config []byte) (*media.Track, error) {
	c, err := ingest.ParseAudioConfig(config)
	if err != nil {
		return nil, fmt.Errorf("read the AAC sequence header: %w", err)
	}
	return &media.Track{Config: bytes.Clone(config), SampleRate: c.SampleRate, Channels: c.Channels}, nil
}

// setMP3 reads the header of an MP3 frame, which each of them has (ISO/IEC
// 11172-3, 2.4.1.3, and its extensions to lower rates).
func (d *demuxer) setMP3(frame []byte) error {
	const layer3 = 1
	if len(frame) < 4 || frame[0] != 0xff || frame[1]&0xe0 != 0xe0 || frame[1]>>1&3 != layer3 {
		return fmt.Errorf("%w: it is not an MP3 frame", errBadUnit)
	}
	version, index := frame[1]>>3&3, frame[2]>>2&3
	rate := [4][4]int{
		{11_025, 12_000, 8_000}, {}, {22_050, 24_000, 16_000}, {44_100, 48_000, 32_000},
	}[version][index]
	if rate == 0 {
		return fmt.Errorf("%w: an MP3 frame of reserved version or sampling rate", errBadUnit)
	}
	const mono = 3
	channels := 2
	if frame[3]>>6 == mono {
		channels = 1
	}
	d.useAudio(media.MP3, rate, channels)
	return nil
}

// useAudio makes a track of what frames say of themselves, unless it is so
// already.
func (d *demuxer) useAudio(codec media.Codec, rate, channels int) {
	if t := d.audio; t != nil && t.Codec == codec && t.SampleRate == rate && t.Channels == channels {
		return
	}
	d.audio = &media.Track{
		Kind: media.Audio, Codec: codec, Timescale: flvTimescale,
		SampleRate: rate, Channels: channels, Bitrate: d.metadata.AudioBitrate,
	}
}
