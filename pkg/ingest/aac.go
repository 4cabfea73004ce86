package ingest

import (
	"errors"
	"fmt"

	"weir/pkg/ingest/bitstream"
	"weir/pkg/media"
)

// aacFrame is how many samples of each channel one AAC frame holds, where
// frameLengthFlag does not say 960.
const aacFrame = 1024

// Audio object types of ISO/IEC 14496-3, table 1.17, that need naming here.
const (
	objectMain    = 1
	objectLC      = 2
	objectSBR     = 5
	objectER      = 17
	objectER22    = 22
	objectER23    = 23
	objectPS      = 29
	objectEscape  = 31
	escapedObject = 32
)

// maxSampleRate bounds an explicit sampling rate; ISO/IEC 14496-3 leaves 24
// bits for it, nobody publishes above 192 kHz.
const maxSampleRate = 192_000

// AudioConfig is what an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) says.
type AudioConfig struct {
	// ObjectType is the coding tool of the core: 2 for AAC-LC, also below
	// HE-AAC.
	ObjectType int
	// SampleRate is the core's, in Hz: one frame is FrameLength samples at
	// this rate. It is what media.Track.SampleRate should say.
	SampleRate int
	// Channels counts speakers; 0 where a program config element inside the
	// config or the stream describes them, which Weir does not read.
	Channels int
	// FrameLength is 1024 or 960 samples.
	FrameLength int
	// SBR and PS are true where the config signals HE-AAC or HE-AAC v2
	// explicitly; ExtensionRate is then the rate after SBR in Hz, else 0.
	SBR, PS       bool
	ExtensionRate int
}

// errAudioConfig is wrapped by every error of ParseAudioConfig.
var errAudioConfig = errors.New("invalid AAC AudioSpecificConfig")

// ParseAudioConfig reads an AudioSpecificConfig. It reads at most the first
// few bytes, never more than it is given, and refuses reserved values.
func ParseAudioConfig(config []byte) (AudioConfig, error) {
	r := configReader{bitstream.NewReader(config)}
	c := AudioConfig{FrameLength: aacFrame}
	c.ObjectType = r.objectType()
	c.SampleRate = r.sampleRate()
	layout := r.Bits(4)
	if c.ObjectType == objectSBR || c.ObjectType == objectPS {
		c.SBR, c.PS = true, c.ObjectType == objectPS
		c.ExtensionRate = r.sampleRate()
		c.ObjectType = r.objectType()
		if c.ObjectType == objectER22 {
			r.Bits(4)
		}
	}
	if r.Err() != nil {
		return AudioConfig{}, fmt.Errorf("%w: %w", errAudioConfig, r.Err())
	}
	channels, ok := layoutChannels(layout)
	if !ok {
		return AudioConfig{}, fmt.Errorf("%w: channelConfiguration %d is reserved", errAudioConfig, layout)
	}
	c.Channels = channels
	if generalAudio(c.ObjectType) {
		c.readGeneralAudio(&r, layout)
	}
	return c, nil
}

// readGeneralAudio reads GASpecificConfig (ISO/IEC 14496-3, 4.4.1) and the
// backward compatible signalling of SBR and PS behind it. Encoders are known
// to leave out the end; what is not there counts as 0.
func (c *AudioConfig) readGeneralAudio(r *configReader, layout uint32) {
	if r.Bits(1) == 1 {
		c.FrameLength = 960
	}
	if r.Bits(1) == 1 { // dependsOnCoreCoder
		r.Bits(14)
	}
	extension := r.Bits(1) == 1
	if layout == 0 || extension || c.SBR {
		return // The rest is a PCE or error resilience: nothing more for us.
	}
	const syncExtension, syncPS = 0x2b7, 0x548
	if r.Bits(11) != syncExtension || r.objectType() != objectSBR || r.Bits(1) != 1 {
		return
	}
	rate := r.sampleRate()
	if r.Err() != nil {
		return
	}
	c.SBR, c.ExtensionRate = true, rate
	c.PS = r.Bits(11) == syncPS && r.Bits(1) == 1
}

// PlainLC reports whether the config is AAC-LC, mono or stereo, in frames of
// 1024 samples: what every player decodes as it is.
func (c AudioConfig) PlainLC() bool {
	return c.ObjectType == objectLC && c.FrameLength == aacFrame && !c.SBR &&
		(c.Channels == 1 || c.Channels == 2)
}

// PlainAAC reports whether t is audio that every player decodes as it is:
// AAC-LC, mono or stereo. Other audio has to be encoded.
func PlainAAC(t *media.Track) bool {
	if t.Kind != media.Audio || t.Codec != media.AAC {
		return false
	}
	c, err := ParseAudioConfig(t.Config)
	return err == nil && c.PlainLC() && c.SampleRate == t.SampleRate
}

// LCConfig is the AudioSpecificConfig of AAC-LC at rate Hz, for 1 to 6
// channels.
func LCConfig(rate, channels int) []byte {
	for index, listed := range sampleRates() {
		if listed == rate {
			bits := objectLC<<11 | index<<7 | channels<<3
			return []byte{byte(bits >> 8), byte(bits)}
		}
	}
	bits := uint64(objectLC)<<35 | 15<<31 | uint64(rate)<<7 | uint64(channels)<<3
	return []byte{byte(bits >> 32), byte(bits >> 24), byte(bits >> 16), byte(bits >> 8), byte(bits)}
}

// generalAudio reports whether GASpecificConfig follows (table 1.15).
func generalAudio(object int) bool {
	return object >= objectMain && object <= 4 || object == 6 || object == 7 ||
		object == objectER || object >= 19 && object <= objectER23
}

// layoutChannels is the number of speakers of a channelConfiguration (table
// 1.19 and its amendments).
func layoutChannels(layout uint32) (channels int, ok bool) {
	channels = [16]int{0, 1, 2, 3, 4, 5, 6, 8, -1, -1, -1, 7, 8, 24, 8, -1}[layout]
	return channels, channels >= 0
}

// sampleRates is in the order of samplingFrequencyIndex (table 1.18).
func sampleRates() [13]int {
	return [13]int{
		96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000,
		22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
	}
}

// configReader reads what stands more than once in an AudioSpecificConfig.
type configReader struct{ bitstream.Reader }

func (r *configReader) objectType() int {
	object := r.Bits(5)
	if object == objectEscape {
		object = escapedObject + r.Bits(6)
	}
	if object == 0 {
		r.Fail("the object type is missing")
	}
	return int(object)
}

func (r *configReader) sampleRate() int {
	index := r.Bits(4)
	rates := sampleRates()
	rate := 0
	switch {
	case index == 15:
		rate = int(r.Bits(24))
	case int(index) < len(rates):
		rate = rates[index]
	}
	if rate <= 0 || rate > maxSampleRate {
		r.Fail("the sampling rate is impossible")
	}
	return rate
}
