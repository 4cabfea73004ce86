package rtmp

import (
	"fmt"
	"maps"
	"slices"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// audioTag is the header of an audio tag.
type audioTag struct {
	codec  audioCodec
	packet byte
	// named is true where the tag is of the enhanced form.
	named bool
	// offset is what comes on top of the timestamp, in milliseconds.
	offset media.Ticks
	body   []byte
}

// pushAudio takes the body of an audio tag. It owns data. Access units of tracks
// beside the default one are left in more.
func (d *demuxer) pushAudio(timestamp uint32, data []byte) (unit media.AccessUnit, ok bool, err error) {
	d.forget()
	if isEnhancedAudio(data) {
		return d.pushEnhancedAudio(timestamp, data)
	}
	tag, ok, err := parseAudioTag(data)
	if err != nil || !ok {
		return media.AccessUnit{}, false, err
	}
	return d.sounds.push(timestamp, tag, d.metadata.AudioBitrate)
}

// pushEnhancedAudio takes a tag that may hold several tracks.
func (d *demuxer) pushEnhancedAudio(timestamp uint32, data []byte) (unit media.AccessUnit, ok bool, err error) {
	in, err := readEnhanced(data[0]&0x0f, data[1:], enhancedAudioMultitrack, d.room[:])
	if err != nil {
		return media.AccessUnit{}, false, err
	}
	found := false
	for _, one := range in.tracks {
		if !one.isDefault() || found {
			d.pushOtherSound(timestamp, in, one)
			continue
		}
		found = true
		if tag, useful := audioTagOf(in, one); useful {
			unit, ok, err = d.sounds.push(timestamp, tag, d.metadata.AudioBitrate)
		}
	}
	return unit, ok, err
}

// pushOtherSound takes what is of a track beside the default one.
func (d *demuxer) pushOtherSound(timestamp uint32, in enhancedTag, one trackBody) {
	tag, useful := audioTagOf(in, one)
	of := d.otherSound(int(one.id))
	if of == nil || useful && tag.codec.media() == "" {
		d.passedOver++
		return
	}
	if !useful {
		return
	}
	isNew := of.track == nil
	unit, ok, err := of.push(timestamp, tag, 0)
	if isNew && of.track != nil {
		d.nameSounds()
	}
	if err != nil {
		d.spoiled = err
	} else if ok {
		d.more = append(d.more, unit)
	}
}

// otherSound is what is known of the audio track with this number; nil where it is
// the default one or there are too many of them.
func (d *demuxer) otherSound(number int) *sounds {
	if number == 0 {
		return nil
	}
	for _, of := range d.otherSounds {
		if of.number == number {
			return of
		}
	}
	if len(d.otherSounds) == maxSounds {
		return nil
	}
	of := &sounds{number: number}
	d.otherSounds = append(d.otherSounds, of)
	return of
}

// nameSounds names the audio tracks that have come or that the publisher has spoken
// of, by their number.
func (d *demuxer) nameSounds() {
	all := maps.Clone(d.said)
	if all == nil {
		all = map[int]ingest.AudioTrack{}
	}
	for _, of := range d.otherSounds {
		if _, said := all[of.number]; !said && of.track != nil {
			all[of.number] = ingest.AudioTrack{Number: of.number}
		}
	}
	named := slices.SortedFunc(maps.Values(all), func(a, b ingest.AudioTrack) int { return a.Number - b.Number })
	d.news = d.news || !slices.Equal(named, d.metadata.AudioTracks)
	d.metadata.AudioTracks = named
}

// parseAudioTag reads the header of a legacy audio tag (E.4.2.1); ok is false for
// tags that are to be ignored.
func parseAudioTag(data []byte) (tag audioTag, ok bool, err error) {
	if len(data) == 0 {
		return audioTag{}, false, nil
	}
	tag = audioTag{codec: legacyAudioCodec(data[0] >> 4), body: data[1:]}
	switch {
	case tag.codec == codecAAC && len(tag.body) == 0:
		return audioTag{}, false, fmt.Errorf("%w: an AAC tag of one byte", errBadUnit)
	case tag.codec == codecAAC:
		tag.packet, tag.body = tag.body[0], tag.body[1:]
	case len(tag.body) == 0:
		return audioTag{}, false, nil
	}
	return tag, true, nil
}
