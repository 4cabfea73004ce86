package rtmp

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

func TestVideoTags(t *testing.T) {
	t.Parallel()
	d := new(demuxer)
	record := fromHex(t, record720)
	other := fromHex(t, "0142c00cffe100186742c00cd90141fb0110000003001000000301e0f142a48001000568cb83cb20")
	idr, slice := nals(4, "\x65abc"), nals(4, "\x41abc")

	none := func(data []byte) {
		t.Helper()
		if _, ok, err := d.pushVideo(1, data); ok || err != nil {
			t.Fatalf("tag %x: an access unit %v, %v", data, ok, err)
		}
	}
	bad := func(data []byte) {
		t.Helper()
		if _, ok, err := d.pushVideo(1, data); ok || !errors.Is(err, errBadUnit) {
			t.Fatalf("tag %x: an access unit %v, %v", data, ok, err)
		}
	}
	unit := func(timestamp uint32, data []byte, want media.AccessUnit) {
		t.Helper()
		got, ok, err := d.pushVideo(timestamp, bytes.Clone(data))
		if !ok || err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("tag %x: %+v, %v, %v; want %+v", data, got, ok, err, want)
		}
	}

	none(nil)
	bad(join(0x17, 1, be24(0), idr)) // No sequence header yet.
	bad(join(0x17, 0, be24(0), record[:20]))
	bad(join(0x17, 1, 0))
	none(join(0x17, 0, be24(0), record))
	first := d.pictures.track
	none(join(0x17, 0, be24(0), record))
	if d.pictures.track != first {
		t.Error("the same sequence header made a new track")
	}
	unit(100, join(0x17, 1, be24(40), idr), media.AccessUnit{Track: first, DTS: 100, PTS: 140, Sync: true, Data: idr})
	unit(100, join(0x27, 1, be24(0xfffff0), slice), media.AccessUnit{Track: first, DTS: 100, PTS: 84, Data: slice})
	unit(math.MaxUint32, join(0x27, 1, be24(1), slice), media.AccessUnit{Track: first, DTS: math.MaxUint32, PTS: 1 << 32, Data: slice})
	// The NAL units tell what an IDR picture is, whatever the tag says; what the
	// tag alone calls a keyframe is a recovery point.
	unit(100, join(0x17, 1, be24(0), slice), media.AccessUnit{Track: first, DTS: 100, PTS: 100, Recovery: true, Data: slice})
	unit(100, join(0x27, 1, be24(0), idr), media.AccessUnit{Track: first, DTS: 100, PTS: 100, Sync: true, Data: idr})
	bad(join(0x27, 1, be24(0), slice[:5]))
	none(join(0x57, 0))                       // A command frame.
	none(join(0x17, 2, be24(0)))              // End of sequence.
	none(join(0x27, 1, be24(0), nals(4, ""))) // Nothing inside.
	none(join(0x17, 0, be24(0), other))
	if d.pictures.track == first || d.pictures.track.Width != 320 {
		t.Errorf("another sequence header left the track %+v", d.pictures.track)
	}

	// Enhanced RTMP with the same codec.
	none(join(0x90, "avc1", record))
	second := d.pictures.track
	unit(100, join(0x91, "avc1", be24(40), idr), media.AccessUnit{Track: second, DTS: 100, PTS: 140, Sync: true, Data: idr})
	unit(100, join(0xa3, "avc1", slice), media.AccessUnit{Track: second, DTS: 100, PTS: 100, Data: slice})
	none(join(0xa2, "avc1"))
	none(join(0xa6, 0x01, "avc1", 1, slice)) // Another track.
	bad(join(0x91, "av"))
	bad(join(0x91, "avc1", 0))
}

func TestAudioTags(t *testing.T) {
	t.Parallel()
	d := new(demuxer)
	none := func(data []byte) {
		t.Helper()
		if _, ok, err := d.pushAudio(1, data); ok || err != nil {
			t.Fatalf("tag %x: an access unit %v, %v", data, ok, err)
		}
	}
	bad := func(data []byte) {
		t.Helper()
		if _, ok, err := d.pushAudio(1, data); ok || !errors.Is(err, errBadUnit) {
			t.Fatalf("tag %x: an access unit %v, %v", data, ok, err)
		}
	}
	unit := func(timestamp uint32, data []byte, want string) {
		t.Helper()
		got, ok, err := d.pushAudio(timestamp, data)
		at := media.Ticks(timestamp)
		if !ok || err != nil || !reflect.DeepEqual(got, media.AccessUnit{Track: d.sounds.track, DTS: at, PTS: at, Sync: true, Data: []byte(want)}) {
			t.Fatalf("tag %x: %+v, %v, %v", data, got, ok, err)
		}
	}
	track := func(codec media.Codec, rate, channels int) {
		t.Helper()
		if a := d.sounds.track; a.Codec != codec || a.SampleRate != rate || a.Channels != channels || a.Timescale != 1000 || a.Kind != media.Audio {
			t.Fatalf("track %+v", a)
		}
	}

	none(nil)
	bad(join(0xaf))
	bad(join(0xaf, 1, "data"))
	bad(join(0xaf, 0))
	bad(join(0xaf, 0, 0xff, 0xff, 0xff))
	bad(join(0xaf, 0, 0x11, 0x90, text(300)))
	none(join(0xaf, 0, 0x11, 0x90))
	track(media.AAC, 48_000, 2)
	first := d.sounds.track
	unit(7, join(0xaf, 1, "data"), "data")
	none(join(0xaf, 0, 0x11, 0x90))
	none(join(0xaf, 1))
	none(join(0xaf, 2, "?"))
	if d.sounds.track != first {
		t.Error("the same sequence header made a new track")
	}
	none(join(0xaf, 0, 0x12, 0x08))
	track(media.AAC, 44_100, 1)
	none(join(0xaf, 0, 0x2b, 0x92, 0x08, 0x00)) // HE-AAC: the core's rate counts.
	track(media.AAC, 22_050, 2)
	none(join(0x90, "mp4a", 0x11, 0xb0)) // Enhanced RTMP, 5.1.
	track(media.AAC, 48_000, 6)
	unit(8, join(0x91, "mp4a", "data"), "data")
	none(join(0x95, 0x01, "mp4a", 1, "data")) // Another track.
	bad(join(0x91, "m"))

	mp3 := join(0xff, 0xfb, 0x90, 0x64, "data")
	unit(9, join(0x2f, mp3), string(mp3))
	track(media.MP3, 44_100, 2)
	third := d.sounds.track
	unit(10, join(0x2f, mp3), string(mp3))
	if d.sounds.track != third {
		t.Error("the same MP3 header made a new track")
	}
	mono := join(0xff, 0xf3, 0x90, 0xc4, "data")
	unit(11, join(0x2e, mono), string(mono))
	track(media.MP3, 22_050, 1)
	bad(join(0x2f, "data"))
	bad(join(0x2f, 0xff, 0xfb, 0x9c, 0x64)) // A reserved sampling rate.
	bad(join(0x2f, 0xff, 0xeb, 0x90, 0x64)) // A reserved version.
	bad(join(0xaf, 1, "data"))              // AAC again, but its header is of the past.
	none(join(0x2f))
}

// TestRejectedCodecs: creators learn which codec it is and what to choose.
func TestRejectedCodecs(t *testing.T) {
	t.Parallel()
	push := func(data []byte, video bool) error {
		d := new(demuxer)
		if video {
			_, _, err := d.pushVideo(0, data)
			return err
		}
		_, _, err := d.pushAudio(0, data)
		return err
	}
	for _, c := range []struct {
		in    []byte
		video bool
		says  string
	}{
		{join(0x1d, 0, be24(0)), true, "AV1 in a private form"},
		{join(0x91, "vvc1", 0), true, "VVC"},
		{join(0xa6, 0x01, "vp09", 0, 0), true, "VP9"},
		{join(0x91, "vp09", 0), true, "VP9"},
		{join(0x93, "vp08", 0), true, "VP8"},
		{join(0x93, "x\x00\x1bz", 0), true, `"xz"`},
		{join(0x12, 0), true, "H.263"},
		{join(0x14), true, "VP6"},
		{join(0x13), true, "Screen"},
		{join(0x1f, 0), true, "codec 15"},
		{join(0x91, "ec-3", 0), false, "E-AC-3"},
		{join(0x91, "????", 0), false, "????"},
		{join(0xdf, 0), false, "Opus"},
		{join(0xbf, 0), false, "Speex"},
		{join(0x3f, 0), false, "PCM"},
		{join(0x1f, 0), false, "ADPCM"},
		{join(0x5f, 0), false, "Nellymoser"},
		{join(0x7f, 0), false, "G.711"},
		{join(0xff, 0), false, "format 15"},
	} {
		err := push(c.in, c.video)
		if reasonOf(err) != ingest.UnsupportedCodec || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "In OBS: Settings, Output, Streaming") {
			t.Errorf("tag %x: %v, want it to say %s", c.in, err, c.says)
		}
	}
	if err := push(join(0x91, ".mp3", 0xff, 0xfb, 0x90, 0x64), false); err != nil {
		t.Errorf("MP3 in Enhanced RTMP: %v", err)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	obs := amfObject{
		{"duration", 0.0},
		{"width", 1920.0},
		{"height", 1080.0},
		{"videocodecid", "avc1"},
		{"videodatarate", 6000.0},
		{"framerate", 60.0},
		{"audiocodecid", "mp4a"},
		{"audiodatarate", 160.0},
		{"audiosamplerate", 48_000.0},
		{"stereo", true},
		{"encoder", "obs-output module (libobs version 30.1.2)"},
	}
	full := ingest.Metadata{
		Encoder: "obs-output module (libobs version 30.1.2)", FrameRate: 60,
		VideoBitrate: 6_000_000, AudioBitrate: 160_000, HasVideo: new(true), HasAudio: new(true),
	}
	for _, c := range []struct {
		name string
		in   []byte
		want ingest.Metadata
		ok   bool
	}{
		{"OBS", appendAMF0(nil, "@setDataFrame", "onMetaData", obs), full, true},
		{"without @setDataFrame", appendAMF0(nil, "onMetaData", obs), full, true},
		{"nothing said", appendAMF0(nil, "onMetaData", amfObject{}), ingest.Metadata{}, true},
		{
			"video only", appendAMF0(nil, "onMetaData", amfObject{{"videocodecid", 7.0}}),
			ingest.Metadata{HasVideo: new(true), HasAudio: new(false)},
			true,
		},
		{
			"flags", appendAMF0(nil, "onMetaData", amfObject{{"hasVideo", true}, {"hasAudio", false}, {"audiocodecid", 0.0}}),
			ingest.Metadata{HasVideo: new(true), HasAudio: new(false)},
			true,
		},
		{
			"impossible numbers", appendAMF0(nil, "onMetaData", amfObject{
				{"framerate", math.NaN()}, {"videodatarate", math.Inf(1)}, {"audiodatarate", -5.0}, {"encoder", 5.0},
			}),
			ingest.Metadata{},
			true,
		},
		{"another event", appendAMF0(nil, "onTextData", obs), ingest.Metadata{}, false},
		{"no object", appendAMF0(nil, "onMetaData", "x"), ingest.Metadata{}, false},
		{"an object first", appendAMF0(nil, obs, obs), ingest.Metadata{}, false},
		{"too long", join(appendAMF0(nil, "onMetaData", obs), text(maxMetadata)), ingest.Metadata{}, false},
		{"nothing", nil, ingest.Metadata{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got, _, ok := parseMetadata(c.in); ok != c.ok || !reflect.DeepEqual(got, c.want) {
				t.Errorf("read %+v, %v; want %+v, %v", got, ok, c.want, c.ok)
			}
		})
	}
}

func TestAggregate(t *testing.T) {
	t.Parallel()
	tag := func(typ, timestamp int, data string) []byte {
		return join(typ, be24(len(data)), be24(timestamp&0xffffff), timestamp>>24, be24(0), data, be32(uint32(11+len(data))))
	}
	for _, c := range []struct {
		name string
		in   []byte
		want []message
		bad  bool
	}{
		{
			"times follow the aggregate's",
			join(tag(8, 0x01000000, "a"), tag(9, 0x01000028, "bb"), tag(18, 0x01000030, "")),
			[]message{{8, 1, 5000, []byte("a")}, {9, 1, 5040, []byte("bb")}, {18, 1, 5048, nil}},
			false,
		},
		{"an aggregate inside is ignored", join(tag(22, 0, "x"), tag(8, 10, "a")), []message{{8, 1, 5010, []byte("a")}}, false},
		{"the last trailer is missing", tag(8, 0, "a")[:12], []message{{8, 1, 5000, []byte("a")}}, false},
		{"cut inside a header", join(tag(8, 0, "a"), 8, 0), []message{{8, 1, 5000, []byte("a")}}, true},
		{"a lying length", join(8, be24(1000), be24(0), 0, be24(0), "a"), nil, true},
		{"nothing", nil, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []message
			err := splitAggregate(message{typ: typeAggregate, stream: 1, timestamp: 5000, payload: c.in}, func(m message) error {
				got = append(got, m)
				return nil
			})
			if errors.Is(err, errAggregate) != c.bad || len(got) != len(c.want) {
				t.Fatalf("split into %v (%v), want %v", got, err, c.want)
			}
			for i := range got {
				if !sameMessage(got[i], c.want[i]) || cap(got[i].payload) != len(got[i].payload) {
					t.Errorf("message %d is %v, want %v", i, got[i], c.want[i])
				}
			}
		})
	}
}

// TestPictureTooLarge: nothing of such a stream could be used, so that its encoder is
// told, and not that no picture came. One of a further track costs that track.
func TestPictureTooLarge(t *testing.T) {
	t.Parallel()
	record := fromHex(t, "01420028ffe1000b67420028da00280008764001000468cb83cb") // 10240x4320
	d := new(demuxer)
	_, _, err := d.pushVideo(0, join(0x17, 0, be24(0), record))
	why, ok := errors.AsType[*ingest.Rejection](err)
	if !ok || errors.Is(err, errBadUnit) || why.Reason != ingest.ResolutionExceeded || !strings.HasPrefix(why.Message, "Your picture is 10240x4320") {
		t.Errorf("the encoder is told %v", err)
	}
	if _, ok, err := d.pushVideo(0, join(0x96, 0x00, "avc1", 1, record)); ok || err != nil || d.spoiled == nil {
		t.Errorf("of a further track: %v, %v, spoiled by %v", ok, err, d.spoiled)
	}
}
