package verify

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/Eyevinn/mp4ff/av1"
	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/hevc"
	"github.com/Eyevinn/mp4ff/mp4"
)

var errBoxes = errors.New("not the boxes of CMAF")

// boxHeader is the size of a box's length and type, in bytes.
const boxHeader = 8

// parseInit reads an init segment; what is wrong with it is its fault.
func parseInit(data []byte) *initSegment {
	i, err := readInit(data)
	if err != nil {
		return &initSegment{fault: err.Error()}
	}
	return i
}

func readInit(data []byte) (i *initSegment, err error) {
	defer guarded(&err)
	file, err := decode(data)
	if err != nil {
		return nil, err
	}
	if file.Init == nil || file.Init.Moov == nil || len(file.Init.Moov.Traks) == 0 {
		return nil, fmt.Errorf("%w: an init segment without moov and trak", errBoxes)
	}
	moov := file.Init.Moov
	trak := moov.Traks[0]
	i = &initSegment{
		tracks: len(moov.Traks), trackID: trak.Tkhd.TrackID, handler: trak.Mdia.Hdlr.HandlerType,
		timescale: trak.Mdia.Mdhd.Timescale, editList: trak.Edts != nil,
	}
	if i.timescale == 0 {
		return nil, fmt.Errorf("%w: timescale 0", errBoxes)
	}
	if moov.Mvex != nil {
		i.trex = moov.Mvex.Trex
	}
	switch entry := trak.Mdia.Minf.Stbl.Stsd; {
	case entry.AvcX != nil:
		c := entry.AvcX.AvcC.DecConfRec
		i.codecs = fmt.Sprintf("%s.%02x%02x%02x", entry.AvcX.Type(), c.AVCProfileIndication, c.ProfileCompatibility, c.AVCLevelIndication)
		i.width, i.height = int(entry.AvcX.Width), int(entry.AvcX.Height)
	case entry.HvcX != nil:
		var sps *hevc.SPS
		if sps, err = hevc.ParseSPSNALUnit(entry.HvcX.HvcC.GetNalusForType(hevc.NALU_SPS)[0]); err != nil {
			return nil, fmt.Errorf("read the sequence parameter set: %w", err)
		}
		i.codecs = hevc.CodecString(entry.HvcX.Type(), sps)
		i.width, i.height = int(entry.HvcX.Width), int(entry.HvcX.Height)
	case entry.Av01 != nil:
		if i.sequence, err = entry.Av01.Av1C.SequenceHeader(); err != nil {
			return nil, fmt.Errorf("read the sequence header: %w", err)
		}
		i.codecs = entry.Av01.Av1C.CodecString(entry.Av01.Type())
		i.width, i.height = int(entry.Av01.Width), int(entry.Av01.Height)
	case entry.Mp4a != nil:
		i.codecs = fmt.Sprintf("mp4a.40.%d", entry.Mp4a.Esds.DecConfigDescriptor.DecSpecificInfo.DecConfig[0]>>3)
		i.channels = int(entry.Mp4a.ChannelCount)
	}
	return i, nil
}

// decode reads boxes, having made sure that none claims more than there is.
func decode(data []byte) (*mp4.File, error) {
	for rest := data; len(rest) > 0; {
		if len(rest) < boxHeader {
			return nil, fmt.Errorf("%w: %d bytes after the last box", errBoxes, len(rest))
		}
		size := binary.BigEndian.Uint32(rest)
		if size < boxHeader || int64(size) > int64(len(rest)) {
			return nil, fmt.Errorf("%w: a box %q of %d bytes where %d are left", errBoxes, rest[4:8], size, len(rest))
		}
		rest = rest[size:]
	}
	file, err := mp4.DecodeFile(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read the boxes: %w", err)
	}
	return file, nil
}

// parseSegment reads a media segment that init decodes; init may be nil.
func parseSegment(data []byte, init *initSegment) *segment {
	s, err := readSegment(data, init)
	if err != nil {
		return &segment{fault: err.Error(), size: len(data)}
	}
	s.size = len(data)
	return s
}

func readSegment(data []byte, init *initSegment) (s *segment, err error) {
	defer guarded(&err)
	file, err := decode(data)
	if err != nil {
		return nil, err
	}
	s = &segment{}
	for _, part := range file.Segments {
		for _, fragment := range part.Fragments {
			c, err := chunkOf(fragment, init)
			if err != nil {
				return nil, fmt.Errorf("chunk %d: %w", len(s.chunks), err)
			}
			s.chunks = append(s.chunks, c)
		}
	}
	if len(s.chunks) == 0 {
		return nil, fmt.Errorf("%w: a segment without moof", errBoxes)
	}
	return s, nil
}

func chunkOf(fragment *mp4.Fragment, init *initSegment) (c chunk, err error) {
	moof := fragment.Moof
	if moof == nil || fragment.Mdat == nil || len(moof.Trafs) != 1 {
		return c, fmt.Errorf("%w: a chunk has to be moof with one traf, and mdat", errBoxes)
	}
	traf := moof.Traf
	if traf.Tfdt == nil || len(traf.Truns) == 0 {
		return c, fmt.Errorf("%w: no tfdt or no trun", errBoxes)
	}
	c = chunk{
		sequence: moof.Mfhd.SequenceNumber, trackID: traf.Tfhd.TrackID, baseIsMoof: traf.Tfhd.DefaultBaseIfMoof(),
		trunVersion: traf.Trun.Version, start: traf.Tfdt.BaseMediaDecodeTime(),
	}
	var trex *mp4.TrexBox
	if init != nil && init.trackID == c.trackID {
		trex = init.trex
	}
	samples, err := fragment.GetFullSamples(trex)
	if err != nil {
		return c, fmt.Errorf("read the samples: %w", err)
	}
	if len(samples) == 0 {
		return c, fmt.Errorf("%w: a chunk without samples", errBoxes)
	}
	for i := range samples {
		c.duration += uint64(samples[i].Dur)
	}
	first := &samples[0]
	c.lead = int(moof.StartPos+moof.Size()) + boxHeader + len(first.Data)
	c.offset, c.sync = first.CompositionTimeOffset, first.IsSync()
	if init.isVideo() {
		c.idr = init.enters(first.Data)
	}
	return c, nil
}

// enters reports whether a sample begins with a picture that needs none before
// it: an IDR picture, or a key frame of AV1 that is shown.
func (i *initSegment) enters(sample []byte) bool {
	switch {
	case i.sequence != nil:
		enters, err := av1.IsRAPSample(sample, i.sequence)
		return enters && err == nil
	case strings.HasPrefix(i.codecs, "h"):
		return hevc.IsIDRSample(sample)
	}
	return hasIDR(sample)
}

// hasIDR reports whether an access unit in AVCC form has a slice of an IDR
// picture.
func hasIDR(unit []byte) bool {
	units, err := avc.GetNalusFromSample(unit)
	if err != nil {
		return false
	}
	for _, u := range units {
		if len(u) > 0 && avc.GetNaluType(u[0]) == avc.NALU_IDR {
			return true
		}
	}
	return false
}
