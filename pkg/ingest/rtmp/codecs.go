package rtmp

import (
	"fmt"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// videoCodec is a codec of FLV video in words for the creator.
type videoCodec string

// The codecs that Weir takes.
const (
	codecAVC  videoCodec = "H.264"
	codecHEVC videoCodec = "HEVC (H.265)"
	codecAV1  videoCodec = "AV1"
)

// legacyVideoCodec names a CodecID (E.4.3.1); 12 and 13 are wide-spread
// extensions. The first has the form of AVC, the other is not one form.
func legacyVideoCodec(id byte) videoCodec {
	switch id {
	case 2:
		return "Sorenson H.263"
	case 3, 6:
		return "Screen Video"
	case 4, 5:
		return "VP6"
	case 7:
		return codecAVC
	case 12:
		return codecHEVC
	case 13:
		return "AV1 in a private form (FLV codec 13)"
	}
	return videoCodec(fmt.Sprintf("of an unknown kind (FLV codec %d)", id))
}

// namedVideoCodec names a FourCC of Enhanced RTMP.
func namedVideoCodec(fourCC string) videoCodec {
	switch fourCC {
	case "avc1":
		return codecAVC
	case "hvc1":
		return codecHEVC
	case "av01":
		return codecAV1
	case "vp09":
		return "VP9"
	case "vp08":
		return "VP8"
	case "vvc1":
		return "VVC (H.266)"
	}
	return videoCodec(fmt.Sprintf("of an unknown kind (%q)", printable(fourCC)))
}

// media is the codec's name beyond FLV, empty for those that Weir does not take.
func (c videoCodec) media() media.Codec {
	switch c {
	case codecAVC:
		return media.H264
	case codecHEVC:
		return media.HEVC
	case codecAV1:
		return media.AV1
	}
	return ""
}

// accepted reports whether Weir takes the codec.
func (c videoCodec) accepted() bool { return c.media() != "" }

func (c videoCodec) rejection() error {
	return &ingest.Rejection{
		Reason: ingest.UnsupportedCodec,
		Message: fmt.Sprintf("The video is %s; Weir takes H.264, HEVC and AV1. In OBS: Settings, Output, Streaming, "+
			"Video Encoder: choose one with H.264 (or x264) in its name.", string(c)),
	}
}

// audioCodec is a codec of FLV audio in words for the creator.
type audioCodec string

// The codecs that Weir takes.
const (
	codecAAC  audioCodec = "AAC"
	codecMP3  audioCodec = "MP3"
	codecOpus audioCodec = "Opus"
	codecFLAC audioCodec = "FLAC"
	codecAC3  audioCodec = "AC-3"
)

// legacyAudioCodec names a SoundFormat (E.4.2.1); 13 is a wide-spread
// extension.
func legacyAudioCodec(format byte) audioCodec {
	switch format {
	case 0, 3:
		return "uncompressed PCM"
	case 1:
		return "ADPCM"
	case 2, 14:
		return codecMP3
	case 4, 5, 6:
		return "Nellymoser"
	case 7, 8:
		return "G.711"
	case 10:
		return codecAAC
	case 11:
		return "Speex"
	case 13:
		return "Opus in a private form (FLV format 13)"
	}
	return audioCodec(fmt.Sprintf("of an unknown kind (FLV format %d)", format))
}

// namedAudioCodec names a FourCC of Enhanced RTMP.
func namedAudioCodec(fourCC string) audioCodec {
	switch fourCC {
	case "mp4a":
		return codecAAC
	case ".mp3":
		return codecMP3
	case "Opus":
		return codecOpus
	case "fLaC":
		return codecFLAC
	case "ac-3":
		return codecAC3
	case "ec-3":
		return "E-AC-3"
	}
	return audioCodec(fmt.Sprintf("of an unknown kind (%q)", printable(fourCC)))
}

// media is the codec's name beyond FLV, empty for those that Weir does not take.
func (c audioCodec) media() media.Codec {
	switch c {
	case codecAAC:
		return media.AAC
	case codecMP3:
		return media.MP3
	case codecOpus:
		return media.Opus
	case codecFLAC:
		return media.FLAC
	case codecAC3:
		return media.AC3
	}
	return ""
}

func (c audioCodec) rejection() error {
	return &ingest.Rejection{
		Reason: ingest.UnsupportedCodec,
		Message: fmt.Sprintf("The audio is %s; Weir takes AAC, MP3, Opus, FLAC and AC-3. In OBS: Settings, Output, Streaming, "+
			"Audio Encoder: choose one with AAC in its name.", string(c)),
	}
}
