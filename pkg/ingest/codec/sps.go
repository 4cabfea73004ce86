package codec

import (
	"errors"
	"fmt"

	"weir/pkg/media"
)

// maxSPSSize limits a sequence parameter set that is believed.
const maxSPSSize = 1024

// MaxFrameRate is the greatest number of frames per second that is believed.
const MaxFrameRate = 300

// errSPS is wrapped by every error of parseSPS and parseHEVCSPS.
var errSPS = errors.New("invalid sequence parameter set")

// sps is what Weir needs of a sequence parameter set.
type sps struct {
	// width and height are in luma samples, after cropping.
	width, height int
	aspect        media.Rational
	// frameRate is unknown unless the encoder states a plausible one.
	frameRate media.Rational
	// interlaced is true where pictures may be fields (frame_mbs_only_flag 0).
	interlaced bool
	// fullRange is video_full_range_flag; HEVC's is not read.
	fullRange bool
	// id is the number that pictures name it by; chroma is chroma_format_idc, and
	// luma and chromaDepth are bits per sample above 8.
	id, chroma, luma, chromaDepth uint32
}

// parseSPS reads a sequence parameter set NAL unit (ITU-T H.264, 7.3.2.1.1)
// up to the timing in its VUI (E.1.1); nothing behind that matters here. Each
// loop is bounded, whatever the bytes claim.
func parseSPS(nal []byte) (sps, error) {
	if len(nal) < 4 || len(nal) > maxSPSSize || nal[0]&0x1f != nalSPS {
		return sps{}, fmt.Errorf("%w: %d bytes, or not one at all", errSPS, len(nal))
	}
	r := readNAL(nal[1:])
	profile := r.Bits(8)
	r.Bits(16) // Constraints and level.
	s := sps{aspect: media.Rational{Num: 1, Den: 1}, id: r.UE(), chroma: 1}
	chroma := uint32(1)
	if highProfile(profile) {
		chroma = r.chromaFormat(&s)
	}
	r.UE() // log2_max_frame_num_minus4
	r.pictureOrder()
	r.UE()    // max_num_ref_frames
	r.Bits(1) // gaps_in_frame_num_value_allowed_flag
	r.pictureSize(&s, chroma)
	if r.Bits(1) == 1 {
		r.vui(&s)
	}
	if r.Err() != nil {
		return sps{}, fmt.Errorf("%w: %w", errSPS, r.Err())
	}
	if err := checkSize(s.width, s.height); err != nil {
		return sps{}, fmt.Errorf("%w: %w", errSPS, err)
	}
	return s, nil
}

// highProfile reports whether the profile's parameter sets tell the chroma
// format (7.3.2.1.1).
func highProfile(profile uint32) bool {
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		return true
	}
	return false
}

// chromaFormat reads the format and depth of samples. It returns the
// ChromaArrayType, which is 0 where the planes are coded each for itself.
func (r *bitReader) chromaFormat(s *sps) uint32 {
	chroma := r.UE()
	if chroma > 3 {
		r.Fail("chroma_format_idc is above 3")
	}
	s.chroma = chroma
	lists := 8
	if chroma == 3 {
		lists = 12
		if r.Bits(1) == 1 { // separate_colour_plane_flag
			chroma = 0
		}
	}
	r.depths(s)
	r.Bits(1)           // qpprime_y_zero_transform_bypass_flag
	if r.Bits(1) == 1 { // seq_scaling_matrix_present_flag
		for i := range lists {
			if r.Bits(1) == 1 {
				r.scalingList(i)
			}
		}
	}
	return chroma
}

// depths reads bit_depth_luma_minus8 and bit_depth_chroma_minus8.
func (r *bitReader) depths(s *sps) {
	const most = 8
	if s.luma, s.chromaDepth = r.UE(), r.UE(); s.luma > most || s.chromaDepth > most {
		r.Fail("the bit depth is above 16")
	}
}

// scalingList skips one scaling list (7.3.2.1.1.1).
func (r *bitReader) scalingList(index int) {
	size := 16
	if index >= 6 {
		size = 64
	}
	last, next := 8, 8
	for range size {
		if next != 0 {
			next = (last + r.SE() + 256) % 256
		}
		if next != 0 {
			last = next
		}
	}
}

// pictureOrder skips what pic_order_cnt_type brings along.
func (r *bitReader) pictureOrder() {
	switch r.UE() {
	case 0:
		r.UE() // log2_max_pic_order_cnt_lsb_minus4
	case 1:
		r.Bits(1) // delta_pic_order_always_zero_flag
		r.UE()    // offset_for_non_ref_pic, signed as the next: only skipped.
		r.UE()    // offset_for_top_to_bottom_field
		count := r.UE()
		if count > 255 {
			r.Fail("num_ref_frames_in_pic_order_cnt_cycle is above 255")
			return
		}
		for range count {
			r.UE()
		}
	}
}

func (r *bitReader) pictureSize(s *sps, chroma uint32) {
	const most = believedSide / 16
	width, height := r.UE()+1, r.UE()+1
	frames := r.Bits(1) // frame_mbs_only_flag
	if width > most || height > most {
		r.Fail("the picture is too large")
		return
	}
	if frames == 0 {
		s.interlaced = true
		r.Bits(1) // mb_adaptive_frame_field_flag
	}
	r.Bits(1) // direct_8x8_inference_flag
	fields := 2 - int(frames)
	s.width, s.height = 16*int(width), 16*int(height)*fields
	if r.Bits(1) == 1 { // frame_cropping_flag
		r.crop(s, chroma, fields)
	}
}

// crop takes off what is not shown (H.264, 7.4.2.1.1; H.265, 7.4.3.2.1), in units
// of chroma samples; of a field's rows, fields make one.
func (r *bitReader) crop(s *sps, chroma uint32, fields int) {
	unitX, unitY := 1, fields
	if chroma == 1 || chroma == 2 {
		unitX = 2
	}
	if chroma == 1 {
		unitY *= 2
	}
	left, right, top, bottom := r.UE(), r.UE(), r.UE(), r.UE()
	if max(left, right, top, bottom) > believedSide {
		r.Fail("the cropping is larger than the picture")
		return
	}
	s.width -= unitX * int(left+right)
	s.height -= unitY * int(top+bottom)
}

// vui reads the usability information as far as the timing (E.1.1).
func (r *bitReader) vui(s *sps) {
	if r.Bits(1) == 1 { // aspect_ratio_info_present_flag
		s.aspect = r.sampleAspect()
	}
	if r.Bits(1) == 1 { // overscan_info_present_flag
		r.Bits(1)
	}
	if r.Bits(1) == 1 { // video_signal_type_present_flag
		r.Bits(3)                    // video_format
		s.fullRange = r.Bits(1) == 1 // video_full_range_flag
		if r.Bits(1) == 1 {          // colour_description_present_flag
			r.Bits(24)
		}
	}
	if r.Bits(1) == 1 { // chroma_loc_info_present_flag
		r.UE()
		r.UE()
	}
	const timing = 64
	if r.Bits(1) == 0 || r.Left() < timing { // timing_info_present_flag
		return // Some encoders cut their parameter sets short; the size is known.
	}
	tick, scale := r.Bits(timing/2), r.Bits(timing/2)
	s.frameRate = frameRate(scale, tick)
}

// frameRate is time_scale / (2 × num_units_in_tick) in lowest terms, unknown
// if that is no rate a camera or a screen has: variable-rate encoders state
// their clock instead.
func frameRate(scale, tick uint32) media.Rational {
	num, den := uint64(scale), 2*uint64(tick)
	if num == 0 || den == 0 || num < den || num > MaxFrameRate*den {
		return media.Rational{}
	}
	return lowest(num, den)
}

// lowest is num/den in lowest terms; den is not 0.
func lowest(num, den uint64) media.Rational {
	divisor := gcd(num, den)
	return media.Rational{Num: int(num / divisor), Den: int(den / divisor)}
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// sampleAspect reads the sample aspect ratio (table E-1); what is unspecified
// or reserved is square.
func (r *bitReader) sampleAspect() media.Rational {
	const extended = 255
	index := r.Bits(8)
	aspect := media.Rational{}
	known := [...]media.Rational{
		{},
		{Num: 1, Den: 1},
		{Num: 12, Den: 11},
		{Num: 10, Den: 11},
		{Num: 16, Den: 11},
		{Num: 40, Den: 33},
		{Num: 24, Den: 11},
		{Num: 20, Den: 11},
		{Num: 32, Den: 11},
		{Num: 80, Den: 33},
		{Num: 18, Den: 11},
		{Num: 15, Den: 11},
		{Num: 64, Den: 33},
		{Num: 160, Den: 99},
		{Num: 4, Den: 3},
		{Num: 3, Den: 2},
		{Num: 2, Den: 1},
	}
	switch {
	case index == extended:
		aspect = media.Rational{Num: int(r.Bits(16)), Den: int(r.Bits(16))}
	case int(index) < len(known):
		aspect = known[index]
	}
	if !aspect.Known() {
		return media.Rational{Num: 1, Den: 1}
	}
	return lowest(uint64(aspect.Num), uint64(aspect.Den))
}
