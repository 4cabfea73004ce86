package rtmp

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

// errAVCConfig and errAVCUnit are wrapped by the errors of this file.
var (
	errAVCConfig = errors.New("invalid H.264 decoder configuration")
	errAVCUnit   = errors.New("invalid H.264 access unit")
)

// flvTimescale is the timescale of FLV tags: milliseconds.
const flvTimescale media.Timescale = 1000

// avcTrack reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15,
// 5.3.3.1). The track's Config is a copy that says NAL units have 4-byte
// lengths, as Weir's access units always do; lengthSize is what the publisher
// uses.
func avcTrack(record []byte) (track *media.Track, lengthSize int, err error) {
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
		Kind: media.Video, Codec: media.H264, Timescale: flvTimescale, Config: config,
		Width: s.width, Height: s.height, SampleAspect: s.aspect, FrameRate: s.frameRate,
		Interlaced: s.interlaced,
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

// avcUnit turns the NAL units in data, with lengths of lengthSize bytes, into
// an access unit's bytes with 4-byte lengths and without filler data. It works
// in place where lengths allow: data is used up. idr is true for an IDR
// picture. The result is nil where there was nothing but filler.
func avcUnit(data []byte, lengthSize int) (unit []byte, idr bool, err error) {
	const outSize = 4
	out := data[:0]
	if lengthSize < outSize {
		// Room for a longer length before each NAL unit: at least one byte of
		// payload stands behind each.
		out = make([]byte, 0, len(data)+(outSize-lengthSize)*countUnits(data, lengthSize))
	}
	picture, total := false, len(data)
	for len(data) > 0 {
		nal, rest, err := nextUnit(data, lengthSize)
		if err != nil {
			return nil, false, err
		}
		data = rest
		if len(nal) == 0 {
			continue
		}
		switch typ := nal[0] & 0x1f; {
		case typ == nalFiller:
			continue
		case typ >= nalSlice && typ <= nalIDR:
			picture, idr = true, idr || typ == nalIDR
		}
		out = binary.BigEndian.AppendUint32(out, uint32(len(nal)))
		out = append(out, nal...)
	}
	if len(out) == 0 {
		return nil, false, nil
	}
	if !picture {
		return nil, false, fmt.Errorf("%w: it holds no picture", errAVCUnit)
	}
	if len(out) < total/2 {
		return slices.Clone(out), idr, nil // Mostly filler: let go of its memory.
	}
	return slices.Clip(out), idr, nil
}

// nextUnit splits the first NAL unit off data.
func nextUnit(data []byte, lengthSize int) (nal, rest []byte, err error) {
	if len(data) < lengthSize {
		return nil, nil, fmt.Errorf("%w: it ends inside a NAL unit's length", errAVCUnit)
	}
	var n uint32
	for _, b := range data[:lengthSize] {
		n = n<<8 | uint32(b)
	}
	data = data[lengthSize:]
	if uint64(n) > uint64(len(data)) {
		return nil, nil, fmt.Errorf("%w: a NAL unit of %d bytes where %d are left", errAVCUnit, n, len(data))
	}
	return data[:n], data[n:], nil
}

// countUnits counts the NAL units in data, up to the first broken one.
func countUnits(data []byte, lengthSize int) int {
	count := 0
	for len(data) > 0 {
		_, rest, err := nextUnit(data, lengthSize)
		if err != nil {
			break
		}
		count, data = count+1, rest
	}
	return count
}
