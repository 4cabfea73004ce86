package publish

import (
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
		audioStart: audioStart.Round(unit), audioFrame: frame, video: true,
	}
	return m
}

// TestLoopsAreContinuous plays many rounds: pictures keep exactly their rhythm,
// audio frames never overlap and keep theirs, and the two do not drift apart.
func TestLoopsAreContinuous(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clip := makeClip(t)
		l := newLoop(clip, true)
		rounds := int64(rapid.IntRange(2, 40).Draw(t, "rounds"))
		var last, lastAudio time.Duration
		audio, picture := 0, 0
		for {
			p, err := l.next()
			require.NoError(t, err)
			if l.round == rounds {
				break
			}
			original := clip.packets[clip.at-1].time
			ideal := time.Duration(l.round)*clip.whole.length + original - clip.whole.start
			if p.kind == kindVideo {
				require.Equal(t, ideal, p.time, "picture %d", picture)
				require.Greater(t, p.time, last-1)
				last, picture = p.time, picture+1
				continue
			}
			require.InDelta(t, ideal, p.time, float64(clip.whole.audioFrame)*0.75+float64(gridTolerance), "audio frame %d of round %d drifts", audio, l.round)
			if audio > 0 {
				step := p.time - lastAudio
				require.GreaterOrEqual(t, step, clip.whole.audioFrame-gridTolerance, "audio frames overlap at %d in round %d", audio, l.round)
				require.Less(t, step, 5*clip.whole.audioFrame, "audio has a hole")
			}
			lastAudio, audio = p.time, audio+1
		}
	})
}

func TestAFileThatIsPlayedOnceKeepsItsTail(t *testing.T) {
	clip := &made{
		packets: []packet{{kind: kindVideo}, {kind: kindAudio, time: time.Hour}},
		whole:   timing{length: time.Second, audioFrame: time.Second, video: true},
	}
	l := newLoop(clip, false)
	for range clip.packets {
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
			l := newLoop(c, true)
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
