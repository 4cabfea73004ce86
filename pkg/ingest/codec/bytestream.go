package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"weir/pkg/media"
)

const (
	// maxSets is how many parameter sets of a kind are kept; encoders use one.
	maxSets = 8
	// maxNALs is how many NAL units an access unit may have: a slice for each
	// row of macroblocks of the largest picture, and messages.
	maxNALs = 2048
	nalAUD  = 9
	hevcAUD = 35
)

// ErrNoKeyframe is returned for pictures before the first that decoding can start
// at, which is nobody's fault.
var ErrNoKeyframe = errors.New("a picture before the first keyframe")

// ByteStream makes access units of H.264 or HEVC that comes in byte stream
// format (annex B of both), where parameter sets stand between the pictures. It
// is used by one goroutine.
type ByteStream struct {
	hevc  bool
	track *media.Track
	// sets are the parameter sets by kind: of H.264, sequence and picture; of
	// HEVC video, sequence and picture.
	sets []parameterKind
	// changed is true where they are not those of track.
	changed bool
	nals    [][]byte
}

// parameterKind are the last parameter sets of one kind, in the order in which
// their numbers came first.
type parameterKind struct {
	typ  byte
	ids  []uint32
	sets [][]byte
}

// NewByteStream is for media.H264 or media.HEVC.
func NewByteStream(codec media.Codec) *ByteStream {
	if codec == media.HEVC {
		return &ByteStream{hevc: true, sets: []parameterKind{{typ: hevcVPS}, {typ: hevcSPS}, {typ: hevcPPS}}}
	}
	return &ByteStream{sets: []parameterKind{{typ: nalSPS}, {typ: nalPPS}}}
}

// Push makes an access unit of the bytes of one picture. Its Track is a new one
// at the first picture that decoding can start at, and at such a picture with
// other parameters; there is none before. random is true where the protocol marks
// the picture as one that decoding can start at. Times are for the caller to set;
// data is not kept. An error costs the picture and no more.
func (b *ByteStream) Push(data []byte, random bool) (media.AccessUnit, error) {
	if err := b.split(data); err != nil {
		return media.AccessUnit{}, err
	}
	class, size := Filler, 0
	for _, nal := range b.nals {
		class = max(class, b.classify(nal))
		if err := b.learn(nal); err != nil {
			return media.AccessUnit{}, err
		}
		size += 4 + len(nal)
	}
	if class < Picture {
		return media.AccessUnit{}, fmt.Errorf("%w: it holds no picture", errNALs)
	}
	out := media.AccessUnit{Sync: class == IDR, Recovery: class == Recovery || random && class == Picture}
	if out.Enters() && (b.changed || b.track == nil) {
		if err := b.configure(); err != nil {
			return media.AccessUnit{}, err
		}
	}
	if b.track == nil {
		return media.AccessUnit{}, ErrNoKeyframe
	}
	out.Track = b.track
	out.Data = b.join(make([]byte, 0, size), out.Enters())
	return out, nil
}

// split finds the NAL units of data, which they are parts of (ITU-T H.264, B.1).
func (b *ByteStream) split(data []byte) error {
	b.nals = b.nals[:0]
	code := []byte{0, 0, 1}
	at := bytes.Index(data, code)
	if at < 0 {
		return fmt.Errorf("%w: no start code in %d bytes", errNALs, len(data))
	}
	for data = data[at+3:]; ; {
		nal := data
		next := bytes.Index(data, code)
		if next >= 0 {
			nal = data[:next]
		}
		if nal = bytes.TrimRight(nal, "\x00"); len(nal) > 0 {
			b.nals = append(b.nals, nal)
		}
		if next < 0 {
			return nil
		}
		if len(b.nals) > maxNALs {
			return fmt.Errorf("%w: more than %d NAL units", errNALs, maxNALs)
		}
		data = data[next+3:]
	}
}

func (b *ByteStream) classify(nal []byte) Class {
	if b.hevc {
		return classifyHEVC(nal)
	}
	return classifyAVC(nal)
}

func (b *ByteStream) nalType(nal []byte) byte {
	if b.hevc {
		return nal[0] >> 1 & 0x3f
	}
	return nal[0] & 0x1f
}

// kind is that of a parameter set, nil for what is none.
func (b *ByteStream) kind(nal []byte) *parameterKind {
	typ := b.nalType(nal)
	for i := range b.sets {
		if b.sets[i].typ == typ {
			return &b.sets[i]
		}
	}
	return nil
}

// learn keeps a parameter set.
func (b *ByteStream) learn(nal []byte) error {
	kind := b.kind(nal)
	if kind == nil {
		return nil
	}
	id, err := b.number(nal)
	if err != nil {
		return err
	}
	i := slices.Index(kind.ids, id)
	switch {
	case i < 0 && len(kind.ids) == maxSets:
		return fmt.Errorf("%w: more than %d parameter sets of a kind", errNALs, maxSets)
	case i < 0:
		kind.ids, kind.sets = append(kind.ids, id), append(kind.sets, bytes.Clone(nal))
	case bytes.Equal(kind.sets[i], nal):
		return nil
	default:
		kind.sets[i] = bytes.Clone(nal)
	}
	b.changed = true
	return nil
}

// number is what pictures and other parameter sets name a parameter set by.
func (b *ByteStream) number(nal []byte) (uint32, error) {
	if len(nal) > maxSPSSize {
		return 0, fmt.Errorf("%w: a parameter set of %d bytes", errNALs, len(nal))
	}
	switch b.nalType(nal) {
	case hevcSPS:
		s, err := parseHEVCSPS(nal)
		return s.id, err
	case nalSPS:
		s, err := parseSPS(nal)
		return s.id, err
	case hevcVPS:
		return uint32(nal[min(2, len(nal)-1)] >> 4), nil
	case hevcPPS:
		return firstCode(nal[min(2, len(nal)):])
	}
	return firstCode(nal[1:])
}

// firstCode is what a picture parameter set begins with: its number.
func firstCode(payload []byte) (uint32, error) {
	r := readNAL(payload)
	id := r.UE()
	if r.Err() != nil {
		return 0, fmt.Errorf("%w: the number of a picture parameter set: %w", errNALs, r.Err())
	}
	return id, nil
}

// configure makes a track of the parameter sets.
func (b *ByteStream) configure() error {
	for _, kind := range b.sets {
		if len(kind.sets) == 0 {
			return fmt.Errorf("%w: a keyframe before its parameter sets", errNALs)
		}
	}
	build, read := avcConfig, AVCTrack
	if b.hevc {
		build, read = hevcConfig, HEVCTrack
	}
	record, err := build(b.sets)
	if err != nil {
		return err
	}
	track, _, err := read(record)
	if err != nil {
		return err
	}
	b.changed = false
	if b.track == nil || !bytes.Equal(b.track.Config, track.Config) {
		b.track = track
	}
	return nil
}

// join appends the NAL units that an access unit keeps: no delimiters, no
// filler, and no parameter sets where the track has just got them.
func (b *ByteStream) join(out []byte, enters bool) []byte {
	for _, nal := range b.nals {
		typ := b.nalType(nal)
		if b.classify(nal) == Filler || typ == nalAUD && !b.hevc || typ == hevcAUD && b.hevc || enters && b.kind(nal) != nil {
			continue
		}
		out = binary.BigEndian.AppendUint32(out, uint32(len(nal)))
		out = append(out, nal...)
	}
	return out
}

// avcConfig builds an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1).
func avcConfig(kinds []parameterKind) ([]byte, error) {
	first := kinds[0].sets[0]
	s, err := parseSPS(first)
	if err != nil {
		return nil, err
	}
	record := []byte{1, first[1], first[2], first[3], 0xff, 0xe0 | byte(len(kinds[0].sets))}
	record = appendSets(record, kinds[0].sets)
	record = append(record, byte(len(kinds[1].sets)))
	record = appendSets(record, kinds[1].sets)
	if highProfile(uint32(first[1])) {
		record = append(record, 0xfc|byte(s.chroma), 0xf8|byte(s.luma), 0xf8|byte(s.chromaDepth), 0)
	}
	return record, nil
}

// hevcConfig builds an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15,
// 8.3.3.1). Its profile, tier and level are 12 bytes of the sequence parameter
// set, as they stand there.
func hevcConfig(kinds []parameterKind) ([]byte, error) {
	const header, level, complete = 2 + 1, 12, 0x80
	first := kinds[1].sets[0]
	s, err := parseHEVCSPS(first)
	if err != nil {
		return nil, err
	}
	raw := unescape(first)
	layers, nested := raw[2]>>1&7+1, raw[2]&1
	record := append([]byte{1}, raw[header:header+level]...)
	record = append(record, 0xf0, 0, 0xfc, 0xfc|byte(s.chroma), 0xf8|byte(s.luma), 0xf8|byte(s.chromaDepth),
		0, 0, layers<<3|nested<<2|3, byte(len(kinds)))
	for _, kind := range kinds {
		record = append(record, complete|kind.typ)
		record = binary.BigEndian.AppendUint16(record, uint16(len(kind.sets)))
		record = appendSets(record, kind.sets)
	}
	return record, nil
}

func appendSets(record []byte, sets [][]byte) []byte {
	for _, set := range sets {
		record = binary.BigEndian.AppendUint16(record, uint16(len(set)))
		record = append(record, set...)
	}
	return record
}
