package cmaf

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	mathbits "math/bits"

	"github.com/Eyevinn/mp4ff/av1"
	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"

	"weir/pkg/media"
)

// trackID is that of the one track of every init segment and chunk.
const trackID = 1

// hashLength is how many bytes of the digest name an init segment in URLs.
const hashLength = 6

var (
	errCodec  = errors.New("CMAF is written for H.264, HEVC, AV1 and AAC only")
	errConfig = errors.New("the decoder configuration is incomplete")
)

// NewInit makes the CMAF header of a track: ftyp and moov (7.3.1). Its bytes
// depend on nothing but what the track's decoder needs.
func NewInit(t *media.Track) (*media.Init, error) {
	entry, codecs, err := sampleEntry(t)
	if err != nil {
		return nil, err
	}
	init := mp4.NewMP4Init()
	init.AddChild(mp4.NewFtyp("cmfc", 0, []string{"cmfc", "iso6", "dash"}))
	moov := mp4.NewMoovBox()
	init.AddChild(moov)
	mvhd := mp4.CreateMvhd()
	mvhd.Timescale = uint32(t.Timescale)
	moov.AddChild(mvhd)
	moov.AddChild(mp4.NewMvexBox())
	trak := init.AddEmptyTrack(uint32(t.Timescale), t.Kind.String(), "und")
	trak.Mdia.Minf.Stbl.Stsd.AddChild(entry)
	if t.Kind == media.Video {
		setDisplaySize(trak.Tkhd, t)
	}
	w := bits.NewFixedSliceWriter(int(init.Size()))
	if err := init.EncodeSW(w); err != nil {
		return nil, fmt.Errorf("write the init segment: %w", err)
	}
	digest := sha256.Sum256(w.Bytes())
	return &media.Init{
		Hash: hex.EncodeToString(digest[:hashLength]), Bytes: w.Bytes(),
		Codecs: codecs, Track: t,
	}, nil
}

// sampleEntry describes the track to a decoder, in boxes and in the words of
// RFC 6381.
func sampleEntry(t *media.Track) (entry mp4.Box, codecs string, err error) {
	entries := map[media.Codec]func(*media.Track) (mp4.Box, string, error){
		media.H264: avcEntry, media.HEVC: hevcEntry, media.AV1: av1Entry, media.AAC: aacEntry,
	}
	if describe, known := entries[t.Codec]; known {
		return describe(t)
	}
	return nil, "", fmt.Errorf("%w, not %s", errCodec, t.Codec)
}

// avcEntry is H.264's (ISO/IEC 14496-15, 5.4.2).
func avcEntry(t *media.Track) (mp4.Box, string, error) {
	entry, err := visualEntry("avc1", "avcC", t, 7)
	if err != nil {
		return nil, "", err
	}
	return entry, fmt.Sprintf("avc1.%02x%02x%02x", t.Config[1], t.Config[2], t.Config[3]), nil
}

// hevcEntry is HEVC's (ISO/IEC 14496-15, 8.4.1): parameter sets are in the
// configuration. Annex E.3 spells the codec: the profile, its compatibility
// flags in reverse order, tier and level, then what the constraint bytes say.
func hevcEntry(t *media.Track) (mp4.Box, string, error) {
	const fixed = 23
	entry, err := visualEntry("hvc1", "hvcC", t, fixed)
	if err != nil {
		return nil, "", err
	}
	profile, level := t.Config[1], t.Config[12]
	space := [4]string{"", "A", "B", "C"}[profile>>6]
	tier := [2]string{"L", "H"}[profile>>5&1]
	compatible := mathbits.Reverse32(binary.BigEndian.Uint32(t.Config[2:]))
	codecs := fmt.Appendf(nil, "hvc1.%s%d.%X.%s%d", space, profile&0x1f, compatible, tier, level)
	for _, constraints := range bytes.TrimRight(t.Config[6:12], "\x00") {
		codecs = fmt.Appendf(codecs, ".%X", constraints)
	}
	return entry, string(codecs), nil
}

// av1Entry is AV1's (AV1 in ISO Base Media File Format, 2.2 and 5). What may
// follow the bit depth in the name of the codec has its default: players that
// do not know the long form would refuse it.
func av1Entry(t *media.Track) (mp4.Box, string, error) {
	const fixed = 4
	entry, err := visualEntry("av01", "av1C", t, fixed)
	if err != nil {
		return nil, "", err
	}
	record, err := av1.DecodeAV1CodecConfRec(t.Config)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", errConfig, err)
	}
	return entry, record.CodecString("av01"), nil
}

// visualEntry copies the decoder configuration as it is: it came from outside,
// and nothing here needs to understand it.
func visualEntry(name, config string, t *media.Track, fixed int) (*mp4.VisualSampleEntryBox, error) {
	if len(t.Config) < fixed {
		return nil, fmt.Errorf("%w: it has %d bytes", errConfig, len(t.Config))
	}
	box := mp4.CreateUnknownBox(config, uint64(8+len(t.Config)), t.Config)
	entry := mp4.CreateVisualSampleEntryBox(name, uint16(t.Width), uint16(t.Height), box)
	if aspect := t.SampleAspect; aspect.Known() && aspect.Num != aspect.Den {
		entry.AddChild(&mp4.PaspBox{HSpacing: uint32(aspect.Num), VSpacing: uint32(aspect.Den)})
	}
	return entry, nil
}

// aacEntry carries the real AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
func aacEntry(t *media.Track) (mp4.Box, string, error) {
	if len(t.Config) < 2 {
		return nil, "", fmt.Errorf("%w: it has %d bytes", errConfig, len(t.Config))
	}
	rate := t.SampleRate
	if rate > 0xffff {
		rate = 0 // does not fit the 16.16 field; decoders read the config
	}
	esds := mp4.CreateEsdsBox(t.Config)
	entry := mp4.CreateAudioSampleEntryBox("mp4a", uint16(t.Channels), 16, uint16(rate), esds)
	return entry, fmt.Sprintf("mp4a.40.%d", t.Config[0]>>3), nil
}

// setDisplaySize is the size in square pixels, 16.16 (ISO/IEC 14496-12, 8.3.2).
func setDisplaySize(tkhd *mp4.TkhdBox, t *media.Track) {
	width := t.Width
	if aspect := t.SampleAspect; aspect.Known() {
		width = t.Width * aspect.Num / aspect.Den
	}
	tkhd.Width, tkhd.Height = mp4.Fixed32(uint32(width)<<16), mp4.Fixed32(uint32(t.Height)<<16)
}
