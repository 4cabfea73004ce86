package rtmp

import (
	"bytes"
	"fmt"

	"weir/pkg/ingest/codec"
	"weir/pkg/media"
)

// maxAudioConfig limits the sequence header of audio; AudioSpecificConfigs of
// encoders have 2 to 7 bytes, more with a program config element.
const maxAudioConfig = 256

// sounds makes access units of the tags of one audio track.
type sounds struct {
	number int
	// track is that of what comes next, nil before its sequence header; the pointer
	// changes only if its parameters do.
	track *media.Track
	// header is the sequence header behind it, where its codec has one.
	header []byte
}

// push takes a tag; bitrate is what the publisher declares for the track, 0 for
// nothing.
func (s *sounds) push(timestamp uint32, tag audioTag, bitrate int) (unit media.AccessUnit, ok bool, err error) {
	if ok, err = s.prepare(tag, bitrate); err != nil || !ok {
		return media.AccessUnit{}, false, err
	}
	at := media.Ticks(timestamp) + tag.offset
	return media.AccessUnit{Track: s.track, DTS: at, PTS: at, Sync: true, Data: tag.body}, true, nil
}

// prepare sets the track that a tag belongs to; ok is false where the tag has no
// access unit.
func (s *sounds) prepare(tag audioTag, bitrate int) (ok bool, err error) {
	starts := tag.packet == packetSequenceHeader
	switch tag.codec {
	case codecMP3, codecAC3: // Each frame describes itself.
		if tag.named && starts || len(tag.body) == 0 {
			return false, nil
		}
		read := codec.MP3Track
		if tag.codec == codecAC3 {
			read = codec.AC3Track
		}
		track, err := read(s.track, tag.body)
		if err != nil {
			return false, wrapBad(err)
		}
		s.use(track, bitrate)
		return true, nil
	case codecAAC, codecOpus, codecFLAC:
		if starts {
			return false, s.start(tag.codec, tag.body, bitrate)
		}
		if tag.packet != packetCoded || len(tag.body) == 0 {
			return false, nil
		}
		if s.track == nil || s.track.Codec != tag.codec.media() {
			return false, fmt.Errorf("%w: %s before its sequence header", errBadUnit, string(tag.codec))
		}
		return true, nil
	}
	return false, tag.codec.rejection()
}

// start follows a sequence header; only a different one makes a new track.
func (s *sounds) start(name audioCodec, header []byte, bitrate int) error {
	if s.track != nil && s.track.Codec == name.media() && bytes.Equal(s.header, header) {
		return nil
	}
	if len(header) > maxAudioConfig {
		return fmt.Errorf("%w: an audio sequence header of %d bytes", errBadUnit, len(header))
	}
	read := map[audioCodec]func([]byte) (*media.Track, error){
		codecAAC: codec.AACTrack, codecOpus: codec.OpusTrack, codecFLAC: codec.FLACTrack,
	}[name]
	track, err := read(header)
	if err != nil {
		return wrapBad(err)
	}
	s.use(track, bitrate)
	s.header = bytes.Clone(header)
	return nil
}

// use makes track what comes next, unless it is so already.
func (s *sounds) use(track *media.Track, bitrate int) {
	if track == s.track {
		return
	}
	track.Timescale, track.Number, track.Bitrate = flvTimescale, s.number, bitrate
	s.track = track
}
