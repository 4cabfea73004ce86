package publish

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// loop lays the rounds of a clip end to end, or those of several clips in turn,
// from time 0. Each round lasts exactly as long as its video, so that pictures
// keep their rhythm over the seam. Audio frames are longer than the remainder:
// they keep a rhythm of their own, at most half a frame away from the pictures
// they belong to, and do not drift, as every round is laid out anew.
type loop struct {
	clips   []clip
	forever bool
	// round counts those before this one, begin is where the pictures of this one
	// begin, and whole is the timing of its clip.
	round int64
	begin time.Duration
	whole timing
	audio audioGrid
	// further are those of further audio tracks, by their number.
	further map[int]*audioGrid
	// media says that the round has had a packet that is no header, and empty
	// counts the rounds before it that had none: where no clip has any, going on
	// would never end.
	media bool
	empty int
}

func newLoop(clips []clip, forever bool) *loop {
	whole := clips[0].timing()
	return &loop{
		clips: clips, forever: forever, whole: whole, begin: whole.pictures - whole.start,
		audio: audioGrid{frame: whole.audioFrame}, further: make(map[int]*audioGrid),
	}
}

// clip is what is played now, following what is played next, nil for nothing.
func (l *loop) clip() clip { return l.clips[l.round%int64(len(l.clips))] }

func (l *loop) following() clip {
	next := l.round + 1
	if !l.forever && next == int64(len(l.clips)) {
		return nil
	}
	return l.clips[next%int64(len(l.clips))]
}

// next returns the next packet with its time over all rounds.
func (l *loop) next() (packet, error) {
	for {
		p, err := l.clip().next()
		if errors.Is(err, io.EOF) && l.goesOn() {
			if err = l.turn(); err != nil {
				return packet{}, fmt.Errorf("start round %d: %w", l.round+1, err)
			}
			continue
		}
		if err != nil {
			return packet{}, err
		}
		if p.header {
			return p, nil
		}
		p.time += l.begin - l.whole.pictures
		if p.kind == kindAudio && !l.grid(&p).place(&p, l.audioEnd()) {
			continue
		}
		l.media = true
		return p, nil
	}
}

// grid is that of the packet's audio track.
func (l *loop) grid(p *packet) *audioGrid {
	if p.track == 0 {
		return &l.audio
	}
	g := l.further[p.track]
	switch {
	case g == nil:
		g = &audioGrid{frame: p.frame}
		l.further[p.track] = g
	case g.frame != p.frame:
		g.newRound(p.frame)
	}
	return g
}

// goesOn reports whether another round follows.
func (l *loop) goesOn() bool {
	if l.empty++; l.media && l.whole.length > 0 {
		l.empty = 0
	}
	return l.following() != nil && l.empty < len(l.clips)
}

// turn begins the next round.
func (l *loop) turn() error {
	if l.media {
		l.begin += l.whole.length
	}
	l.round++
	if err := l.clip().rewind(); err != nil {
		return err //nolint:wrapcheck // next says which round it was.
	}
	l.whole, l.media = l.clip().timing(), false
	l.audio.newRound(l.whole.audioFrame)
	for _, g := range l.further {
		g.newRound(g.frame)
	}
	return nil
}

// audioEnd is where the audio of the next round begins; without end if there
// is no next one.
func (l *loop) audioEnd() time.Duration {
	following := l.following()
	if following == nil {
		return 1<<63 - 1
	}
	next := following.timing()
	return l.begin + l.whole.length + next.audioStart - next.pictures
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

// newRound begins a round whose frames last as long as frame says. Those of
// another length have another rhythm.
func (g *audioGrid) newRound(frame time.Duration) {
	g.fresh = true
	if frame != g.frame {
		g.frame, g.count = frame, 0
	}
}

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
