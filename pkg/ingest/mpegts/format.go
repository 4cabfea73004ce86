package mpegts

import (
	"fmt"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// format is what a track is coded in.
type format struct {
	// kind is 0 for what is neither video nor audio: subtitles, cues, data.
	kind media.Kind
	// codec is empty where Weir does not take it, and name says then what it is.
	codec media.Codec
	name  string
	// latm: AAC comes in the LATM form.
	latm bool
}

// describe reads a stream_type (table 2-34, and what ATSC, DVB and others add)
// and the descriptors beside it.
func describe(streamType byte, descriptors []byte) (f format, opus []byte) {
	video := func(codec media.Codec, name string) format {
		return format{kind: media.Video, codec: codec, name: name}
	}
	audio := func(codec media.Codec, name string) format {
		return format{kind: media.Audio, codec: codec, name: name}
	}
	switch streamType {
	case 0x01, 0x02:
		return video("", "MPEG-2"), nil
	case 0x10:
		return video("", "MPEG-4 part 2"), nil
	case 0x1b:
		return video(media.H264, "H.264"), nil
	case 0x24:
		return video(media.HEVC, "HEVC (H.265)"), nil
	case 0x32:
		return video("", "JPEG XS"), nil
	case 0x33:
		return video("", "VVC (H.266)"), nil
	case 0x03, 0x04:
		return audio(media.MP3, "MPEG audio"), nil
	case 0x0f:
		return audio(media.AAC, "AAC"), nil
	case 0x11:
		return format{kind: media.Audio, codec: media.AAC, name: "AAC", latm: true}, nil
	case 0x81:
		return audio(media.AC3, "AC-3"), nil
	case 0x87:
		return audio("", "E-AC-3"), nil
	case 0x06:
		return private(descriptors)
	}
	return format{}, nil
}

// private tells what private data is from its descriptors.
func private(descriptors []byte) (f format, opus []byte) {
	const registration, ac3, enhancedAC3, dts, extension, opusExtension = 0x05, 0x6a, 0x7a, 0x7b, 0x7f, 0x80
	for tag, content := range eachDescriptor(descriptors) {
		switch {
		case tag == registration && len(content) >= 4:
			f = registered(string(content[:4]), f)
		case tag == ac3:
			f = format{kind: media.Audio, codec: media.AC3, name: "AC-3"}
		case tag == enhancedAC3:
			f = format{kind: media.Audio, name: "E-AC-3"}
		case tag == dts:
			f = format{kind: media.Audio, name: "DTS"}
		case tag == extension && len(content) >= 2 && content[0] == opusExtension:
			opus = content[1:]
		}
	}
	return f, opus
}

// eachDescriptor visits descriptors (2.6) up to the first that is cut off.
func eachDescriptor(b []byte) func(yield func(tag byte, content []byte) bool) {
	return func(yield func(byte, []byte) bool) {
		for ; len(b) >= 2 && len(b)-2 >= int(b[1]); b = b[2+int(b[1]):] {
			if !yield(b[0], b[2:2+int(b[1])]) {
				return
			}
		}
	}
}

// spoken reads in which language an audio track is and what it is for, from the
// ISO_639_language_descriptor (2.6.18) and, where there is one, DVB's
// supplementary_audio_descriptor (ETSI EN 300 468, 6.4.11), which says it better.
func spoken(descriptors []byte) (language string, role media.Role) {
	const iso639, extension, supplementary = 0x0a, 0x7f, 0x06
	const code = 3
	for tag, content := range eachDescriptor(descriptors) {
		switch {
		case tag == iso639 && len(content) > code:
			if language == "" {
				language = ingest.Language(string(content[:code]))
			}
			if role == "" {
				role = audioType(content[code])
			}
		case tag == extension && len(content) >= 2 && content[0] == supplementary:
			if r := editorial(content[1]); r != "" {
				role = r
			}
			if own := content[2:]; content[1]&1 != 0 && len(own) >= code {
				language = ingest.Language(string(own[:code]))
			}
		}
	}
	return language, role
}

// audioType reads audio_type (table 2-60).
func audioType(code byte) media.Role {
	const hearingImpaired, visualImpaired = 2, 3
	switch code {
	case hearingImpaired:
		return media.RoleIntelligibility
	case visualImpaired:
		return media.RoleDescription
	}
	return ""
}

// editorial reads editorial_classification (ETSI EN 300 468, table J.3).
func editorial(flags byte) media.Role {
	const description, clean = 1, 2
	switch flags >> 2 & 0x1f {
	case description:
		return media.RoleDescription
	case clean:
		return media.RoleIntelligibility
	}
	return ""
}

// registered is what a format_identifier names; otherwise is what it is if the
// identifier is of no use.
func registered(identifier string, otherwise format) format {
	switch identifier {
	case "Opus":
		return format{kind: media.Audio, codec: media.Opus, name: "Opus"}
	case "AC-3":
		return format{kind: media.Audio, codec: media.AC3, name: "AC-3"}
	case "EAC3":
		return format{kind: media.Audio, name: "E-AC-3"}
	case "HEVC":
		return format{kind: media.Video, codec: media.HEVC, name: "HEVC (H.265)"}
	case "AV01":
		return format{kind: media.Video, name: "AV1 (which has no common form in MPEG-TS)"}
	case "VP09":
		return format{kind: media.Video, name: "VP9"}
	case "BSSD":
		return format{kind: media.Audio, name: "SMPTE 302M"}
	}
	return otherwise
}

// rejection tells a creator that all video or audio is of no use.
func (f format) rejection() *ingest.Rejection {
	message := fmt.Sprintf("The video is %s; Weir takes H.264 and HEVC over MPEG-TS. "+
		"In ffmpeg write -c:v libx264, in other encoders choose H.264.", f.name)
	if f.kind == media.Audio {
		message = fmt.Sprintf("The audio is %s; Weir takes AAC, MP3, MP2, Opus and AC-3 over MPEG-TS. "+
			"In ffmpeg write -c:a aac, in other encoders choose AAC.", f.name)
	}
	return &ingest.Rejection{Reason: ingest.UnsupportedCodec, Message: message}
}
