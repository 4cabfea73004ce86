package publish

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// loop lays the rounds of a clip end to end, from time 0. Each round lasts
// exactly as long as the video, so that pictures keep their rhythm over the
// seam. Audio frames are longer than the remainder: they keep a rhythm of their
// own, at most half a frame away from the pictures they belong to, and do not
// drift, as every round is laid out anew.
type loop struct {
	clip    clip
	whole   timing
	forever bool
	round   int64
	audio   audioGrid
	// media says that the round has had a packet that is no header; without
	// one the next round would be as empty.
	media bool
}

func newLoop(c clip, forever bool) *loop {
	l := &loop{clip: c, whole: c.timing(), forever: forever}
	l.audio.frame = l.whole.audioFrame
	return l
}

// next returns the next packet with its time over all rounds.
func (l *loop) next() (packet, error) {
	for {
		p, err := l.clip.next()
		if errors.Is(err, io.EOF) && l.forever && l.media && l.whole.length > 0 {
			if err = l.clip.rewind(); err != nil {
				return packet{}, fmt.Errorf("start round %d: %w", l.round+2, err)
			}
			l.round++
			l.media = false
			l.audio.newRound()
			continue
		}
		if err != nil {
			return packet{}, err
		}
		if p.header {
			return p, nil
		}
		p.time += time.Duration(l.round)*l.whole.length - l.whole.start
		if p.kind == kindAudio && !l.audio.place(&p, l.audioEnd()) {
			continue
		}
		l.media = true
		return p, nil
	}
}

// audioEnd is where the audio of the next round begins; without end if there
// is no next one.
func (l *loop) audioEnd() time.Duration {
	if !l.forever {
		return 1<<63 - 1
	}
	return time.Duration(l.round+1)*l.whole.length + l.whole.audioStart - l.whole.start
}

// audioGrid keeps audio frames end to end over the seams.
type audioGrid struct {
	// frame is 0 if it is not known; then nothing is moved.
	frame time.Duration
	// anchor is the time of the first of count frames in a row.
	anchor time.Duration
	count  int64
	// shift is what the round's frames are moved by.
	shift time.Duration
	fresh bool
}

// gridTolerance covers times that were rounded to milliseconds.
const gridTolerance = 2 * time.Millisecond

func (g *audioGrid) newRound() { g.fresh = true }

// place moves an audio packet; it is false where the packet reaches too far
// into the next round, which starts at end.
func (g *audioGrid) place(p *packet, end time.Duration) bool {
	if g.frame == 0 {
		return p.time < end
	}
	due := g.anchor + time.Duration(g.count)*g.frame
	if g.fresh {
		g.fresh, g.shift = false, 0
		// A gap of more is left to be heard, so that nothing moves further.
		if gap := due - p.time; g.count > 0 && 4*max(gap, -gap) <= 3*g.frame {
			g.shift = gap
		}
	}
	p.time += g.shift
	if p.time+g.frame/2 > end {
		return false
	}
	if off := p.time - due; g.count == 0 || off > gridTolerance || off < -gridTolerance {
		g.anchor, g.count = p.time, 0
	}
	g.count++
	return true
}
