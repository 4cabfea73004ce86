package publish

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weir/pkg/media"
)

// TestAsTrack: what a packet says as a further track.
func TestAsTrack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in    packet
		want  string
		place int
	}{
		"an H.264 header":  {packet{kind: kindVideo, header: true, body: []byte("\x17\x00\x00\x00\x00record")}, "\x96\x00avc1\x03record", 0},
		"an H.264 picture": {packet{kind: kindVideo, key: true, place: 2, body: []byte("\x17\x01\x00\x00\x28data")}, "\x96\x01avc1\x03\x00\x00\x28data", 7},
		"a P picture":      {packet{kind: kindVideo, place: 2, body: []byte("\x27\x01\x00\x00\x00data")}, "\xa6\x01avc1\x03\x00\x00\x00data", 7},
		"an HEVC header":   {packet{kind: kindVideo, header: true, body: []byte("\x90hvc1record")}, "\x96\x00hvc1\x03record", 0},
		"an HEVC picture":  {packet{kind: kindVideo, place: 5, body: []byte("\xa1hvc1\x00\x00\x28data")}, "\xa6\x01hvc1\x03\x00\x00\x28data", 7},
		"an AV1 picture":   {packet{kind: kindVideo, key: true, body: []byte("\x91av01data")}, "\x96\x01av01\x03data", 0},
		"audio":            {packet{kind: kindAudio, body: []byte("\xaf\x01data")}, "", 0},
		"colours":          {packet{kind: kindVideo, header: true, body: []byte("\x94av01colorInfo")}, "", 0},
		"a track already":  {packet{kind: kindVideo, body: []byte("\x96\x01av01\x01data")}, "", 0},
		"Sorenson's codec": {packet{kind: kindVideo, body: []byte("\x12datadata")}, "", 0},
	} {
		got := asTrack(&c.in, 3)
		if c.want == "" {
			require.Nil(t, got, name)
			continue
		}
		require.Equal(t, c.want, string(got.body), name)
		require.Equal(t, c.place, got.place, name)
		require.Equal(t, 3, got.track, name)
		require.False(t, got.key, name)
	}
}

// scripted is a clip of given packets.
type scripted struct {
	packets []packet
	at      int
}

func (s *scripted) next() (packet, error) {
	if s.at == len(s.packets) {
		return packet{}, io.EOF
	}
	s.at++
	return s.packets[s.at-1], nil
}
func (s *scripted) rewind() error { s.at = 0; return nil }
func (*scripted) timing() timing  { return timing{video: true, length: 3} }

// TestTracksAreWoven: the first clip's packets and those of the others in order of
// time, for as long as the first lasts.
func TestTracksAreWoven(t *testing.T) {
	t.Parallel()
	clipOf := func(count int) *scripted {
		s := &scripted{packets: []packet{{kind: kindVideo, header: true, body: []byte("\x17\x00\x00\x00\x00record")}}}
		for i := range count {
			s.packets = append(s.packets,
				packet{kind: kindVideo, time: time.Duration(i), body: []byte("\x27\x01\x00\x00\x00data")},
				packet{kind: kindAudio, time: time.Duration(i), body: []byte("\xaf\x01data")})
		}
		return s
	}
	all := newTracks([]clip{clipOf(3), clipOf(5), clipOf(2)})
	for range 2 {
		var got []int
		last := time.Duration(0)
		for {
			p, err := all.next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			require.GreaterOrEqual(t, p.time, last)
			last = p.time
			if p.kind == kindVideo {
				got = append(got, p.track)
			}
		}
		require.Equal(t, []int{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1}, got)
		require.NoError(t, all.rewind())
	}
}

// TestAsSound: what audio says as a further track.
func TestAsSound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ entry, in, want string }{
		"an AAC header":   {"mp4a", "\xaf\x00config", "\x95\x00mp4a\x02config"},
		"an AAC frame":    {"mp4a", "\xaf\x01data", "\x95\x01mp4a\x02data"},
		"an Opus header":  {"Opus", "\x90OpusOpusHead", "\x95\x00Opus\x02OpusHead"},
		"a frame of AC-3": {"ac-3", "\x91ac-3data", "\x95\x01ac-3\x02data"},
	} {
		f, known := formOf(media.Audio, c.entry)
		require.True(t, known, name)
		got := asSound(packet{kind: kindAudio, body: []byte(c.in)}, f, 2)
		require.Equal(t, c.want, string(got.body), name)
		require.Equal(t, 2, got.track, name)
	}
}

// TestFurtherAudioOverTheSeam: each audio track keeps its frames end to end over the
// rounds, also one whose frames are shorter than those of the default one.
func TestFurtherAudioOverTheSeam(t *testing.T) {
	t.Parallel()
	const length, opus = 2 * time.Second, 20 * time.Millisecond
	aac := 1024 * time.Second / 48_000
	s := &script{whole: timing{video: true, length: length, audioFrame: aac}}
	for at := time.Duration(0); at < length; at += 40 * time.Millisecond {
		s.packets = append(s.packets, packet{kind: kindVideo, time: at, body: []byte{1}})
	}
	for at := time.Duration(0); at < length; at += aac {
		s.packets = append(s.packets, packet{kind: kindAudio, time: at, body: []byte{1}})
	}
	for at := 7 * time.Millisecond; at < length; at += opus {
		s.packets = append(s.packets, packet{kind: kindAudio, track: 1, frame: opus, time: at, body: []byte{1}})
	}
	l := newLoop([]clip{s}, true)
	last := map[int]time.Duration{}
	for l.round < 4 {
		p, err := l.next()
		require.NoError(t, err)
		if p.kind != kindAudio {
			continue
		}
		if before, ok := last[p.track]; ok {
			frame := map[int]time.Duration{0: aac, 1: opus}[p.track]
			require.InDelta(t, frame, p.time-before, float64(time.Microsecond), "track %d at %v", p.track, p.time)
		}
		last[p.track] = p.time
	}
}

// script is a clip of given packets and timing.
type script struct {
	scripted

	whole timing
}

func (s *script) timing() timing { return s.whole }
