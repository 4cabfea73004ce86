package transcode

import (
	"time"

	"weir/pkg/media"
)

// ledger knows what the workers of one supervisor have delivered, so that a
// restarted one goes on where its predecessor fell and nothing is delivered
// twice.
type ledger interface {
	// restarted is called before a new worker's first output.
	restarted()
	// rested is called when nothing comes of a rung for now.
	rested(rung int)
	// accept reports whether c is wanted, and enters it.
	accept(c Coded) bool
	// resume returns the index in b from which a new worker has to be fed.
	resume(b *backlog) (int, bool)
	// progress grows whenever something has been completed.
	progress() uint64
}

// rungLedger is the video's: a rung has completed a segment when it starts a
// later one.
type rungLedger struct {
	rungs []rungEntry
}

type rungEntry struct {
	// next is the lowest segment that is not complete.
	next uint64
	// open is true once this worker has reached it.
	open bool
	// resting is true while nothing is to come of the rung.
	resting bool
}

func newRungLedger(rungs int) *rungLedger {
	return &rungLedger{rungs: make([]rungEntry, rungs)}
}

func (l *rungLedger) restarted() {
	for i := range l.rungs {
		l.rungs[i].open = false
	}
}

func (l *rungLedger) rested(rung int) {
	l.rungs[rung].open, l.rungs[rung].resting = false, true
}

func (l *rungLedger) accept(c Coded) bool {
	r := &l.rungs[c.Rung]
	if c.Starts {
		r.open = c.MSN >= r.next
		r.next = max(r.next, c.MSN)
		r.resting = false
	}
	return r.open
}

func (l *rungLedger) resume(b *backlog) (int, bool) { return b.anchor(l.progress()) }

// progress is the lowest segment that some rung at work has not completed.
func (l *rungLedger) progress() uint64 {
	var lowest uint64
	found := false
	for _, r := range l.rungs {
		if !r.resting && (!found || r.next < lowest) {
			lowest, found = r.next, true
		}
	}
	return lowest
}

// noLedger is for workers that make nothing: what one was sent is done with.
type noLedger struct{}

func (noLedger) restarted() {}

func (noLedger) rested(int) {}

func (noLedger) accept(Coded) bool { return false }

func (noLedger) resume(b *backlog) (int, bool) { return b.next, true }

func (noLedger) progress() uint64 { return 0 }

// audioPreroll is how far before the first missing sample a restarted audio
// worker is fed, for the decoder and the encoder to have settled.
const audioPreroll = 250 * time.Millisecond

// audioLedger is the audio's: access units follow each other by PTS.
type audioLedger struct {
	last  media.Ticks
	scale media.Timescale
	count uint64
}

func (*audioLedger) restarted() {}

func (*audioLedger) rested(int) {}

func (l *audioLedger) accept(c Coded) bool {
	if l.count > 0 && c.AU.PTS <= l.last && c.AU.Track.Timescale == l.scale {
		return false
	}
	l.last, l.scale = c.AU.PTS, c.AU.Track.Timescale
	l.count++
	return true
}

func (l *audioLedger) resume(b *backlog) (int, bool) {
	if l.count == 0 {
		return b.anchorAt(0)
	}
	return b.anchorAt(l.scale.Duration(l.last) - audioPreroll)
}

// progress counts seconds, so that a worker that dies at once makes none.
func (l *audioLedger) progress() uint64 { return l.count / 50 }
