package rtmp

import (
	"slices"
	"testing"

	"weir/pkg/ingest"
	"weir/pkg/media"
)

// TestAudioTracks: those of a publisher are handed on under their numbers, whether one
// or many are in a message, once it is known what they are.
func TestAudioTracks(t *testing.T) {
	t.Parallel()
	gate := newRecorder()
	server, address := serve(t, Config{Gate: gate})
	p := dial(t, address)
	s := p.publish(gate)
	p.send(message{typ: typeDataAMF0, stream: 1, payload: appendAMF0(nil, "@setDataFrame", "onMetaData", amfObject{
		{"audioTrackIdInfoMap", amfObject{
			{"0", amfObject{{"language", "deu"}}},
			{"1", amfObject{{"language", "eng"}, {"title", "The \"game\""}}},
			{"x", amfObject{{"language", "fra"}}},
			{"300", amfObject{}},
			{"2", "fra"},
		}},
	})})
	p.audio(0, audioStart())
	p.audio(0, 0x95, 0x00, "mp4a", 1, "\x11\x88") // 48 kHz mono
	p.audio(0, 0x95, 0x00, "Opus", 3, fromHex(t, opusHead))
	for n := range uint32(3) {
		p.audio(n, audioFrame())
		p.audio(n, 0x95, 0x01, "mp4a", 1, "one")
		p.audio(n, 0x95, 0x21, "Opus", 3, be24(5), "three", ".mp3", 4, be24(4), "\xff\xfb\x90\x64")
		p.audio(n, 0x95, 0x01, "mp4a", 9, "before its header")
	}
	p.call(1, "deleteStream", 4.0, nil, 1.0)
	<-s.closed
	counts := map[int]int{}
	for _, u := range s.of(media.Audio) {
		counts[u.Track.Number]++
		switch {
		case u.Track.Number == 1 && (u.Track.Codec != media.AAC || u.Track.Channels != 1 || string(u.Data) != "one"),
			u.Track.Number == 3 && (u.Track.Codec != media.Opus || string(u.Data) != "three"),
			u.Track.Number == 4 && u.Track.Codec != media.MP3, u.Track.Timescale != flvTimescale:
			t.Errorf("%+v of %+v", u, u.Track)
		}
	}
	if len(counts) != 4 || counts[0] != 3 || counts[1] != 3 || counts[3] != 3 || counts[4] != 3 {
		t.Errorf("access units by track: %v", counts)
	}
	want := []ingest.AudioTrack{
		{Language: "de"}, {Number: 1, Language: "en", Label: "The game"}, {Number: 3}, {Number: 4},
	}
	for i, m := range s.metadata {
		if got := want[:min(2+i, len(want))]; !slices.Equal(m.AudioTracks, got) {
			t.Errorf("told %d: %+v, want %+v", i, m.AudioTracks, got)
		}
	}
	if len(s.metadata) != 3 {
		t.Errorf("told %d times", len(s.metadata))
	}
	if stats := server.Stats(); stats.OtherUnits != 0 || stats.BadUnits != 3 {
		t.Errorf("%+v", stats)
	}
}

// TestTooManyAudioTracks: those above the limit are told of.
func TestTooManyAudioTracks(t *testing.T) {
	t.Parallel()
	d := new(demuxer)
	for number := range 40 {
		if _, _, err := d.pushAudio(0, join(0x95, 0x00, "mp4a", number, "\x11\x88")); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.metadata.AudioTracks) != maxSounds || d.passedOver != 24 {
		t.Errorf("%d tracks are named, %d tags passed over", len(d.metadata.AudioTracks), d.passedOver)
	}
}
