package codec

import (
	"bytes"
	"reflect"
	"testing"

	"weir/pkg/media"
)

func FuzzSPS(f *testing.F) {
	for _, in := range []string{
		"6742c00cd90141fb0110000003001000000301e0f142a480", "67640028acd940780227e5c04400000fa40003a9803c60c658",
		"67f4001e919b281004fc6cb80880000003008000003c078b16cb", "6764001eacd940b424dff8020001688000000300800000190f8a14cb",
		"6764001facd940a02ff97011000003000100000300640f183196",
		"420105111111111111111111111111d00011111111111111111111111133" + hevcRest, // HEVC of three layers
	} {
		f.Add(fromHex(f, in))
	}
	f.Fuzz(func(t *testing.T, nal []byte) {
		for _, parse := range []func([]byte) (sps, error){parseSPS, parseHEVCSPS} {
			s, err := parse(nal)
			if err == nil && (s.width <= 0 || s.height <= 0 || s.width > maxPictureSide || s.height > maxPictureSide ||
				!s.aspect.Known() || s.frameRate.Float() > MaxFrameRate) {
				t.Errorf("parameter set %x: %+v", nal, s)
			}
		}
	})
}

// configReaders are those of decoder configuration records.
func configReaders() [3]func(record []byte) (*media.Track, int, error) {
	return [3]func([]byte) (*media.Track, int, error){
		AVCTrack, HEVCTrack,
		func(record []byte) (*media.Track, int, error) {
			track, err := AV1Track(record)
			return track, 4, err
		},
	}
}

// checkVideo holds what the tracks of video promise, whatever they were made of:
// above all that their Config says the same when it is read again.
func checkVideo(t *testing.T, track *media.Track, read func([]byte) (*media.Track, int, error)) {
	t.Helper()
	switch {
	case track.Width <= 0 || track.Height <= 0 || max(track.Width, track.Height) > maxPictureSide,
		!track.SampleAspect.Known(), track.FrameRate.Float() > MaxFrameRate:
		t.Fatalf("track %+v", track)
	}
	again, lengthSize, err := read(track.Config)
	if err != nil || lengthSize != 4 || !reflect.DeepEqual(again, track) {
		t.Fatalf("track %+v\nread again %+v, lengths of %d bytes, %v", track, again, lengthSize, err)
	}
}

// The seeds are records of real encoders, in testdata.
func FuzzVideoConfig(f *testing.F) {
	f.Add(byte(1), fromHex(f, hevcRecord))
	f.Fuzz(func(t *testing.T, codec byte, record []byte) {
		read, before := configReaders()[codec%3], bytes.Clone(record)
		track, lengthSize, err := read(record)
		if !bytes.Equal(record, before) {
			t.Fatal("the record was changed")
		}
		if err != nil || track == nil {
			return
		}
		if lengthSize < 1 || lengthSize > 4 {
			t.Fatalf("lengths of %d bytes", lengthSize)
		}
		checkVideo(t, track, read)
	})
}

// An access unit that was made of foreign bytes is bounded by them, and nothing is
// left to do to it.
func FuzzUnits(f *testing.F) {
	f.Add(byte(0), byte(3), nals(4, "\x09\x10", "\x0c\xff\xff", "\x65picture", "\x65picture"))
	f.Add(byte(0), byte(1), nals(2, "\x67sps", "\x41picture"))
	f.Add(byte(1), byte(3), nals(4, "\x46\x01\x50", "\x4c\x01\xff", "\x2a\x01picture"))
	f.Fuzz(func(t *testing.T, codec, length byte, data []byte) {
		size := len(data)
		if codec%3 == 2 {
			checkTemporalUnit(t, data)
			return
		}
		repack := []func([]byte, int) ([]byte, Class, error){repackAVC, HEVCUnit}[codec%3]
		unit, class, err := repack(data, int(length%4)+1)
		if err != nil || unit == nil {
			if unit != nil || class != Filler {
				t.Fatalf("%x of class %d beside %v", unit, class, err)
			}
			return
		}
		if class < Picture || cap(unit) > 4*size {
			t.Fatalf("class %d, %d bytes in %d came of %d", class, len(unit), cap(unit), size)
		}
		again, same, err := repack(bytes.Clone(unit), 4)
		if err != nil || same != class || !bytes.Equal(again, unit) {
			t.Fatalf("%x of class %d, repacked %x of class %d, %v", unit, class, again, same, err)
		}
	})
}

// repackAVC is AVCUnit with a class, as HEVCUnit has one.
func repackAVC(data []byte, lengthSize int) ([]byte, Class, error) {
	unit, idr, err := AVCUnit(data, lengthSize)
	switch {
	case unit == nil:
		return unit, Filler, err
	case idr:
		return unit, IDR, err
	}
	return unit, Picture, err
}

func checkTemporalUnit(t *testing.T, data []byte) {
	t.Helper()
	size := len(data)
	unit, err := ReadTemporalUnit(data)
	if err != nil {
		return
	}
	again, err := ReadTemporalUnit(bytes.Clone(unit.Data))
	if err != nil || len(unit.Data) > size || len(unit.Header) > size || unit.Key && unit.Frames == 0 ||
		!bytes.Equal(again.Data, unit.Data) || !bytes.Equal(again.Header, unit.Header) || again.Frames != unit.Frames || again.Key != unit.Key {
		t.Fatalf("%+v, scanned again %+v, %v", unit, again, err)
	}
	if unit.Header == nil {
		return
	}
	if track, err := AV1TrackOf(unit.Header); err == nil {
		checkVideo(t, track, configReaders()[2])
	}
}

// FuzzByteStream takes each start code of four bytes for the beginning of a
// picture.
func FuzzByteStream(f *testing.F) {
	f.Fuzz(func(t *testing.T, hevc bool, stream []byte) {
		codec, read, repack := media.H264, configReaders()[0], repackAVC
		if hevc {
			codec, read, repack = media.HEVC, configReaders()[1], HEVCUnit
		}
		b := NewByteStream(codec)
		var known *media.Track
		for i, picture := range bytes.Split(stream, []byte{0, 0, 0, 1}) {
			picture = append([]byte{0, 0, 0, 1}, picture...)
			unit, err := b.Push(picture, i%2 == 1)
			for _, kind := range b.sets {
				if len(kind.sets) > maxSets || len(kind.ids) != len(kind.sets) {
					t.Fatalf("%d parameter sets of type %d, and %d numbers", len(kind.sets), kind.typ, len(kind.ids))
				}
			}
			if err != nil {
				continue
			}
			if unit.Track != known && !unit.Enters() {
				t.Fatal("the track changed within a group of pictures")
			}
			if unit.Track != known {
				checkVideo(t, unit.Track, read)
				known = unit.Track
			}
			again, class, err := repack(bytes.Clone(unit.Data), 4)
			if err != nil || !bytes.Equal(again, unit.Data) || unit.Sync != (class == IDR) || len(unit.Data) > 2*len(picture) {
				t.Fatalf("%x, repacked %x of class %d, %v", unit.Data, again, class, err)
			}
		}
	})
}

// FuzzSounds has every codec of audio read the same header.
func FuzzSounds(f *testing.F) {
	f.Fuzz(func(t *testing.T, header []byte) {
		before := bytes.Clone(header)
		for _, read := range []func([]byte) (*media.Track, error){
			AACTrack, OpusTrack, FLACTrack,
			func(frame []byte) (*media.Track, error) { return MP3Track(nil, frame) },
			func(frame []byte) (*media.Track, error) { return AC3Track(nil, frame) },
		} {
			track, err := read(header)
			if !bytes.Equal(header, before) {
				t.Fatal("the header was changed")
			}
			if err == nil {
				checkSound(t, track, header)
			}
		}
	})
}

// checkSound holds what the tracks of audio promise.
func checkSound(t *testing.T, track *media.Track, header []byte) {
	t.Helper()
	// AAC may have its channels described in the stream, and up to 24 of them.
	least, most := 1, maxChannels
	if track.Codec == media.AAC {
		least, most = 0, 24
	}
	if track.SampleRate < 1 || track.SampleRate > maxFLACRate || track.Channels < least || track.Channels > most {
		t.Fatalf("track %+v", track)
	}
	again := map[media.Codec]func(*media.Track, []byte) (*media.Track, error){media.MP3: MP3Track, media.AC3: AC3Track}[track.Codec]
	if again == nil {
		return
	}
	if same, err := again(track, header); err != nil || same != track {
		t.Fatalf("%+v, read again %+v, %v", track, same, err)
	}
}
