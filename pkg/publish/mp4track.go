package publish

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/pkg/media"
)

// track is one track of an MP4 file that can be published.
type track struct {
	id   uint32
	kind media.Kind
	// timescale is of samples.
	timescale media.Timescale
	// form is how the codec goes out, and config the sequence header in that form,
	// empty where the codec has none.
	form          form
	config        []byte
	width, height int
	edit          edit
	defaults      *mp4.TrexBox
	samples       []sample
	// number is that of a further audio track, 0 for others, and language what the
	// file says of it (ISO 639-2).
	number   int
	language string
	// sent counts the samples that were returned since rewind.
	sent int
}

// sample is where a coded picture or audio frame lies in the file.
type sample struct {
	offset int64
	size   uint32
	// duration and composition are in the track's timescale, as is dts.
	duration    uint32
	composition int32
	dts         media.Ticks
	sync        bool
}

// pts is the presentation time before the edit list.
func (s sample) pts() media.Ticks { return s.dts + media.Ticks(s.composition) }

// parseTrack reads a trak box; ok is false for tracks that are neither video
// nor audio.
func parseTrack(trak box, movie media.Timescale) (t *track, ok bool, err error) {
	boxes, err := children(trak.body)
	if err != nil {
		return nil, false, err
	}
	mdia, err := descend(boxes, "mdia")
	if err != nil {
		return nil, false, err
	}
	handler, ok, err := leaf[*mp4.HdlrBox](mdia, "hdlr")
	if err != nil || !ok {
		return nil, false, err
	}
	t = &track{}
	switch handler.HandlerType {
	case "vide":
		t.kind = media.Video
	case "soun":
		t.kind = media.Audio
	default:
		return nil, false, nil
	}
	if err = t.parseHeaders(boxes, mdia, movie); err != nil {
		return nil, false, err
	}
	stbl, err := descend(mdia, "minf", "stbl")
	if err != nil {
		return nil, false, err
	}
	if err = t.parseDescription(find(stbl, "stsd").body); err != nil {
		return nil, false, err
	}
	return t, true, t.parseTable(stbl)
}

func (t *track) parseHeaders(trak, mdia []box, movie media.Timescale) error {
	header, ok, err := leaf[*mp4.TkhdBox](trak, "tkhd")
	if err != nil || !ok {
		return orMissing(err, "tkhd")
	}
	t.id = header.TrackID
	clock, ok, err := leaf[*mp4.MdhdBox](mdia, "mdhd")
	if err != nil || !ok {
		return orMissing(err, "mdhd")
	}
	if clock.Timescale == 0 {
		return fmt.Errorf("%w: a track has no timescale", errMP4)
	}
	t.timescale, t.language = media.Timescale(clock.Timescale), clock.GetLanguage()
	edts, err := descend(trak, "edts")
	if err != nil {
		return err
	}
	list, ok, err := leaf[*mp4.ElstBox](edts, "elst")
	if err != nil || !ok {
		return err
	}
	t.edit, err = parseEdit(list, movie, t.timescale)
	return err
}

// Sizes of the fixed fields of sample entries, header included
// (ISO/IEC 14496-12, 12.1.3 and 12.2.3; QuickTime's sound description 1 and 2).
const (
	sampleTable    = 8
	visualEntry    = 8 + 78
	soundEntry     = 8 + 28
	soundVersion1  = 16
	soundVersion2  = 36
	sizeInVisual   = 8 + 24
	versionInSound = 8 + 8
	aacObjectType  = 0x40
)

// parseDescription reads the first sample entry of stsd.
func (t *track) parseDescription(stsd []byte) error {
	if len(stsd) < sampleTable {
		return fmt.Errorf("%w: a track has no sample description", errMP4)
	}
	entries, err := children(stsd[sampleTable:])
	if err != nil || len(entries) == 0 {
		return orMissing(err, "sample entry")
	}
	entry := entries[0]
	var known bool
	if t.form, known = formOf(t.kind, entry.name); !known {
		return fmt.Errorf("the %s is %q; publish sends H.264, HEVC and AV1, AAC, Opus, FLAC and AC-3. Convert it with: ffmpeg -i FILE -c:v libx264 -c:a aac out.mp4", t.kind, entry.name)
	}
	if t.kind == media.Audio {
		return t.parseSound(entry.whole)
	}
	if len(entry.whole) < visualEntry {
		return fmt.Errorf("%w: the video's description is cut off", errMP4)
	}
	t.width = int(binary.BigEndian.Uint16(entry.whole[sizeInVisual:]))
	t.height = int(binary.BigEndian.Uint16(entry.whole[sizeInVisual+2:]))
	boxes, err := children(entry.whole[visualEntry:])
	if err != nil {
		return err
	}
	if t.config = find(boxes, t.form.box).body; len(t.config) == 0 {
		return fmt.Errorf("%w: the video has no decoder configuration", errMP4)
	}
	return nil
}

func (t *track) parseSound(entry []byte) error {
	if len(entry) < soundEntry {
		return fmt.Errorf("%w: the audio's description is cut off", errMP4)
	}
	fixed := soundEntry
	switch binary.BigEndian.Uint16(entry[versionInSound:]) {
	case 1:
		fixed += soundVersion1
	case 2:
		fixed += soundVersion2
	}
	if len(entry) < fixed {
		return fmt.Errorf("%w: the audio's description is cut off", errMP4)
	}
	boxes, err := children(entry[fixed:])
	if err != nil {
		return err
	}
	if wave := find(boxes, "wave"); wave.name != "" { // QuickTime's place for it.
		if boxes, err = children(wave.body); err != nil {
			return err
		}
	}
	if t.form.box != "esds" {
		t.config, err = t.form.sequenceHeader(find(boxes, t.form.box).body)
		return err
	}
	esds, ok, err := leaf[*mp4.EsdsBox](boxes, "esds")
	if err != nil || !ok {
		return orMissing(err, "esds")
	}
	config := esds.DecConfigDescriptor
	if config == nil || config.ObjectType != aacObjectType || config.DecSpecificInfo == nil {
		return errors.New("the audio is not AAC; convert it with: ffmpeg -i FILE -c:v copy -c:a aac out.mp4")
	}
	t.config = config.DecSpecificInfo.DecConfig
	return nil
}

// orMissing is err, or says that a box is not there.
func orMissing(err error, name string) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: a track has no %s", errMP4, name)
}
