package publish

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
