package codec

import (
	"errors"
	"fmt"
	"slices"

	"github.com/Eyevinn/mp4ff/av1"

	"weir/pkg/media"
)

const (
	// av1Fixed is the part of an AV1CodecConfigurationRecord before its OBUs.
	av1Fixed = 4
	// maxAV1Config limits a configuration record, and with it a sequence
	// header.
	maxAV1Config = 4 << 10
)

// ErrAV1 is wrapped by what is wrong with AV1.
var ErrAV1 = errors.New("invalid AV1")

// AV1Track reads an AV1CodecConfigurationRecord (AV1 in ISO Base Media File
// Format, 2.3.3); track is nil where that has no sequence header, which the
// first key frame then brings.
func AV1Track(record []byte) (*media.Track, error) {
	if len(record) < av1Fixed || len(record) > maxAV1Config || record[0] != 0x81 {
		return nil, fmt.Errorf("%w: a decoder configuration of %d bytes, or of an unknown version", ErrAV1, len(record))
	}
	found, err := ReadTemporalUnit(slices.Clone(record[av1Fixed:]))
	if err != nil {
		return nil, err
	}
	if found.Header == nil {
		return nil, nil //nolint:nilnil // it comes later.
	}
	return AV1TrackOf(found.Header)
}

// AV1TrackOf makes the track of a sequence header OBU's payload. Its Config is
// written here, so that it is complete and says what the header says.
func AV1TrackOf(payload []byte) (*media.Track, error) {
	const before = av1Fixed + 1 + 2 // in Config: the fixed part, and the OBU's header and size
	if len(payload) > maxAV1Config-before {
		return nil, fmt.Errorf("%w: a sequence header of %d bytes", ErrAV1, len(payload))
	}
	header, err := av1.ParseSequenceHeader(payload)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAV1, err)
	}
	if err := checkSize(int(header.Width()), int(header.Height())); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAV1, err)
	}
	obu := av1.OBU{Header: av1.OBUHeader{Type: av1.OBUSequenceHeader, HeaderSize: 1}, Payload: payload}
	high, twelve, mono := byte(0), byte(0), byte(0)
	if header.BitDepth > 8 {
		high = 1
	}
	if header.BitDepth > 10 {
		twelve = 1
	}
	if header.MonoChrome {
		mono = 1
	}
	config := []byte{
		0x81, header.SeqProfile<<5 | header.SeqLevelIdx0,
		header.SeqTier0<<7 | high<<6 | twelve<<5 | mono<<4 |
			header.SubsamplingX<<3 | header.SubsamplingY<<2 | header.ChromaSamplePosition, 0,
	}
	track := &media.Track{
		Kind: media.Video, Codec: media.AV1, Config: append(config, obu.Encode()...),
		Width: int(header.Width()), Height: int(header.Height()), SampleAspect: media.Rational{Num: 1, Den: 1},
		FullRange: header.ColorRange,
	}
	if header.TimingInfoPresent && header.EqualPictureInterval && header.NumTicksPerPictureMinus1 == 0 {
		if scale, tick := uint64(header.TimeScale), uint64(header.NumUnitsInDisplayTick); tick > 0 && scale >= tick && scale <= MaxFrameRate*tick {
			track.FrameRate = lowest(scale, tick)
		}
	}
	return track, nil
}

// TemporalUnit is what matters of one in AV1.
type TemporalUnit struct {
	// Data is its OBUs without temporal delimiters and padding, which ISO files
	// do not have.
	Data []byte
	// Header is the payload of its sequence header, nil if there is none.
	Header []byte
	// Frames counts frames of any kind. Key is true if the first of them is a
	// key frame that is shown: where decoding can start.
	Frames int
	Key    bool
}

// ReadTemporalUnit walks through the OBUs of data (AV1, 5.3). It works in place:
// data is used up.
func ReadTemporalUnit(data []byte) (TemporalUnit, error) {
	var t TemporalUnit
	var err error
	t.Data, err = t.scan(data)
	return t, err
}

// scan is ReadTemporalUnit; it returns what Data becomes.
func (t *TemporalUnit) scan(data []byte) (unit []byte, err error) {
	out := data[:0]
	for len(data) > 0 {
		header, err := av1.ParseOBUHeader(data)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrAV1, err)
		}
		size, payload := uint64(len(data)-header.HeaderSize), data[header.HeaderSize:]
		if header.HasSizeField {
			var width int
			if size, width, err = av1.ReadLEB128(payload); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrAV1, err)
			}
			payload = payload[width:]
		}
		if size > uint64(len(payload)) {
			return nil, fmt.Errorf("%w: an OBU of %d bytes where %d are left", ErrAV1, size, len(payload))
		}
		whole := data[:len(data)-len(payload)+int(size)]
		data = data[len(whole):]
		if typ := header.Type; typ == av1.OBUTemporalDelimiter || typ == av1.OBUPadding || typ == av1.OBUTileList {
			continue
		}
		t.note(header.Type, payload[:size])
		out = append(out, whole...)
	}
	return slices.Clip(out), nil
}

// note looks at one OBU. A frame header begins with show_existing_frame,
// frame_type and show_frame (5.9.2); streams of still pictures, which leave
// them out, are not video.
func (t *TemporalUnit) note(typ av1.OBUType, payload []byte) {
	const shownKey = 0b0001_0000
	switch {
	case typ == av1.OBUSequenceHeader && t.Header == nil:
		t.Header = slices.Clone(payload)
	case typ == av1.OBUFrame, typ == av1.OBUFrameHeader:
		if t.Frames == 0 && len(payload) > 0 {
			t.Key = payload[0]&0b1111_0000 == shownKey
		}
		t.Frames++
	}
}
