package rtmp

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"weir/pkg/media"
)

// maxChannels is more than any of these codecs is sent with.
const maxChannels = 8

// opusTrack reads an identification header (RFC 7845, 5.1). Opus always decodes
// to 48 kHz; what the header says of the source's rate means nothing.
func opusTrack(header []byte) (*media.Track, error) {
	const fixed, rate = 19, 48_000
	if len(header) < fixed || string(header[:8]) != "OpusHead" || header[8]>>4 != 0 {
		return nil, fmt.Errorf("an Opus header of %d bytes, or of an unknown version", len(header))
	}
	channels := int(header[9])
	if channels == 0 || channels > maxChannels {
		return nil, fmt.Errorf("an Opus header with %d channels", channels)
	}
	return &media.Track{Config: bytes.Clone(header), SampleRate: rate, Channels: channels}, nil
}

// flacTrack reads the signature and the STREAMINFO block of a stream (RFC 9639,
// 8.2). The track's Config is that block's 34 bytes.
func flacTrack(header []byte) (*media.Track, error) {
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
	return &media.Track{Config: bytes.Clone(info), SampleRate: rate, Channels: channels}, nil
}

// maxFLACRate is the highest that anybody records at.
const maxFLACRate = 192_000

// setAC3 reads the sync frame of AC-3 (ETSI TS 102 366, 4.3 and 4.4.2), which
// each access unit begins with.
func (d *demuxer) setAC3(frame []byte) error {
	const enough, lastBSID = 8, 8
	if len(frame) < enough || frame[0] != 0x0b || frame[1] != 0x77 || frame[5]>>3 > lastBSID {
		return fmt.Errorf("%w: it is not an AC-3 frame", errBadUnit)
	}
	rate := [4]int{48_000, 44_100, 32_000, 0}[frame[4]>>6]
	if rate == 0 {
		return fmt.Errorf("%w: an AC-3 frame of reserved sampling rate", errBadUnit)
	}
	// acmod tells the channels; where it has centre or surround channels or is
	// stereo, fields of 2 bits stand between it and lfeon.
	r := bitReader{data: frame[6:]}
	acmod := r.bits(3)
	if acmod&1 != 0 && acmod != 1 {
		r.bits(2) // cmixlev
	}
	if acmod&4 != 0 {
		r.bits(2) // surmixlev
	}
	if acmod == 2 {
		r.bits(2) // dsurmod
	}
	channels := [8]int{2, 1, 2, 3, 3, 4, 4, 5}[acmod] + int(r.bits(1))
	d.useAudio(media.AC3, rate, channels)
	return nil
}
