package publish

import (
	"encoding/binary"
	"fmt"
	"time"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// form is how a codec's samples become FLV bodies: in the way of old, or in that
// of Enhanced RTMP, where four characters name the codec.
type form struct {
	kind media.Kind
	// fourCC is empty for what goes out in the way of old.
	fourCC string
	// box is the sample entry's box with the decoder configuration.
	box string
	// id is the codec in onMetaData.
	id any
	// headerHead and codedHead are how many bytes stand before the decoder
	// configuration, 0 where the codec has none, and before a sample.
	headerHead, codedHead int
	// composed says that the last bytes before a sample are its composition
	// offset.
	composed bool
}

// compositionSize is that of a composition offset (E.4.3.2: a signed number of 24
// bits), and mostHead the longest head of any form.
const (
	compositionSize = 3
	mostHead        = 8
)

// formOf finds the form of a sample entry.
func formOf(kind media.Kind, entry string) (f form, known bool) {
	named := func(fourCC, box string, header, coded int) form {
		return form{
			kind: kind, fourCC: fourCC, box: box, id: float64(binary.BigEndian.Uint32([]byte(fourCC))),
			headerHead: header, codedHead: coded, composed: coded == mostHead,
		}
	}
	switch {
	case kind == media.Video && (entry == "avc1" || entry == "avc3"):
		return form{kind: kind, box: "avcC", id: float64(codecAVC), headerHead: 5, codedHead: 5, composed: true}, true
	case kind == media.Video && (entry == "hvc1" || entry == "hev1"):
		return named("hvc1", "hvcC", 5, mostHead), true
	case kind == media.Video && entry == "av01":
		return named("av01", "av1C", 5, 5), true
	case kind == media.Audio && entry == "mp4a":
		return form{kind: kind, box: "esds", id: float64(codecAAC), headerHead: 2, codedHead: 2}, true
	case kind == media.Audio && entry == "Opus":
		return named("Opus", "dOps", 5, 5), true
	case kind == media.Audio && entry == "fLaC":
		return named("fLaC", "dfLa", 5, 5), true
	case kind == media.Audio && entry == "ac-3":
		return named("ac-3", "dac3", 0, 5), true
	}
	return form{}, false
}

// writeHead writes what stands before a sample or, if header is true, before the
// decoder configuration. place is where the composition offset goes, 0 for
// nowhere.
func (f form) writeHead(body []byte, key, header bool) (place int) {
	const interFrame, anySound, coded = 2, 0x0f, 1 // sound says 44 kHz stereo whatever it is
	frame, packet := byte(interFrame), byte(coded)
	if key || header {
		frame = frameKey
	}
	if header {
		packet = 0
	}
	switch {
	case f.fourCC != "" && f.kind == media.Video:
		body[0] = enhancedVideo | frame<<4 | packet
		copy(body[1:], f.fourCC)
	case f.fourCC != "":
		body[0] = enhancedAudio<<4 | packet
		copy(body[1:], f.fourCC)
	case f.kind == media.Video:
		body[0], body[1] = frame<<4|codecAVC, packet
	default:
		body[0], body[1] = codecAAC<<4|anySound, packet
	}
	if header || !f.composed {
		return 0
	}
	return f.codedHead - compositionSize
}

// header is the packet with the track's decoder configuration.
func (t *track) header() packet {
	body := make([]byte, t.form.headerHead+len(t.config))
	t.form.writeHead(body, true, true)
	copy(body[t.form.headerHead:], t.config)
	p := packet{kind: kindVideo, header: true, body: body}
	if t.kind == media.Audio {
		p.kind = kindAudio
	}
	if t.number > 0 {
		p = asSound(p, t.form, t.number)
	}
	return p
}

// sequenceHeader makes what Enhanced RTMP begins with of what MP4 has: of a dOps
// box (Opus in ISOBMFF, 4.3.2) an identification header (RFC 7845, 5.1), and of a
// dfLa box (FLAC in ISOBMFF, 3.3.2) the beginning of a FLAC file.
func (f form) sequenceHeader(body []byte) ([]byte, error) {
	const opus, flac, fullBox = 11, 4 + 34, 4
	switch {
	case f.fourCC == "Opus" && len(body) >= opus:
		head := append([]byte("OpusHead"), 1, body[1])
		head = binary.LittleEndian.AppendUint16(head, binary.BigEndian.Uint16(body[2:]))
		head = binary.LittleEndian.AppendUint32(head, binary.BigEndian.Uint32(body[4:]))
		head = binary.LittleEndian.AppendUint16(head, binary.BigEndian.Uint16(body[8:]))
		return append(head, body[10:]...), nil
	case f.fourCC == "fLaC" && len(body) >= fullBox+flac:
		return append([]byte("fLaC"), body[fullBox:]...), nil
	case f.headerHead == 0:
		return nil, nil
	}
	return nil, fmt.Errorf("%w: the audio has no decoder configuration", errMP4)
}

// audioFrame is how long an audio frame lasts; 0 if that is not known.
func (t *track) audioFrame() time.Duration {
	if t.form.fourCC != "" {
		return t.timescale.Duration(media.Ticks(t.samples[0].duration))
	}
	config, err := ingest.ParseAudioConfig(t.config)
	if err != nil || config.SampleRate == 0 {
		return 0
	}
	return time.Duration(config.FrameLength) * time.Second / time.Duration(config.SampleRate)
}

// putComposition writes a composition offset in milliseconds.
func putComposition(place []byte, milliseconds int32) {
	var word [4]byte
	binary.BigEndian.PutUint32(word[:], uint32(milliseconds))
	copy(place[:compositionSize], word[1:])
}
