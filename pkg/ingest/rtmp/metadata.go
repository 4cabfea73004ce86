package rtmp

import (
	"math"
	"strconv"

	"weir/pkg/ingest"
	"weir/pkg/ingest/codec"
)

// maxMetadata limits the data messages that are read at all.
const maxMetadata = 64 << 10

// parseMetadata reads a data message; ok is false if it is not onMetaData,
// with or without @setDataFrame before it. Said is what it tells of audio tracks, by
// their number.
func parseMetadata(payload []byte) (m ingest.Metadata, said map[int]ingest.AudioTrack, ok bool) {
	if len(payload) > maxMetadata {
		return ingest.Metadata{}, nil, false
	}
	values, _ := decodeAMF0(payload) // What came before an error counts.
	if len(values) > 0 && values[0] == "@setDataFrame" {
		values = values[1:]
	}
	if len(values) < 2 || values[0] != "onMetaData" {
		return ingest.Metadata{}, nil, false
	}
	o, ok := values[1].(amfObject)
	if !ok {
		return ingest.Metadata{}, nil, false
	}
	video := declared(o, "hasVideo", "videocodecid", "width")
	audio := declared(o, "hasAudio", "audiocodecid", "audiosamplerate")
	if video == nil && audio != nil || video != nil && audio == nil {
		// Who describes one track only has only that one.
		video, audio = orNot(video), orNot(audio)
	}
	return ingest.Metadata{
		Encoder:      printable(o.text("encoder")),
		FrameRate:    number(o, "framerate", codec.MaxFrameRate),
		VideoBitrate: int(1000 * number(o, "videodatarate", 1e6)),
		AudioBitrate: int(1000 * number(o, "audiodatarate", 1e6)),
		HasVideo:     video,
		HasAudio:     audio,
	}, saidOfSounds(o), true
}

// saidOfSounds reads audioTrackIdInfoMap (Enhanced RTMP v2, "Enhancing onMetaData").
// What a track is called there is no part of the specification; these are the names
// that containers have for it.
func saidOfSounds(o amfObject) map[int]ingest.AudioTrack {
	all, _ := o.get("audioTrackIdInfoMap").(amfObject)
	said := make(map[int]ingest.AudioTrack, len(all))
	for _, p := range all {
		number, err := strconv.ParseUint(p.name, 10, 8)
		track, isTrack := p.value.(amfObject)
		if err != nil || !isTrack || len(said) > maxSounds {
			continue
		}
		said[int(number)] = ingest.AudioTrack{
			Number: int(number), Language: ingest.Language(track.text("language")), Label: ingest.Label(track.text("title")),
		}
	}
	return said
}

// declared is whether the metadata has a track: by the flag, else by the
// presence of what describes it; nil if it does not say.
func declared(o amfObject, flag string, signs ...string) *bool {
	if has, ok := o.get(flag).(bool); ok {
		return &has
	}
	for _, sign := range signs {
		if o.get(sign) != nil {
			return new(true)
		}
	}
	return nil
}

func orNot(has *bool) *bool {
	if has == nil {
		return new(false)
	}
	return has
}

// number is a positive number up to most, 0 where there is none.
func number(o amfObject, name string, most float64) float64 {
	v, _ := o.get(name).(float64)
	if math.IsNaN(v) || v < 0 || v > most {
		return 0
	}
	return v
}
