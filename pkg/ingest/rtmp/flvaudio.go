package rtmp

import (
	"bytes"
	"fmt"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// maxAudioConfig limits an AudioSpecificConfig; those of encoders have 2 to 7
// bytes, more with a program config element.
const maxAudioConfig = 256

// audioTag is the header of an audio tag.
type audioTag struct {
	codec  audioCodec
	packet byte
	body   []byte
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

// setAAC follows an AAC sequence header; only a different one makes a new
// track.
func (d *demuxer) setAAC(config []byte) error {
	if d.audio != nil && d.audio.Codec == media.AAC && bytes.Equal(d.audio.Config, config) {
		return nil
	}
	if len(config) > maxAudioConfig {
		return fmt.Errorf("%w: an AudioSpecificConfig of %d bytes", errBadUnit, len(config))
	}
	c, err := ingest.ParseAudioConfig(config)
	if err != nil {
		return fmt.Errorf("%w: %w", errBadUnit, err)
	}
	d.audio = &media.Track{
		Kind: media.Audio, Codec: media.AAC, Timescale: flvTimescale, Config: bytes.Clone(config),
		SampleRate: c.SampleRate, Channels: c.Channels, Bitrate: d.metadata.AudioBitrate,
	}
	return nil
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
	if t := d.audio; t != nil && t.Codec == media.MP3 && t.SampleRate == rate && t.Channels == channels {
		return nil
	}
	d.audio = &media.Track{
		Kind: media.Audio, Codec: media.MP3, Timescale: flvTimescale,
		SampleRate: rate, Channels: channels, Bitrate: d.metadata.AudioBitrate,
	}
	return nil
}
