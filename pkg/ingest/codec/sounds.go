package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"weir/pkg/ingest"
	"weir/pkg/ingest/bitstream"
	"weir/pkg/media"
)

const (
	// maxChannels is more than any of these codecs is sent with.
	maxChannels = 8
	// maxFLACRate is the highest that anybody records at.
	maxFLACRate = 192_000
	// opusRate is what Opus always decodes to.
	opusRate = 48_000
)

// errFrame is wrapped by the errors of MP3Track and AC3Track.
var errFrame = errors.New("invalid audio frame")

// AACTrack reads an AudioSpecificConfig.
func AACTrack(config []byte) (*media.Track, error) {
	c, err := ingest.ParseAudioConfig(config)
	if err != nil {
		return nil, fmt.Errorf("read the AAC configuration: %w", err)
	}
	return &media.Track{
		Kind: media.Audio, Codec: media.AAC, Config: bytes.Clone(config),
		SampleRate: c.SampleRate, Channels: c.Channels,
	}, nil
}

// OpusTrack reads an identification header (RFC 7845, 5.1). What that says of
// the source's sampling rate means nothing.
func OpusTrack(header []byte) (*media.Track, error) {
	const fixed = 19
	if len(header) < fixed || string(header[:8]) != "OpusHead" || header[8]>>4 != 0 {
		return nil, fmt.Errorf("an Opus header of %d bytes, or of an unknown version", len(header))
	}
	channels := int(header[9])
	if channels == 0 || channels > maxChannels {
		return nil, fmt.Errorf("an Opus header with %d channels", channels)
	}
	return &media.Track{
		Kind: media.Audio, Codec: media.Opus, Config: bytes.Clone(header),
		SampleRate: opusRate, Channels: channels,
	}, nil
}

// FLACTrack reads the signature and the STREAMINFO block of a stream (RFC 9639,
// 8.2). The track's Config is that block's 34 bytes.
func FLACTrack(header []byte) (*media.Track, error) {
	const marker, blockHeader, size = "fLaC", 4, 34
	info, found := bytes.CutPrefix(header, []byte(marker))
	if found && len(info) >= blockHeader {
		info = info[blockHeader:]
	}
	if len(info) < size {
		return nil, fmt.Errorf("a FLAC header of %d bytes", len(header))
	}
	info = info[:size]
	packed := binary.BigEndian.Uint32(info[10:])
	rate, channels := int(packed>>12), int(packed>>9&7)+1
	if rate == 0 || rate > maxFLACRate {
		return nil, fmt.Errorf("a FLAC header with %d Hz", rate)
	}
	return &media.Track{
		Kind: media.Audio, Codec: media.FLAC, Config: bytes.Clone(info),
		SampleRate: rate, Channels: channels,
	}, nil
}

// MP3Track reads the header of a frame of MPEG audio, which each of them has
// (ISO/IEC 11172-3, 2.4.1.3, and its extensions to lower rates): of layer III, or
// of layer II of MPEG-1, which its decoder reads too and which lasts as long. It
// returns last where the frame says the same.
func MP3Track(last *media.Track, frame []byte) (*media.Track, error) {
	const layer3, layer2, mpeg1 = 1, 2, 3
	if len(frame) < 4 || frame[0] != 0xff || frame[1]&0xe0 != 0xe0 {
		return last, fmt.Errorf("%w: it is not of MPEG audio", errFrame)
	}
	layer := frame[1] >> 1 & 3
	if layer != layer3 && (layer != layer2 || frame[1]>>3&3 != mpeg1) {
		return last, fmt.Errorf("%w: MPEG audio of layer I, or of layer II at a low rate", errFrame)
	}
	version, index := frame[1]>>3&3, frame[2]>>2&3
	rate := [4][4]int{
		{11_025, 12_000, 8_000}, {}, {22_050, 24_000, 16_000}, {44_100, 48_000, 32_000},
	}[version][index]
	if rate == 0 {
		return last, fmt.Errorf("%w: MP3 of reserved version or sampling rate", errFrame)
	}
	const mono = 3
	channels := 2
	if frame[3]>>6 == mono {
		channels = 1
	}
	return sameTrack(last, media.MP3, rate, channels), nil
}

// AC3Track reads the sync frame of AC-3 (ETSI TS 102 366, 4.3 and 4.4.2), which
// each access unit begins with. It returns last where the frame says the same.
func AC3Track(last *media.Track, frame []byte) (*media.Track, error) {
	const enough, lastBSID = 8, 8
	if len(frame) < enough || frame[0] != 0x0b || frame[1] != 0x77 || frame[5]>>3 > lastBSID {
		return last, fmt.Errorf("%w: it is not of AC-3", errFrame)
	}
	rate := [4]int{48_000, 44_100, 32_000, 0}[frame[4]>>6]
	if rate == 0 {
		return last, fmt.Errorf("%w: AC-3 of reserved sampling rate", errFrame)
	}
	// acmod tells the channels; where it has centre or surround channels or is
	// stereo, fields of 2 bits stand between it and lfeon.
	r := bitstream.NewReader(frame[6:])
	acmod := r.Bits(3)
	if acmod&1 != 0 && acmod != 1 {
		r.Bits(2) // cmixlev
	}
	if acmod&4 != 0 {
		r.Bits(2) // surmixlev
	}
	if acmod == 2 {
		r.Bits(2) // dsurmod
	}
	channels := [8]int{2, 1, 2, 3, 3, 4, 4, 5}[acmod] + int(r.Bits(1))
	return sameTrack(last, media.AC3, rate, channels), nil
}

// sameTrack is last if that is what frames say of themselves, else a new track.
func sameTrack(last *media.Track, codec media.Codec, rate, channels int) *media.Track {
	if last != nil && last.Codec == codec && last.SampleRate == rate && last.Channels == channels {
		return last
	}
	return &media.Track{Kind: media.Audio, Codec: codec, SampleRate: rate, Channels: channels}
}
