package publish

import (
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// made is a clip that was made up.
type made struct {
	packets []packet
	whole   timing
	at      int
}

func (m *made) timing() timing { return m.whole }

func (m *made) rewind() error {
	m.at = 0
	return nil
}

func (m *made) next() (packet, error) {
	if m.at == len(m.packets) {
		return packet{}, io.EOF
	}
	m.at++
	return m.packets[m.at-1], nil
}

// makeClip lays pictures and audio frames side by side, with the times of a
// file that has milliseconds or better ones.
func makeClip(t *rapid.T) *made {
	picture := time.Second * 1001 / time.Duration(rapid.SampledFrom([]int{24_000, 25_025, 30_000, 30_030, 60_000}).Draw(t, "rate"))
	frame := 1024 * time.Second / time.Duration(rapid.SampledFrom([]int{44_100, 48_000, 32_000}).Draw(t, "sampling rate"))
	pictures := rapid.IntRange(30, 300).Draw(t, "pictures")
	start := time.Duration(rapid.IntRange(0, 100).Draw(t, "start")) * time.Millisecond
	lead := time.Duration(rapid.IntRange(-60, 60).Draw(t, "audio lead")) * time.Millisecond
	frames := int(time.Duration(pictures)*picture/frame) + rapid.IntRange(-3, 3).Draw(t, "frames more")
	unit := rapid.SampledFrom([]time.Duration{time.Millisecond, time.Nanosecond}).Draw(t, "unit")
	m := &made{}
	for i := range pictures {
		m.packets = append(m.packets, packet{kind: kindVideo, time: (start + time.Duration(i)*picture).Round(unit), key: i == 0})
	}
	audioStart := max(0, start-lead)
	for i := range frames {
		m.packets = append(m.packets, packet{kind: kindAudio, time: (audioStart + time.Duration(i)*frame).Round(unit)})
	}
	slices.SortStableFunc(m.packets, func(a, b packet) int { return int(a.time - b.time) })
	m.whole = timing{
		start: min(start, audioStart).Round(unit), length: time.Duration(pictures) * picture,
		pictures: start, audioStart: audioStart.Round(unit), audioFrame: frame, video: true,
	}
	return m
}

// TestLoopsAreContinuous plays many rounds of one clip, and of several in turn:
// pictures keep exactly their rhythm, audio frames keep theirs and do not overlap,
// and the two do not drift apart.
func TestLoopsAreContinuous(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var clips []clip
		for range rapid.IntRange(1, 3).Draw(t, "clips") {
			clips = append(clips, makeClip(t))
		}
		l := newLoop(clips, true)
		rounds := int64(rapid.IntRange(2, 40).Draw(t, "rounds"))
		var last, lastAudio, lastFrame time.Duration
		begin := clips[0].timing().pictures - clips[0].timing().start
		audio, picture, round := 0, 0, int64(0)
		for {
			p, err := l.next()
			require.NoError(t, err)
			if l.round == rounds {
				break
			}
			if l.round != round {
				begin += clips[round%int64(len(clips))].timing().length
				round = l.round
			}
			now := clips[round%int64(len(clips))].(*made)
			ideal := begin + now.packets[now.at-1].time - now.whole.pictures
			if p.kind == kindVideo {
				require.Equal(t, ideal, p.time, "picture %d", picture)
				require.Greater(t, p.time, last-1)
				last, picture = p.time, picture+1
				continue
			}
			frame := now.whole.audioFrame
			require.InDelta(t, ideal, p.time, float64(frame)*0.75+float64(gridTolerance), "audio frame %d of round %d drifts", audio, round)
			if step := p.time - lastAudio; audio > 0 {
				least := frame
				if lastFrame != frame {
					least = lastFrame / 2 // there is no common rhythm
				}
				require.GreaterOrEqual(t, step, least-gridTolerance, "audio frames overlap at %d in round %d", audio, round)
				most := 5 * frame
				if len(clips) > 1 { // what one lacks at its end and the other at its beginning
					most = 120*time.Millisecond + 8*max(frame, lastFrame)
				}
				require.Less(t, step, most, "audio has a hole")
			}
			lastAudio, lastFrame, audio = p.time, frame, audio+1
		}
	})
}

// TestFilesThatArePlayedOnceInTurn end after the last one, whose tail is kept, and
// one without media is passed over.
func TestFilesThatArePlayedOnceInTurn(t *testing.T) {
	second := func() *made {
		return &made{
			packets: []packet{{kind: kindVideo, time: time.Minute, key: true}, {kind: kindVideo, time: time.Minute + time.Second/2}},
			whole:   timing{start: time.Minute, pictures: time.Minute, audioStart: time.Minute, length: time.Second, video: true},
		}
	}
	l := newLoop([]clip{second(), &made{packets: []packet{{kind: kindData, header: true}}}, second()}, false)
	var times []time.Duration
	for {
		p, err := l.next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if !p.header {
			times = append(times, p.time)
		}
	}
	require.Equal(t, []time.Duration{0, time.Second / 2, time.Second, 3 * time.Second / 2}, times)
}

// TestNothingToPlayEnds, however often it is repeated.
func TestNothingToPlayEnds(t *testing.T) {
	nothing := func() *made { return &made{packets: []packet{{kind: kindData, header: true}}} }
	l := newLoop([]clip{nothing(), nothing()}, true)
	for range 2 {
		p, err := l.next()
		require.NoError(t, err)
		require.True(t, p.header)
	}
	_, err := l.next()
	require.ErrorIs(t, err, io.EOF)
}

func TestAFileThatIsPlayedOnceKeepsItsTail(t *testing.T) {
	tail := &made{
		packets: []packet{{kind: kindVideo}, {kind: kindAudio, time: time.Hour}},
		whole:   timing{length: time.Second, audioFrame: time.Second, video: true},
	}
	l := newLoop([]clip{tail}, false)
	for range tail.packets {
		_, err := l.next()
		require.NoError(t, err)
	}
	_, err := l.next()
	require.ErrorIs(t, err, io.EOF)
}

// TestLoopOfRealClipHasNoSeam plays a real clip three times.
func TestLoopOfRealClipHasNoSeam(t *testing.T) {
	for name, hole := range map[string]time.Duration{
		"camera_720p60_4M_cbr.flv":        86 * time.Millisecond, // Its audio ends that much before its video.
		"src_bee_720p30.mp4":              25 * time.Millisecond,
		"opengop_bframes_720p30_44k1.mp4": 25 * time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			c, file, err := openFile(clipPath(t, name))
			require.NoError(t, err)
			defer file.Close()
			l := newLoop([]clip{c}, true)
			last := map[kind]time.Duration{kindVideo: -1, kindAudio: -1}
			longest := map[kind]time.Duration{}
			for l.round < 3 {
				p, err := l.next()
				require.NoError(t, err)
				if p.header {
					continue
				}
				if before := last[p.kind]; before >= 0 {
					longest[p.kind] = max(longest[p.kind], p.time-before)
				}
				require.Greater(t, p.time, last[p.kind])
				last[p.kind] = p.time
			}
			require.Less(t, longest[kindVideo], 34500*time.Microsecond)
			require.Less(t, longest[kindAudio], hole)
		})
	}
}
