package mpegts_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"weir/pkg/ingest"
	"weir/pkg/ingest/mpegts"
	"weir/pkg/media"
)

// film is n pictures with a keyframe each gop, each 3003 ticks long, and audio of
// one frame beside each.
func film(tb testing.TB, m *mux, first, n, gop int, sps string) {
	tb.Helper()
	for i := first; i < first+n; i++ {
		at := media.Ticks(i) * 3003
		picture := annexB(tb, "09f0", fmt.Sprintf("41%04x", i)+strings.Repeat("ab", 400))
		if i%gop == 0 {
			picture = annexB(tb, "09f0", sps, pps720, fmt.Sprintf("65%04x", i)+strings.Repeat("cd", 2000))
		}
		m.pes(videoPID, at+6006, at, i%gop == 0, picture)
		m.pes(audioPID, at, at, true, adts(byte(i>>8), byte(i), 1, 2, 3))
	}
}

func push(t *testing.T, d *mpegts.Demuxer, stream []byte) (video, audio []media.AccessUnit) {
	t.Helper()
	units, err := d.Push(stream)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range units {
		if u.Track.Kind == media.Video {
			video = append(video, u)
		} else {
			audio = append(audio, u)
		}
	}
	return video, audio
}

var both = []described{{videoPID, typeAVC}, {audioPID, typeADTS}}

func TestTracksAndTimes(t *testing.T) {
	t.Parallel()
	m, d := newMux(), mpegts.NewDemuxer(0)
	m.program(append(slices.Clone(both), described{otherPID, typeHEVC}, described{0x103, typeCues})...)
	film(t, m, 0, 10, 5, sps720)
	m.pes(otherPID, 0, 0, true, []byte{0, 0, 0, 1, 0x46, 1, 0x50})
	video, audio := push(t, d, m.out)
	if len(video) != 9 || len(audio) != 10 { // a picture ends where the next begins
		t.Fatalf("%d pictures and %d frames", len(video), len(audio))
	}
	for i, u := range video {
		if u.DTS != media.Ticks(i)*3003 || u.PTS != u.DTS+6006 || u.Sync != (i%5 == 0) || u.Recovery {
			t.Errorf("picture %d: %+v", i, u)
		}
		if u.Data[4] == 9 || u.Data[4]&0x1f == 7 {
			t.Errorf("picture %d begins with NAL unit type %d", i, u.Data[4]&0x1f)
		}
	}
	if track := video[0].Track; track.Width != 1280 || track.Height != 720 || video[8].Track != track {
		t.Errorf("track %+v", track)
	}
	if track := audio[0].Track; track.SampleRate != 48_000 || track.Channels != 2 || audio[9].Track != track {
		t.Errorf("track %+v", track)
	}
	if got, ok := d.Metadata(); !ok || !*got.HasVideo || !*got.HasAudio || !got.OtherTracks {
		t.Errorf("metadata %+v", got)
	}
	if s := d.Stats(); s.OtherUnits != 1 || s.BadUnits != 0 {
		t.Errorf("%+v", s)
	}
	if last := d.End(); len(last) != 1 || last[0].DTS != 9*3003 {
		t.Errorf("at the end %+v", last)
	}
}

// TestLostPacket: what a packet belongs to is thrown away, and video goes on with
// the next keyframe.
func TestLostPacket(t *testing.T) {
	t.Parallel()
	m, d := newMux(), mpegts.NewDemuxer(0)
	m.program(both...)
	film(t, m, 0, 7, 5, sps720)
	before := len(m.out)
	film(t, m, 7, 1, 5, sps720)
	m.out = slices.Delete(m.out, before+188, before+376) // the middle of picture 7
	film(t, m, 8, 7, 5, sps720)
	video, audio := push(t, d, m.out)
	var got []media.Ticks
	for _, u := range video {
		got = append(got, u.DTS/3003)
	}
	if want := []media.Ticks{0, 1, 2, 3, 4, 5, 6, 10, 11, 12, 13}; !slices.Equal(got, want) || len(audio) != 15 {
		t.Errorf("pictures %d and %d frames of audio", got, len(audio))
	}
	if s := d.Stats(); s.Gaps != 1 || s.BadUnits != 1 || s.Waited != 2 {
		t.Errorf("%+v", s)
	}
}

// TestRepeatedPacket: a packet may come twice (2.4.3.3).
func TestRepeatedPacket(t *testing.T) {
	t.Parallel()
	m, d := newMux(), mpegts.NewDemuxer(0)
	m.program(both...)
	film(t, m, 0, 5, 5, sps720)
	var twice []byte
	for p := range slices.Chunk(m.out, 188) {
		twice = append(append(twice, p...), p...)
	}
	video, audio := push(t, d, twice)
	if s := d.Stats(); len(video) != 4 || len(audio) != 5 || s.Gaps+s.BadUnits+s.Damaged != 0 {
		t.Errorf("%d pictures, %d frames, %+v", len(video), len(audio), s)
	}
}

// TestProgramChanges: another codec, another size, another PID, no audio.
func TestProgramChanges(t *testing.T) {
	t.Parallel()
	m, d := newMux(), mpegts.NewDemuxer(0)
	m.program(both...)
	film(t, m, 0, 3, 5, sps720)
	m.program(both...)
	video, _ := push(t, d, m.out)
	if d.Stats().Changes != 0 {
		t.Error("the same program counts as another")
	}
	before := video[0].Track
	m.out = nil
	film(t, m, 5, 3, 5, sps360)
	video, _ = push(t, d, m.out)
	if track := video[len(video)-1].Track; track == before || track.Width != 640 || track.Height != 360 {
		t.Errorf("after the change %+v", track)
	}
	m.out = nil
	m.program(described{videoPID, typeAVC})
	film(t, m, 10, 3, 5, sps360)
	video, audio := push(t, d, m.out)
	if len(video) != 3 || len(audio) != 0 || d.Stats().Changes != 1 {
		t.Errorf("without audio: %d pictures, %d frames, %+v", len(video), len(audio), d.Stats())
	}
	if got, _ := d.Metadata(); *got.HasAudio {
		t.Error("audio is still promised")
	}
	m.out = nil
	m.program(described{videoPID, typeHEVC}, described{audioPID, typeADTS})
	film(t, m, 15, 3, 5, sps360)
	if video, audio = push(t, d, m.out); len(audio) != 3 || len(video) != 0 || d.Stats().Changes != 2 {
		t.Errorf("H.264 that is called HEVC: %d pictures, %d frames, %+v", len(video), len(audio), d.Stats())
	}
}

func TestRefusedCodecs(t *testing.T) {
	t.Parallel()
	for typ, words := range map[byte]string{typeMPEG2: "The video is MPEG-2", 0x33: "VVC", 0x87: "The audio is E-AC-3"} {
		m := newMux()
		m.program(described{videoPID, typ})
		_, err := mpegts.NewDemuxer(0).Push(m.out)
		why, ok := errors.AsType[*ingest.Rejection](err)
		if !ok || why.Reason != ingest.UnsupportedCodec || !strings.Contains(why.Message, words) {
			t.Errorf("stream type %#x: %v", typ, err)
		}
	}
	m := newMux()
	m.program(described{videoPID, typeMPEG2}, described{otherPID, typeAVC})
	if _, err := mpegts.NewDemuxer(0).Push(m.out); err != nil {
		t.Errorf("beside video that is taken: %v", err)
	}
}

// TestFramesAcrossPackets: a frame of audio may end in the next PES packet, whose
// time is that of the first frame that begins there.
func TestFramesAcrossPackets(t *testing.T) {
	t.Parallel()
	m, d := newMux(), mpegts.NewDemuxer(0)
	m.program(both...)
	var all []byte
	for i := range byte(6) {
		all = append(all, adts(bytes.Repeat([]byte{i}, 93)...)...)
	}
	for i, piece := range [][]byte{all[:250], all[250:420], all[420:]} {
		at := media.Ticks(1<<33-1920) + media.Ticks([]int{0, 3, 5}[i])*1920 // at the wrap of the clock
		m.pes(audioPID, at&(1<<33-1), at&(1<<33-1), true, piece)
	}
	_, audio := push(t, d, m.out)
	if len(audio) != 6 || d.Stats().BadUnits != 0 {
		t.Fatalf("%d frames, %+v", len(audio), d.Stats())
	}
	for i, u := range audio {
		if want := (media.Ticks(1<<33-1920) + media.Ticks(i)*1920) & (1<<33 - 1); u.PTS != want || len(u.Data) != 93 || u.Data[0] != byte(i) {
			t.Errorf("frame %d at %d, want %d", i, u.PTS, want)
		}
	}
}

// TestStrayBytes: whatever stands between packets costs what it touches.
func TestStrayBytes(t *testing.T) {
	t.Parallel()
	m, d := newMux(), mpegts.NewDemuxer(0)
	m.program(both...)
	film(t, m, 0, 20, 5, sps720)
	stream := slices.Insert(slices.Clone(m.out), 188*40, bytes.Repeat([]byte{0x47, 1, 2}, 33)...)
	stream = append([]byte("GET / HTTP/1.1\r\n"), stream...)
	video, _ := push(t, d, stream)
	if len(video) < 10 || d.Stats().Damaged == 0 || d.Spoiled() == nil {
		t.Errorf("%d pictures, %+v, %v", len(video), d.Stats(), d.Spoiled())
	}
}

// TestBoundedUnit: an access unit has a largest size.
func TestBoundedUnit(t *testing.T) {
	t.Parallel()
	m, d := newMux(), mpegts.NewDemuxer(10_000)
	m.program(both...)
	m.pes(videoPID, 0, 0, true, bytes.Repeat([]byte{1}, 100_000))
	film(t, m, 0, 3, 5, sps720)
	if video, _ := push(t, d, m.out); len(video) != 2 || d.Stats().BadUnits != 1 {
		t.Errorf("%d pictures, %+v", len(video), d.Stats())
	}
}

// TestAnyDamage: flipped bits and lost packets anywhere never end a stream that
// goes on intact.
func TestAnyDamage(t *testing.T) {
	t.Parallel()
	m := newMux()
	for i := range 40 {
		m.program(both...)
		film(t, m, 5*i, 5, 5, sps720)
	}
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		stream := slices.Clone(m.out)
		hurt := len(stream) / 2
		for range 200 {
			stream[r.IntN(hurt)] ^= byte(1 << r.IntN(8))
		}
		d := mpegts.NewDemuxer(0)
		units, err := d.Push(stream)
		if err != nil {
			continue // a program map of codecs that Weir does not take, with a right checksum
		}
		if last := units[len(units)-1]; last.DTS != 199*3003 || len(units) < 180 {
			t.Errorf("seed %d: %d units, the last at %d, %+v", seed, len(units), last.DTS/3003, d.Stats())
		}
	}
}

// TestPictureTooLarge: nothing of such a stream could be used.
func TestPictureTooLarge(t *testing.T) {
	t.Parallel()
	m, d := newMux(), mpegts.NewDemuxer(0)
	m.program(described{videoPID, typeAVC})
	for i := range media.Ticks(2) { // a PES packet of video ends where the next begins
		m.pes(videoPID, 3000*i, 3000*i, true, annexB(t, "67420028da002800087640", pps720, "65aabb")) // 10240x4320
	}
	_, err := d.Push(m.out)
	why, ok := errors.AsType[*ingest.Rejection](err)
	if !ok || why.Reason != ingest.ResolutionExceeded || !strings.HasPrefix(why.Message, "Your picture is 10240x4320") {
		t.Errorf("the encoder is told %v", err)
	}
}

func FuzzDemuxer(f *testing.F) {
	m := newMux()
	m.program(append(slices.Clone(both), described{otherPID, typeADTS})...)
	film(f, m, 0, 3, 2, sps720)
	f.Add(m.out)
	f.Add(m.out[100:])
	for _, typ := range []byte{0x03, 0x06, 0x11, 0x81, typeHEVC} {
		m := newMux()
		m.said = map[uint16][]byte{audioPID: {0x0a, 4, 'd', 'e', 'u', 3, 0x7f, 5, 6, 0x05, 'e', 'n', 'g'}}
		m.program(described{audioPID, typ}, described{videoPID, typ})
		m.pes(audioPID, 1, 1, true, []byte{0xff, 0xfb, 0x90, 0x64, 0x0b, 0x77, 0, 0, 0x14, 0x40, 0x56, 0xe0, 4, 0x20, 0, 0x11, 0x90})
		f.Add(m.out)
	}
	f.Fuzz(demuxAny)
}

// demuxAny reads a stream in pieces as they come over SRT, and holds what comes of it.
func demuxAny(t *testing.T, stream []byte) {
	t.Helper()
	const most, mostSounds = 64 << 10, 16
	d := mpegts.NewDemuxer(most)
	for piece := range slices.Chunk(stream, 1316) {
		units, err := d.Push(piece)
		if err != nil {
			if _, ok := errors.AsType[*ingest.Rejection](err); !ok {
				t.Fatal(err)
			}
			return
		}
		checkUnits(t, units, most)
		if m, _ := d.Metadata(); len(m.AudioTracks) > mostSounds {
			t.Fatalf("%d tracks of audio", len(m.AudioTracks))
		}
	}
	checkUnits(t, d.End(), most)
}

// checkUnits holds what every access unit promises.
func checkUnits(t *testing.T, units []media.AccessUnit, most int) {
	t.Helper()
	for _, u := range units {
		switch {
		case u.Track == nil || u.Track.Codec == "" || len(u.Data) == 0 || len(u.Data) > 2*most:
			t.Fatalf("access unit %+v", u)
		case u.DTS < 0 || u.DTS >= 1<<33 || u.PTS < 0 || u.PTS >= 1<<33:
			t.Fatalf("access unit at %d, %d", u.DTS, u.PTS)
		case u.Track.Kind == media.Video && (u.Track.Width <= 0 || len(u.Track.Config) == 0):
			t.Fatalf("track %+v", u.Track)
		case u.Track.Kind == media.Audio && (u.Track.SampleRate <= 0 || !u.Sync):
			t.Fatalf("track %+v", u.Track)
		}
	}
}
