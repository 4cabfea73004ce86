package rtmp

import (
	"errors"
	"fmt"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// flvTimescale is the timescale of FLV tags: milliseconds.
const flvTimescale media.Timescale = 1000

// errBadUnit is wrapped by errors that cost one access unit and no more.
var errBadUnit = errors.New("bad access unit")

// demuxer turns FLV tags (Adobe Flash Video File Format 10.1, annex E.4) into
// access units. It is used by one goroutine.
//
// Its methods report ok false where a tag holds no access unit: a sequence
// header, an end of sequence, what is ignored. Their errors are an
// *ingest.Rejection where the stream can never be used, else errBadUnit.
type demuxer struct {
	// pictures are those of the default track, and others those of further
	// tracks.
	pictures pictures
	others   []*pictures
	// sounds are those of the default audio track, and otherSounds those of further
	// ones.
	sounds      sounds
	otherSounds []*sounds
	// more are the access units of further tracks that the last tag held, valid
	// until the next, and spoiled why one could not be used.
	more     []media.AccessUnit
	spoiled  error
	metadata ingest.Metadata
	// said is what the publisher says of its audio tracks, by their number. News is
	// true while it is to be told to the session.
	said map[int]ingest.AudioTrack
	news bool
	// passedOver counts what was of tracks that nobody uses.
	passedOver uint64
	// room is for the tracks of a tag: one, as a rule.
	room [1]trackBody
}

const (
	// maxTracks is how many video tracks beside the default one are taken.
	maxTracks = 8
	// maxSounds is the same for audio.
	maxSounds = 15
)

// The packet types of AVC and AAC tags (E.4.3.1 and E.4.2.1).
const (
	packetSequenceHeader = 0
	packetCoded          = 1
)

// videoTag is the header of a video tag, in the legacy or the enhanced form.
type videoTag struct {
	codec  videoCodec
	packet byte
	// key is true for what the encoder calls a keyframe.
	key bool
	// offset is the composition offset in milliseconds.
	offset media.Ticks
	body   []byte
}

// pushVideo takes the body of a video tag. It owns data: access units are parts
// of it. Those of tracks beside the default one are left in more.
func (d *demuxer) pushVideo(timestamp uint32, data []byte) (unit media.AccessUnit, ok bool, err error) {
	d.forget()
	if isEnhancedVideo(data) {
		return d.pushEnhanced(timestamp, data)
	}
	tag, ok, err := parseVideoTag(data)
	if err != nil || !ok {
		return media.AccessUnit{}, false, err
	}
	return d.pictures.push(timestamp, tag, d.metadata.VideoBitrate)
}

// pushEnhanced takes a tag that may hold several tracks.
func (d *demuxer) pushEnhanced(timestamp uint32, data []byte) (unit media.AccessUnit, ok bool, err error) {
	in, err := readEnhancedVideo(data, d.room[:])
	if err != nil {
		return media.AccessUnit{}, false, err
	}
	found := false
	for _, one := range in.tracks {
		if !one.isDefault() || found {
			d.pushOther(timestamp, in, one)
			continue
		}
		found = true
		var tag videoTag
		if tag, ok, err = videoTagOf(in, one); err == nil && ok {
			unit, ok, err = d.pictures.push(timestamp, tag, d.metadata.VideoBitrate)
		}
	}
	return unit, ok, err
}

// pushOther takes what is of a track beside the default one.
func (d *demuxer) pushOther(timestamp uint32, in enhancedTag, one trackBody) {
	of := d.other(int(one.id))
	tag, ok, err := videoTagOf(in, one)
	if of == nil || ok && !tag.codec.accepted() {
		d.passedOver++
		return
	}
	var unit media.AccessUnit
	if err == nil && ok {
		unit, ok, err = of.push(timestamp, tag, 0)
	}
	if err != nil {
		d.spoiled = err
	} else if ok {
		d.more = append(d.more, unit)
	}
}

// other is what is known of the track with this number; nil where it is the
// default one or there are too many of them.
func (d *demuxer) other(number int) *pictures {
	if number == 0 {
		return nil
	}
	for _, of := range d.others {
		if of.number == number {
			return of
		}
	}
	if len(d.others) == maxTracks {
		return nil
	}
	of := &pictures{number: number}
	d.others = append(d.others, of)
	return of
}

// forget lets go of what the last tag held of further tracks.
func (d *demuxer) forget() {
	clear(d.more)
	d.more, d.spoiled = d.more[:0], nil
}

// wrapBad makes an error cost one access unit, but for a rejection.
func wrapBad(err error) error {
	if _, rejected := errors.AsType[*ingest.Rejection](err); rejected || err == nil {
		return err
	}
	return fmt.Errorf("%w: %w", errBadUnit, err)
}

// parseVideoTag reads the header of a legacy video tag; ok is false for tags that
// are to be ignored.
func parseVideoTag(data []byte) (tag videoTag, ok bool, err error) {
	if len(data) == 0 {
		return videoTag{}, false, nil
	}
	const keyFrame, commandFrame = 1, 5
	if data[0]>>4 == commandFrame {
		return videoTag{}, false, nil
	}
	tag.key = data[0]>>4 == keyFrame
	tag.codec = legacyVideoCodec(data[0] & 0x0f)
	if tag.codec != codecAVC && tag.codec != codecHEVC {
		return tag, true, nil
	}
	if len(data) < 5 {
		return videoTag{}, false, fmt.Errorf("%w: a video tag of %d bytes", errBadUnit, len(data))
	}
	tag.packet, tag.offset, tag.body = data[1], int24(data[2:]), data[5:]
	return tag, true, nil
}

// int24 is the signed number in the first three bytes of b.
func int24(b []byte) media.Ticks { return media.Ticks(int32(uint24(b)<<8) >> 8) }
