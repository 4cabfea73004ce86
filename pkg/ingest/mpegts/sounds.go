package mpegts

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	codecac3 "github.com/bluenviron/mediacommon/v2/pkg/codecs/ac3"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg1audio"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	codecopus "github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/substructs"

	"weir/pkg/ingest/codec"
	"weir/pkg/media"
)

const (
	aacSamples = 1024
	ac3Samples = 1536
	opusRate   = 48_000
)

// adts is AAC with a header before each frame (ISO/IEC 14496-3, 1.A.2.2).
type adts struct {
	config []byte
	track  *media.Track
}

func (*adts) next(data []byte) int {
	const header = 7
	switch {
	case data[0] != 0xff || len(data) > 1 && data[1]&0xf6 != 0xf0:
		return -1
	case len(data) < header:
		return 0
	}
	size := int(data[3]&3)<<11 | int(data[4])<<3 | int(data[5])>>5
	if size < header {
		return -1
	}
	return size
}

func (a *adts) unit(frame []byte) ([][]byte, *media.Track, int, error) {
	header := 7
	if frame[1]&1 == 0 { // protection_absent
		header += 2
	}
	if len(frame) <= header || frame[6]&3 != 0 {
		return nil, nil, 0, fmt.Errorf("%w: an ADTS frame with %d blocks in %d bytes", errBad, frame[6]&3+1, len(frame))
	}
	object, rate, channels := uint16(frame[2]>>6)+1, uint16(frame[2]>>2&0x0f), uint16(frame[2]&1)<<2|uint16(frame[3]>>6)
	config := binary.BigEndian.AppendUint16(nil, object<<11|rate<<7|channels<<3)
	if !bytes.Equal(config, a.config) {
		track, err := codec.AACTrack(config)
		if err != nil {
			return nil, nil, 0, err
		}
		a.config, a.track = config, track
	}
	return [][]byte{frame[header:]}, a.track, aacSamples, nil
}

// latm is AAC in LOAS with LATM (ISO/IEC 14496-3, 1.7).
type latm struct {
	mux    *mpeg4audio.StreamMuxConfig
	config []byte
	track  *media.Track
}

func (*latm) next(data []byte) int {
	const header = 3
	switch {
	case data[0] != 0x56 || len(data) > 1 && data[1]&0xe0 != 0xe0:
		return -1
	case len(data) < header:
		return 0
	}
	return header + int(binary.BigEndian.Uint16(data[1:])&0x1fff)
}

func (l *latm) unit(frame []byte) ([][]byte, *media.Track, int, error) {
	element := mpeg4audio.AudioMuxElement{MuxConfigPresent: true, StreamMuxConfig: l.mux}
	if err := element.Unmarshal(frame[3:]); err != nil {
		return nil, nil, 0, fmt.Errorf("read LATM: %w", err)
	}
	if l.mux != element.StreamMuxConfig {
		if err := l.configure(element.StreamMuxConfig); err != nil {
			return nil, nil, 0, err
		}
	}
	var all [][]byte
	for _, sub := range element.Payloads {
		if len(sub) > 0 && len(sub[0]) > 0 && len(sub[0][0]) > 0 {
			all = append(all, sub[0][0])
		}
	}
	return all, l.track, aacSamples, nil
}

// configure follows a StreamMuxConfig; encoders repeat theirs.
func (l *latm) configure(mux *mpeg4audio.StreamMuxConfig) error {
	if len(mux.Programs) == 0 || len(mux.Programs[0].Layers) == 0 || mux.Programs[0].Layers[0].AudioSpecificConfig == nil {
		return errors.New("LATM without a configuration")
	}
	config, err := mux.Programs[0].Layers[0].AudioSpecificConfig.Marshal()
	if err != nil {
		return fmt.Errorf("read the configuration in LATM: %w", err)
	}
	if !bytes.Equal(config, l.config) {
		track, err := codec.AACTrack(config)
		if err != nil {
			return err
		}
		l.config, l.track = config, track
	}
	l.mux = mux
	return nil
}

// mp3 is MPEG audio, layer III or II.
type mp3 struct{ track *media.Track }

func (*mp3) next(data []byte) int {
	const enough, layer3 = 5, 3
	switch {
	case data[0] != 0xff || len(data) > 1 && data[1]&0xe0 != 0xe0:
		return -1
	case len(data) < enough:
		return 0
	}
	var header mpeg1audio.FrameHeader
	if header.Unmarshal(data) != nil {
		return -1
	}
	size := header.FrameLen()
	if header.MPEG2 && header.Layer == layer3 {
		size = 72 * header.Bitrate / header.SampleRate // half of the samples of other layers
		if header.Padding {
			size++
		}
	}
	return max(size, enough)
}

func (m *mp3) unit(frame []byte) ([][]byte, *media.Track, int, error) {
	track, err := codec.MP3Track(m.track, frame)
	if err != nil {
		return nil, nil, 0, err
	}
	m.track = track
	return [][]byte{frame}, track, mp3Samples(track), nil
}

// mp3Samples is how many samples a frame lasts.
func mp3Samples(track *media.Track) int {
	if track.SampleRate < 32_000 {
		return 576
	}
	return 1152
}

// ac3 is AC-3.
type ac3 struct{ track *media.Track }

func (*ac3) next(data []byte) int {
	const enough = 5
	switch {
	case data[0] != 0x0b || len(data) > 1 && data[1] != 0x77:
		return -1
	case len(data) < enough:
		return 0
	}
	var header codecac3.SyncInfo
	if header.Unmarshal(data) != nil {
		return -1
	}
	return header.FrameSize()
}

func (a *ac3) unit(frame []byte) ([][]byte, *media.Track, int, error) {
	track, err := codec.AC3Track(a.track, frame)
	if err != nil {
		return nil, nil, 0, err
	}
	a.track = track
	return [][]byte{frame}, track, ac3Samples, nil
}

// opus is Opus with a control header before each packet (ETSI's draft of Opus in
// MPEG-TS, 0.1.3, which encoders follow).
type opus struct {
	track *media.Track
	err   error
}

// newOpus makes the identification header (RFC 7845, 5.1) of the descriptor.
func newOpus(descriptor []byte) *opus {
	var d substructs.OpusAudioDescriptor
	if err := d.Unmarshal(descriptor); err != nil {
		return &opus{err: fmt.Errorf("read the descriptor of Opus: %w", err)}
	}
	const version, gain = 1, 0
	channels := d.ChannelCount()
	header := append([]byte("OpusHead"), version, byte(channels), 0, 0)
	header = binary.LittleEndian.AppendUint32(header, opusRate)
	header = append(header, gain, gain, byte(d.MappingFamily))
	switch {
	case d.MappingFamily > 0:
		header = append(header, byte(d.StreamCount), byte(d.CoupledStreamCount))
		header = append(header, d.ChannelMapping...)
	case channels > 2:
		header[len(header)-1] = 1
		header = append(header, vorbisOrder(channels)...)
	}
	track, err := codec.OpusTrack(header)
	return &opus{track: track, err: err}
}

// vorbisOrder is the number of streams, of coupled ones, and the mapping of 3 to 8
// channels in Vorbis's order (RFC 7845, 5.1.1.2).
func vorbisOrder(channels int) []byte {
	return map[int][]byte{
		3: {2, 1, 0, 2, 1},
		4: {2, 2, 0, 1, 2, 3},
		5: {3, 2, 0, 4, 1, 2, 3},
		6: {4, 2, 0, 4, 1, 2, 3, 5},
		7: {4, 3, 0, 4, 1, 2, 3, 5, 6},
		8: {5, 3, 0, 6, 1, 2, 3, 4, 5, 7},
	}[channels]
}

func (*opus) next(data []byte) int {
	switch {
	case data[0] != 0x7f || len(data) > 1 && data[1]&0xe0 != 0xe0:
		return -1
	case len(data) < 3:
		return 0
	}
	var au substructs.OpusAccessUnit
	size, err := au.Unmarshal(data)
	if err != nil {
		return 0
	}
	return size
}

func (o *opus) unit(frame []byte) ([][]byte, *media.Track, int, error) {
	if o.err != nil {
		return nil, nil, 0, o.err
	}
	var au substructs.OpusAccessUnit
	if _, err := au.Unmarshal(frame); err != nil {
		return nil, nil, 0, fmt.Errorf("read Opus: %w", err)
	}
	return [][]byte{au.Packet}, o.track, int(codecopus.PacketDuration2(au.Packet)), nil
}
