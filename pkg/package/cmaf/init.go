package cmaf

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"

	"weir/pkg/media"
)

// trackID is that of the one track of every init segment and chunk.
const trackID = 1

// hashLength is how many bytes of the digest name an init segment in URLs.
const hashLength = 6

var (
	errCodec  = errors.New("CMAF is written for H.264 and AAC only")
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
	if t.Codec == media.H264 {
		return avcEntry(t)
	}
	if t.Codec == media.AAC {
		return aacEntry(t)
	}
	return nil, "", fmt.Errorf("%w, not %s", errCodec, t.Codec)
}

// avcEntry copies the decoder configuration as it is: it came from outside,
// and nothing here needs to understand it (ISO/IEC 14496-15, 5.4.2).
func avcEntry(t *media.Track) (mp4.Box, string, error) {
	if len(t.Config) < 7 {
		return nil, "", fmt.Errorf("%w: it has %d bytes", errConfig, len(t.Config))
	}
	avcC := mp4.CreateUnknownBox("avcC", uint64(8+len(t.Config)), t.Config)
	entry := mp4.CreateVisualSampleEntryBox("avc1", uint16(t.Width), uint16(t.Height), avcC)
	if aspect := t.SampleAspect; aspect.Known() && aspect.Num != aspect.Den {
		entry.AddChild(&mp4.PaspBox{HSpacing: uint32(aspect.Num), VSpacing: uint32(aspect.Den)})
	}
	return entry, fmt.Sprintf("avc1.%02x%02x%02x", t.Config[1], t.Config[2], t.Config[3]), nil
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
