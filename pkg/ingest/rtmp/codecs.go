package rtmp

import (
	"fmt"

	"weir/pkg/ingest"
)

// videoCodec is a codec of FLV video in words for the creator.
type videoCodec string

const codecAVC videoCodec = "H.264"

// legacyVideoCodec names a CodecID (E.4.3.1); 12 and 13 are a wide-spread
// extension.
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
		return "HEVC (H.265)"
	case 13:
		return "AV1"
	}
	return videoCodec(fmt.Sprintf("of an unknown kind (FLV codec %d)", id))
}

// namedVideoCodec names a FourCC of Enhanced RTMP.
func namedVideoCodec(fourCC string) videoCodec {
	switch fourCC {
	case "avc1":
		return codecAVC
	case "hvc1":
		return "HEVC (H.265)"
	case "av01":
		return "AV1"
	case "vp09":
		return "VP9"
	case "vp08":
		return "VP8"
	}
	return videoCodec(fmt.Sprintf("of an unknown kind (%q)", printable(fourCC)))
}

func (c videoCodec) rejection() error {
	return &ingest.Rejection{
		Reason: ingest.UnsupportedCodec,
		Message: fmt.Sprintf("The video is %s; Weir takes H.264. In OBS: Settings, Output, Streaming, "+
			"Video Encoder: choose one with H.264 (or x264) in its name.", string(c)),
	}
}

// audioCodec is a codec of FLV audio in words for the creator.
type audioCodec string

const (
	codecAAC audioCodec = "AAC"
	codecMP3 audioCodec = "MP3"
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
		return "Opus"
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
		return "Opus"
	case "fLaC":
		return "FLAC"
	case "ac-3":
		return "AC-3"
	case "ec-3":
		return "E-AC-3"
	}
	return audioCodec(fmt.Sprintf("of an unknown kind (%q)", printable(fourCC)))
}

func (c audioCodec) rejection() error {
	return &ingest.Rejection{
		Reason: ingest.UnsupportedCodec,
		Message: fmt.Sprintf("The audio is %s; Weir takes AAC and MP3. In OBS: Settings, Output, Streaming, "+
			"Audio Encoder: choose one with AAC in its name.", string(c)),
	}
}
