package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"weir/pkg/media"
)

// NAL unit types of HEVC (ITU-T H.265, table 7-1). Pictures are 0 to 31, and
// random access points among them 16 to 23: those with a broken link, IDR
// pictures, those of an open GOP (CRA).
const (
	hevcFirstRAP = 16
	hevcIDRRADL  = 19
	hevcIDRNLP   = 20
	hevcLastRAP  = 23
	hevcLastVCL  = 31
	hevcVPS      = 32
	hevcSPS      = 33
	hevcPPS      = 34
	hevcFiller   = 38
)

// hevcFixed is the part of an HEVCDecoderConfigurationRecord before its arrays
// of parameter sets, and maxHEVCArrays how many of those are believed: there is
// one for each type of NAL unit.
const (
	hevcFixed     = 23
	maxHEVCArrays = 16
	maxHEVCConfig = 16 << 10
)

// errHEVCConfig is wrapped by errors about a decoder configuration.
var errHEVCConfig = errors.New("invalid HEVC decoder configuration")

// HEVCTrack reads an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15,
// 8.3.3.1). The Timescale is for the caller to set. The track's Config is a copy that says NAL units have 4-byte
// lengths and that no parameter sets are missing in it, as the sample entry
// hvc1 wants; lengthSize is what the publisher uses.
func HEVCTrack(record []byte) (track *media.Track, lengthSize int, err error) {
	if len(record) < hevcFixed || len(record) > maxHEVCConfig || record[0] != 1 {
		return nil, 0, fmt.Errorf("%w: %d bytes, or of an unknown version", errHEVCConfig, len(record))
	}
	config := slices.Clone(record)
	lengthSize = int(record[21]&3) + 1
	config[21] |= 3
	set, err := hevcArrays(config)
	if err != nil {
		return nil, 0, err
	}
	s, err := parseHEVCSPS(set)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", errHEVCConfig, err)
	}
	return &media.Track{
		Kind: media.Video, Codec: media.HEVC, Config: config,
		Width: s.width, Height: s.height, SampleAspect: s.aspect,
	}, lengthSize, nil
}

// hevcArrays walks through the parameter sets of a record, marks its arrays
// complete and returns the first sequence parameter set.
func hevcArrays(config []byte) (sps []byte, err error) {
	const complete = 0x80
	at := hevcFixed
	if config[hevcFixed-1] > maxHEVCArrays {
		return nil, fmt.Errorf("%w: %d kinds of parameter sets", errHEVCConfig, config[hevcFixed-1])
	}
	for range config[hevcFixed-1] {
		if len(config)-at < 3 {
			return nil, fmt.Errorf("%w: it ends between parameter sets", errHEVCConfig)
		}
		typ, count := config[at]&0x3f, binary.BigEndian.Uint16(config[at+1:])
		if typ >= hevcVPS && typ <= hevcPPS {
			config[at] |= complete
		}
		at += 3
		for range count {
			set, err := hevcSet(config[at:], typ)
			if err != nil {
				return nil, err
			}
			if typ == hevcSPS && sps == nil {
				sps = set
			}
			at += 2 + len(set)
		}
	}
	if sps == nil {
		return nil, fmt.Errorf("%w: no sequence parameter set", errHEVCConfig)
	}
	return sps, nil
}

// hevcSet reads one parameter set behind its length of 2 bytes.
func hevcSet(data []byte, typ byte) ([]byte, error) {
	if len(data) < 2 {
		return nil, fmt.Errorf("%w: it ends between parameter sets", errHEVCConfig)
	}
	n := int(binary.BigEndian.Uint16(data))
	data = data[2:]
	if n < 2 || n > len(data) || data[0]>>1&0x3f != typ {
		return nil, fmt.Errorf("%w: a parameter set of %d bytes does not fit or is of the wrong type", errHEVCConfig, n)
	}
	return data[:n], nil
}

// parseHEVCSPS reads the sequence parameter set NAL unit (ITU-T H.265,
// 7.3.2.2.1) as far as the depth of its samples. What stands behind it, the
// shape of pixels and the timing, is far down a long structure and seldom said:
// pixels count as square, and the frame rate is measured.
func parseHEVCSPS(nal []byte) (sps, error) {
	if len(nal) < 4 || len(nal) > maxSPSSize || nal[0]>>1&0x3f != hevcSPS {
		return sps{}, fmt.Errorf("%w: %d bytes, or not one at all", errSPS, len(nal))
	}
	r := readNAL(nal[2:])
	r.Bits(4) // sps_video_parameter_set_id
	layers := int(r.Bits(3))
	r.Bits(1) // sps_temporal_id_nesting_flag
	r.profileTierLevel(layers)
	s := sps{aspect: media.Rational{Num: 1, Den: 1}, id: r.UE()}
	chroma := r.UE()
	if chroma > 3 {
		r.Fail("chroma_format_idc is above 3")
	}
	s.chroma = chroma
	if chroma == 3 && r.Bits(1) == 1 { // separate_colour_plane_flag
		chroma = 0
	}
	width, height := r.UE(), r.UE()
	if max(width, height) > believedSide {
		r.Fail("the picture is too large")
	}
	s.width, s.height = int(width), int(height)
	if r.Bits(1) == 1 { // conformance_window_flag
		r.crop(&s, chroma, 1)
	}
	r.depths(&s)
	if r.Err() != nil {
		return sps{}, fmt.Errorf("%w: %w", errSPS, r.Err())
	}
	if err := checkSize(s.width, s.height); err != nil {
		return sps{}, fmt.Errorf("%w: %w", errSPS, err)
	}
	return s, nil
}

// profileTierLevel skips profile_tier_level (7.3.3); layers is
// maxNumSubLayersMinus1.
func (r *bitReader) profileTierLevel(layers int) {
	const profile, level = 88, 8
	r.Skip(profile + level)
	if layers == 0 {
		return
	}
	flags := r.Bits(16)
	for i := range layers {
		of := flags >> (14 - 2*i)
		if of&2 != 0 { // sub_layer_profile_present_flag
			r.Skip(profile)
		}
		if of&1 != 0 { // sub_layer_level_present_flag
			r.Skip(level)
		}
	}
}

// HEVCUnit is AVCUnit for HEVC; class tells IDR pictures from recovery points.
func HEVCUnit(data []byte, lengthSize int) (unit []byte, class Class, err error) {
	return repack(data, lengthSize, classifyHEVC)
}

func classifyHEVC(nal []byte) Class {
	switch typ := nal[0] >> 1 & 0x3f; {
	case typ == hevcFiller:
		return Filler
	case typ == hevcIDRRADL || typ == hevcIDRNLP:
		return IDR
	case typ >= hevcFirstRAP && typ <= hevcLastRAP:
		return Recovery
	case typ <= hevcLastVCL:
		return Picture
	}
	return Other
}
