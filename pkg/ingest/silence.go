package ingest

import "weir/pkg/media"

// SilentTrack is the audio of a stream that has none, at a sampling rate.
func SilentTrack(rate int) *media.Track {
	const channels = 2
	return &media.Track{
		Kind: media.Audio, Codec: media.AAC, Timescale: media.Timescale(rate),
		Config: LCConfig(rate, channels), SampleRate: rate, Channels: channels,
	}
}

// SilentFrame is one AAC-LC raw_data_block of digital silence; channels is 1
// or 2. It holds one scale factor band of zeros and so fits every sampling
// rate. The caller may keep it but not write to it.
//
// Bit by bit (ISO/IEC 14496-3, 4.4.2.1): one single_channel_element, or one
// channel_pair_element with a common window, a long window with max_sfb 1, the
// zero codebook for it, no pulse, no TNS, no gain control, ID_END. These are
// the bytes that common encoders write for silence, which old hardware
// decoders have seen before.
func SilentFrame(channels int) []byte {
	if channels == 1 {
		return []byte{0x00, 0xc8, 0x00, 0x80, 0x23, 0x80}
	}
	return []byte{0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80}
}
