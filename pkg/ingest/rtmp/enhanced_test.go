package rtmp

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"weir/pkg/media"
)

// What encoders of Debian 12's ffmpeg write: decoder configurations of x265 for
// 640x360 (without its SEI message) and of SVT-AV1 for the same, sequence
// headers of libopus and of FLAC, and the beginning of an AC-3 frame.
const (
	hevcRecord = "01016000000090000000" + "00003ff000fcfdf8f800000f03" +
		"200001001840010c01ffff016000000300900000030000030" + "03f959809" +
		"210001002a42010101600000030090000003000003003fa00502016965959a4932bc05a020000003002000000303c1" +
		"22000100074401c172b46240"
	av1Record = "81010c000a0b0000000cc4ff6700be0010"
	opusHead  = "4f7075734865616401023801" + "80bb0000000000"
	flacHead  = "664c614380000022" + "120012000000fc0005110bb802f000003840e5f051c128e84992c0cba99724092b51"
	ac3Frame  = "0b77fe95144043e106f46370"
)

func TestHEVCTags(t *testing.T) {
	t.Parallel()
	const idr, cra, bla, slice, sei, filler = "\x28\x01a", "\x2a\x01b", "\x20\x01c", "\x02\x01d", "\x4e\x01e", "\x4c\x01f"
	for name, start := range map[string]struct{ header, coded []byte }{
		"named":   {join(0x90, "hvc1"), join(0x91, "hvc1")},
		"private": {join(0x1c, 0, be24(0)), join(0x1c, 1)},
	} {
		d := new(demuxer)
		if _, ok, err := d.pushVideo(0, join(start.coded, be24(0), nals(4, idr))); ok || !errors.Is(err, errBadUnit) {
			t.Errorf("%s: before the sequence header: %v, %v", name, ok, err)
		}
		if _, ok, err := d.pushVideo(0, join(start.header, fromHex(t, hevcRecord))); ok || err != nil {
			t.Fatalf("%s: %v, %v", name, ok, err)
		}
		for _, c := range []struct {
			in             []string
			out            []string
			sync, recovery bool
		}{
			{[]string{sei, idr}, []string{sei, idr}, true, false},
			{[]string{cra}, []string{cra}, false, true},
			{[]string{bla, filler}, []string{bla}, false, true},
			{[]string{slice}, []string{slice}, false, false},
		} {
			got, ok, err := d.pushVideo(100, join(start.coded, be24(40), nals(4, c.in...)))
			want := media.AccessUnit{Track: d.pictures.track, DTS: 100, PTS: 140, Sync: c.sync, Recovery: c.recovery, Data: nals(4, c.out...)}
			if !ok || err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %q: %+v, %v, %v", name, c.in, got, ok, err)
			}
		}
		if _, ok, err := d.pushVideo(100, join(start.coded, be24(0), nals(4, sei))); ok || !errors.Is(err, errBadUnit) {
			t.Errorf("%s: no picture: %v, %v", name, ok, err)
		}
	}
}

func TestAV1Tags(t *testing.T) {
	t.Parallel()
	record := fromHex(t, av1Record)
	header := record[4:]
	delimiter, padding := []byte{0x12, 0}, []byte{0x7a, 1, 0x80}
	key, hidden, inter, shown := []byte{0x32, 2, 0x10, 7}, []byte{0x32, 2, 0x00, 7}, []byte{0x32, 2, 0x30, 7}, []byte{0x1a, 1, 0x80}
	for name, from := range map[string][]byte{
		"with a sequence header": record, "without": record[:4], "from the key frame": nil,
	} {
		d := new(demuxer)
		if _, ok, err := d.pushVideo(0, join(0x91, "av01", key)); ok || !errors.Is(err, errBadUnit) {
			t.Errorf("%s: before the sequence header: %v, %v", name, ok, err)
		}
		if from != nil {
			if _, ok, err := d.pushVideo(0, join(0x90, "av01", from)); ok || err != nil {
				t.Fatalf("%s: %v, %v", name, ok, err)
			}
		}
		for _, c := range []struct {
			in, out        []byte
			sync, recovery bool
		}{
			{join(delimiter, header, key, padding), join(header, key), true, false},
			{join(inter), inter, false, false},
			{join(header, hidden, shown), join(header, hidden, shown), false, false},
			{key, key, false, true},
		} {
			got, ok, err := d.pushVideo(100, join(0x91, "av01", c.in))
			want := media.AccessUnit{Track: d.pictures.track, DTS: 100, PTS: 100, Sync: c.sync, Recovery: c.recovery, Data: c.out}
			if !ok || err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %x: %+v, %v, %v; want %+v", name, c.in, got, ok, err, want)
			}
		}
		if d.pictures.track.Width != 640 || d.pictures.track.Height != 360 || !bytes.Equal(d.pictures.track.Config, record) {
			t.Errorf("%s: track %+v", name, d.pictures.track)
		}
		first := d.pictures.track
		if _, ok, err := d.pushVideo(0, join(0x90, "av01", from)); from != nil && (ok || err != nil || d.pictures.track != first) {
			t.Errorf("%s: the same header again: %v, %v", name, ok, err)
		}
		for _, in := range [][]byte{header, {0x32, 5, 0}, {0x80}, {0x32, 0xff, 0xff}} {
			if _, ok, err := d.pushVideo(0, join(0x91, "av01", in)); ok || !errors.Is(err, errBadUnit) {
				t.Errorf("%s: %x: %v, %v", name, in, ok, err)
			}
		}
	}
}

func TestNamedAudio(t *testing.T) {
	t.Parallel()
	frame := fromHex(t, ac3Frame)
	for _, c := range []struct {
		fourCC   string
		header   []byte
		frame    []byte
		codec    media.Codec
		rate     int
		channels int
		config   []byte
	}{
		{"Opus", fromHex(t, opusHead), []byte("data"), media.Opus, 48_000, 2, fromHex(t, opusHead)},
		{"fLaC", fromHex(t, flacHead), []byte("data"), media.FLAC, 48_000, 2, fromHex(t, flacHead)[8:]},
		{"fLaC", fromHex(t, flacHead)[8:], []byte("data"), media.FLAC, 48_000, 2, fromHex(t, flacHead)[8:]},
		{"ac-3", nil, frame, media.AC3, 48_000, 2, nil},
	} {
		d := new(demuxer)
		if c.header != nil {
			if _, ok, err := d.pushAudio(0, join(0x91, c.fourCC, c.frame)); ok || !errors.Is(err, errBadUnit) {
				t.Errorf("%s before its header: %v, %v", c.fourCC, ok, err)
			}
			if _, ok, err := d.pushAudio(0, join(0x90, c.fourCC, c.header)); ok || err != nil {
				t.Fatalf("%s: %v, %v", c.fourCC, ok, err)
			}
			if _, ok, err := d.pushAudio(0, join(0x90, c.fourCC, c.header[:12])); ok || !errors.Is(err, errBadUnit) {
				t.Errorf("%s, half a header: %v, %v", c.fourCC, ok, err)
			}
		}
		got, ok, err := d.pushAudio(7, join(0x91, c.fourCC, c.frame))
		want := media.AccessUnit{Track: d.sounds.track, DTS: 7, PTS: 7, Sync: true, Data: c.frame}
		if !ok || err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %+v, %v, %v", c.fourCC, got, ok, err)
		}
		if a := d.sounds.track; a.Codec != c.codec || a.SampleRate != c.rate || a.Channels != c.channels || !bytes.Equal(a.Config, c.config) {
			t.Errorf("%s: track %+v", c.fourCC, a)
		}
	}
	// A reserved sampling rate, too short, E-AC-3 in disguise, no sync word.
	for _, bad := range []string{"0b77fe95d44043e106f4", "0b77fe951440", "0b77fe95148043e106f4", "0b78fe95144043e106f4"} {
		d := new(demuxer)
		if _, ok, err := d.pushAudio(7, join(0x91, "ac-3", fromHex(t, bad))); ok || !errors.Is(err, errBadUnit) {
			t.Errorf("AC-3 frame %s: %v, %v", bad, ok, err)
		}
	}
}

// TestModExAndMultitrack: extensions are passed over, nanoseconds round the
// presentation time, and the default track is found among others.
func TestModExAndMultitrack(t *testing.T) {
	t.Parallel()
	slice, config := nals(4, "\x41abc"), fromHex(t, record720)
	sized := func(b []byte) []byte { return join(be24(len(b)), b) }
	nano := func(n, packet int) []byte { return join(2, be24(n), packet) }
	for _, c := range []struct {
		name   string
		in     []byte
		unit   bool
		pts    media.Ticks
		others int
		bad    bool
	}{
		{"nanoseconds", join(0xa7, nano(600_000, 3), "avc1", slice), true, 101, 0, false},
		{"few nanoseconds", join(0xa7, nano(499_999, 1), "avc1", be24(40), slice), true, 140, 0, false},
		{"more than a millisecond", join(0xa7, nano(0xffffff, 3), "avc1", slice), true, 101, 0, false},
		{"an unknown extension before", join(0xa7, 0, 0xaa, 0x17, nano(600_000, 3), "avc1", slice), true, 101, 0, false},
		{"a long extension", join(0xa7, 0xff, 1, 0, text(257), 0x13, "avc1", slice), true, 100, 0, false},
		{"one track", join(0xa6, 0x03, "avc1", 0, slice), true, 100, 0, false},
		{"another one", join(0xa6, 0x03, "avc1", 2, slice), false, 0, 1, false},
		{"many", join(0xa6, 0x13, "avc1", 1, sized([]byte("x")), 0, sized(slice), 2, sized(nil)), true, 100, 0, false},
		{"two of use", join(0xa6, 0x13, "avc1", 0, sized(slice), 2, sized(slice)), true, 100, 1, false},
		{"many codecs", join(0xa6, 0x23, "hvc1", 1, sized([]byte("x")), "avc1", 0, sized(slice)), true, 100, 0, false},
		{"the default one twice", join(0xa6, 0x13, "avc1", 0, sized(slice), 0, sized([]byte("x"))), true, 100, 0, false},
		{"an extension, then many", join(0xa7, nano(600_000, 6), 0x13, "avc1", 0, sized(slice)), true, 101, 0, false},
		{"a command", join(0xd1, 0), false, 0, 0, false},
		{"colours", join(0xd4, "avc1", "colorInfo"), false, 0, 0, false},
		{"MPEG-2 TS", join(0x95, "av01", "????"), false, 0, 0, false},
		{"nothing after the extension", join(0xa7, 2, be24(0)), false, 0, 0, true},
		{"a cut extension", join(0xa7, 0xff, 1), false, 0, 0, true},
		{"no extension", join(0xa7), false, 0, 0, true},
		{"no kind of tracks", join(0xa6), false, 0, 0, true},
		{"an unknown kind of tracks", join(0xa6, 0x33, "avc1", 0, slice), false, 0, 0, true},
		{"a lying size", join(0xa6, 0x13, "avc1", 0, be24(1000), slice), false, 0, 0, true},
		{"a cut track", join(0xa6, 0x23, "avc1"), false, 0, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := new(demuxer)
			for _, start := range [][]byte{join(0x17, 0, be24(0), config), join(0x96, 0, "avc1", 2, config)} {
				if _, _, err := d.pushVideo(0, start); err != nil {
					t.Fatal(err)
				}
			}
			got, ok, err := d.pushVideo(100, c.in)
			if ok != c.unit || errors.Is(err, errBadUnit) != c.bad || (err != nil) != c.bad || len(d.more) != c.others {
				t.Fatalf("%+v, %v, %v, of other tracks %+v", got, ok, err, d.more)
			}
			for _, u := range d.more {
				if u.Track.Number != 2 || u.DTS != 100 || !bytes.Equal(u.Data, slice) {
					t.Errorf("of another track %+v", u)
				}
			}
			if ok && (got.PTS != c.pts || got.DTS != 100 || !bytes.Equal(got.Data, slice)) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestCapabilities: who asks what Enhanced RTMP can do is told; others get the
// reply of old.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	_, address := serve(t, Config{Gate: newRecorder()})
	p := dial(t, address)
	p.call(0, "connect", 1.0, amfObject{{"app", "live"}, {"fourCcList", []any{"av01", "hvc1"}}})
	properties := p.expect("_result").object
	list, _ := properties.get("fourCcList").([]any)
	video, _ := properties.get("videoFourCcInfoMap").(amfObject)
	audio, _ := properties.get("audioFourCcInfoMap").(amfObject)
	if len(list) != 8 || video.get("hvc1") != 5.0 || audio.get("Opus") != 1.0 || properties.get("capsEx") != 14.0 {
		t.Errorf("asked: %+v", properties)
	}
	q := dial(t, address)
	q.connect()
	if got := capabilities(amfObject{{"app", "live"}}); got != nil {
		t.Errorf("not asked: %+v", got)
	}
}

// TestOtherTracksAreToldOnce: pictures of other tracks are handed on; what is passed
// over is counted and named, and does not break the stream.
func TestOtherTracksAreToldOnce(t *testing.T) {
	t.Parallel()
	gate := newRecorder()
	server, address := serve(t, Config{Gate: gate})
	p := dial(t, address)
	s := p.publish(gate)
	p.video(0, 0x17, 0, be24(0), fromHex(t, record720))
	p.video(0, 0x96, 0x00, "avc1", 1, fromHex(t, record720))
	for n := range uint32(3) {
		p.video(n, 0x17, 1, be24(0), nals(4, "\x65abc"))
		p.video(n, 0x96, 0x01, "avc1", 1, be24(0), nals(4, "\x65abc"))
		p.video(n, 0x96, 0x01, "vp09", 3, "picture")
		p.audio(n, 0x95, 0x11, "ec-3", 1, be24(1), "a", 2, be24(1), "b")
	}
	p.send(message{typ: typeDataAMF0, stream: 1, payload: appendAMF0(nil, "@setDataFrame", "onMetaData", amfObject{{"framerate", 25.0}})})
	p.call(1, "deleteStream", 4.0, nil, 1.0)
	if end := <-s.closed; !end.OnPurpose {
		t.Fatalf("the session ended %+v", end)
	}
	if n := len(s.of(media.Video)); n != 6 || len(s.of(media.Audio)) != 0 {
		t.Errorf("%d pictures, %d frames of audio", n, len(s.of(media.Audio)))
	}
	if m := s.metadata; len(m) != 2 || !m[0].OtherTracks || !m[1].OtherTracks || m[1].FrameRate != 25 {
		t.Errorf("metadata %+v", m)
	}
	if stats := server.Stats(); stats.OtherUnits != 9 || stats.BadUnits != 0 {
		t.Errorf("stats %+v", stats)
	}
}
