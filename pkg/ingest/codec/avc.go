package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"weir/pkg/media"
)

// NAL unit types (ITU-T H.264, table 7-1).
const (
	nalSlice  = 1
	nalIDR    = 5
	nalSPS    = 7
	nalPPS    = 8
	nalFiller = 12
)

// maxAVCConfig limits a decoder configuration record.
const maxAVCConfig = 16 << 10

// errAVCConfig is wrapped by errors about a decoder configuration.
var errAVCConfig = errors.New("invalid H.264 decoder configuration")

// AVCTrack reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15,
// 5.3.3.1). The Timescale is for the caller to set. The track's Config is a copy that says NAL units have 4-byte
// lengths, as Weir's access units always do; lengthSize is what the publisher
// uses.
func AVCTrack(record []byte) (track *media.Track, lengthSize int, err error) {
	const fixed = 6
	if len(record) <= fixed || len(record) > maxAVCConfig || record[0] != 1 {
		return nil, 0, fmt.Errorf("%w: %d bytes, or of an unknown version", errAVCConfig, len(record))
	}
	lengthSize = int(record[4]&3) + 1
	sets, rest, err := parameterSets(record[fixed:], int(record[5]&0x1f), nalSPS)
	if err != nil {
		return nil, 0, err
	}
	if len(rest) == 0 {
		return nil, 0, fmt.Errorf("%w: no picture parameter sets", errAVCConfig)
	}
	if _, _, err = parameterSets(rest[1:], int(rest[0]), nalPPS); err != nil {
		return nil, 0, err
	}
	s, err := parseSPS(sets[0])
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", errAVCConfig, err)
	}
	config := slices.Clone(record)
	config[4] |= 3
	return &media.Track{
		Kind: media.Video, Codec: media.H264, Config: config,
		Width: s.width, Height: s.height, SampleAspect: s.aspect, FrameRate: s.frameRate,
		Interlaced: s.interlaced, FullRange: s.fullRange,
	}, lengthSize, nil
}

// parameterSets splits count parameter sets with 2-byte lengths off data.
func parameterSets(data []byte, count int, typ byte) (sets [][]byte, rest []byte, err error) {
	for range count {
		if len(data) < 2 {
			return nil, nil, fmt.Errorf("%w: it ends between parameter sets", errAVCConfig)
		}
		n := int(binary.BigEndian.Uint16(data))
		data = data[2:]
		if n == 0 || n > len(data) || data[0]&0x1f != typ {
			return nil, nil, fmt.Errorf("%w: a parameter set of %d bytes does not fit or is of the wrong type", errAVCConfig, n)
		}
		sets, data = append(sets, data[:n]), data[n:]
	}
	if len(sets) == 0 {
		return nil, nil, fmt.Errorf("%w: parameter sets are missing", errAVCConfig)
	}
	return sets, data, nil
}

// AVCUnit turns the NAL units in data, with lengths of lengthSize bytes, into an
// access unit's bytes with 4-byte lengths and without filler data; idr is true
// for an IDR picture. It works in place where lengths allow: data is used up. The
// unit is nil where there was nothing but filler.
func AVCUnit(data []byte, lengthSize int) (unit []byte, idr bool, err error) {
	unit, most, err := repack(data, lengthSize, classifyAVC)
	return unit, most == IDR, err
}

func classifyAVC(nal []byte) Class {
	switch typ := nal[0] & 0x1f; {
	case typ == nalFiller:
		return Filler
	case typ == nalIDR:
		return IDR
	case typ >= nalSlice && typ < nalIDR:
		return Picture
	}
	return Other
}
