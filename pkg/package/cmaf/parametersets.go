package cmaf

import (
	"encoding/binary"

	"weir/pkg/media"
)

// Types of H.264 NAL units (ITU-T H.264, table 7-1).
const (
	nalSPS       = 7
	nalDelimiter = 9
)

// WithParameterSets is a chunk that opens a segment of H.264 with the track's
// parameter sets before its first picture, in pieces that follow each other. The
// chunk's bytes are shared, not copied. A picture that brings its own stays as it is,
// and so does what is no chunk of this package's.
//
// The sample entry has them, and for avc1 that is where they belong (ISO/IEC
// 14496-15, 5.4.2.1). But who reads a playlist with several init segments through
// one demuxer, as FFmpeg does, keeps those of the first, and cannot decode the
// others' pictures.
func WithParameterSets(chunk []byte, t *media.Track) (pieces [][]byte) {
	whole := [][]byte{chunk}
	sets, lengthSize, ok := parameterSets(t)
	if !ok {
		return whole
	}
	at, ok := layout(chunk)
	if !ok {
		return whole
	}
	begin, has := beforePicture(chunk[at.payload:at.payload+at.first], lengthSize)
	if has {
		return whole
	}
	head := make([]byte, at.payload, at.payload+begin+len(sets))
	copy(head, chunk)
	grow := func(at int) {
		binary.BigEndian.PutUint32(head[at:], binary.BigEndian.Uint32(head[at:])+uint32(len(sets)))
	}
	grow(at.size)
	grow(at.mdat)
	head = append(head, chunk[at.payload:at.payload+begin]...)
	return [][]byte{append(head, sets...), chunk[at.payload+begin:]}
}

// places are where things are in a chunk of newChunk: the size of the first sample in
// trun, the box mdat and what is in it, of which first bytes are the first sample.
type places struct{ size, mdat, payload, first int }

func layout(chunk []byte) (p places, ok bool) {
	moof := 0
	if len(chunk) >= prftSize && string(chunk[4:8]) == "prft" {
		moof = prftSize
	}
	entry := moof + boxHeader + mfhdSize + boxHeader + tfhdSize + tfdtSize + trunHeader
	if len(chunk) < entry+trunEntry || string(chunk[moof+4:moof+8]) != "moof" {
		return places{}, false
	}
	p = places{size: entry + 4, mdat: moof + int(binary.BigEndian.Uint32(chunk[moof:]))}
	p.payload, p.first = p.mdat+boxHeader, int(binary.BigEndian.Uint32(chunk[p.size:]))
	return p, len(chunk) >= p.payload+p.first
}

// beforePicture is where parameter sets go in a sample: after its delimiter, if it
// has one. Has is true where they are there.
func beforePicture(sample []byte, lengthSize int) (begin int, has bool) {
	for at := 0; at+lengthSize < len(sample); {
		length := 0
		for _, b := range sample[at : at+lengthSize] {
			length = length<<8 | int(b)
		}
		end := at + lengthSize + length
		if length == 0 || end > len(sample) {
			return begin, false
		}
		switch sample[at+lengthSize] & 0x1f {
		case nalSPS:
			return begin, true
		case nalDelimiter:
			begin = end
		}
		at = end
	}
	return begin, false
}

// parameterSets are those of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15,
// 5.3.3.1.2), as NAL units with the length that samples have.
func parameterSets(t *media.Track) (sets []byte, lengthSize int, ok bool) {
	if t.Codec != media.H264 || len(t.Config) < 6 {
		return nil, 0, false
	}
	lengthSize = int(t.Config[4]&3) + 1
	rest := t.Config[5:]
	for _, mask := range []byte{0x1f, 0xff} { // SPS, then PPS
		if len(rest) == 0 {
			return nil, 0, false
		}
		count := int(rest[0] & mask)
		rest = rest[1:]
		for range count {
			if len(rest) < 2 {
				return nil, 0, false
			}
			length := int(binary.BigEndian.Uint16(rest))
			if len(rest) < 2+length || length >= 1<<(8*min(lengthSize, 3)) {
				return nil, 0, false
			}
			for shift := lengthSize - 1; shift >= 0; shift-- {
				sets = append(sets, byte(length>>(8*shift)))
			}
			sets = append(sets, rest[2:2+length]...)
			rest = rest[2+length:]
		}
	}
	return sets, lengthSize, len(sets) > 0
}
