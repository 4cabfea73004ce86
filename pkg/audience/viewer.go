package audience

import (
	"time"

	"weir/pkg/cmcd"
)

const (
	// sampleEvery is the time between two samples of what one player tells, in
	// ms, so that histograms count viewers' time and not their requests: who plays
	// parts asks ten times as often as who plays segments.
	sampleEvery = 5000
	// oneStall is how long after one report of a stall the next is about the same
	// one, in ms: a player tells it with its next request for each of video and
	// audio, and goes on telling that it stands.
	oneStall = 2000
	// longestStart is how late a player may begin and still be thought to have
	// wanted to, in ms.
	longestStart = 60_000
	// someBuffer is the least that a player has ahead when it plays.
	someBuffer = 100 * time.Millisecond
)

// The two kinds of renditions that a viewer plays at once.
const (
	video = iota
	audio
	kinds
)

// viewer is one that is told apart. Its shard's lock guards it. Times are Unix
// milliseconds.
type viewer struct {
	address, agent uint64
	// named is true if it has told a session id.
	named bool
	// touched is when it last asked for anything, watched for something of a
	// rendition; 0 if it never has.
	touched, watched int64
	// playing are the numbers of the renditions that it asks for.
	playing [kinds]uint8
	// tells is nil as long as it has told nothing.
	tells *account
}

// asks takes note of what is asked for.
func (v *viewer) asks(now int64, r *Request, rendition uint8) {
	v.touched = now
	if r.Kind == Index {
		return
	}
	v.watched = now
	kind := video
	if r.Audio {
		kind = audio
	}
	// Players look at the playlists of renditions that they do not play yet.
	if rendition != 0 && (r.Kind == Media || v.playing[kind] == 0) {
		v.playing[kind] = rendition
	}
}

// account is what a player has told of itself.
type account struct {
	began int64
	// starting is true until it plays, if its beginning was seen.
	starting bool
	// stands is true while it says that it does (sta=r).
	stands bool
	// stalled is when it last told of a stall, 0 if never.
	stalled int64
	sampled int64
	// known are the figures that it has told, news those since the last sample.
	known, news         cmcd.Key
	startup             time.Duration // below 0 while it is not known
	latency, buffer     time.Duration
	bitrate, throughput int64
	dropped             int64
}

// hear takes in what a request says.
func (v *viewer) hear(now int64, r *Request, data *cmcd.Data, t *tally) {
	if v.tells == nil {
		v.tells = &account{began: now, sampled: now, startup: -1, starting: r.Kind == Index || data.Startup}
		t.session()
	}
	a := v.tells
	a.starts(now, r, data, t)
	a.stalls(now, data, t)
	a.figures(r, data, t)
	if a.news != 0 && !a.starting && now-a.sampled >= sampleEvery {
		t.sample(a)
		a.news, a.sampled = 0, now
	}
}

// starts finds how long it took from the first request to the first picture.
// Players of version 2 tell it (msd). With others it is when they first ask for
// media without haste (su), which is at most one segment or part too late.
func (a *account) starts(now int64, r *Request, data *cmcd.Data, t *tally) {
	switch took := time.Duration(now-a.began) * time.Millisecond; {
	case data.Has(cmcd.StartDelay):
		if a.startup < 0 {
			a.startup = data.StartDelay
			t.started(a.startup)
		}
		a.starting = false
	case !a.starting:
	case now-a.began > longestStart:
		a.starting = false
	case plays(r, data):
		a.starting = false
		a.startup = took
		t.started(a.startup)
	}
}

// plays reports whether a request shows that its player plays.
func plays(r *Request, data *cmcd.Data) bool {
	if data.Has(cmcd.State) {
		return data.State == "p"
	}
	empty := data.Has(cmcd.BufferLength) && data.BufferLength < someBuffer
	return r.Kind == Media && !data.Startup && !empty
}

// stalls counts each stall once.
func (a *account) stalls(now int64, data *cmcd.Data, t *tally) {
	stands := data.Has(cmcd.State) && data.State == "r"
	if data.Starved || stands {
		again := a.stands || a.stalled != 0 && now-a.stalled < oneStall
		if !again {
			t.stall()
		}
		a.stalled = now
	}
	if data.Has(cmcd.State) {
		a.stands = stands
	}
	// Who plays two buffers tells of the same time twice.
	if data.Has(cmcd.StallTime) && data.ObjectType != "a" {
		t.stood(data.StallTime)
	}
}

// figures keeps the newest. Bitrate and buffer are those of the picture where
// there is one.
func (a *account) figures(r *Request, data *cmcd.Data, t *tally) {
	var given cmcd.Key
	take := func(key cmcd.Key, set func()) {
		if data.Has(key) {
			set()
			given |= key
		}
	}
	take(cmcd.LiveLatency, func() { a.latency = data.LiveLatency })
	take(cmcd.Throughput, func() { a.throughput = data.Throughput })
	if r.Kind == Media && !r.Audio {
		take(cmcd.Bitrate, func() { a.bitrate = data.Bitrate })
		take(cmcd.BufferLength, func() { a.buffer = data.BufferLength })
	}
	take(cmcd.Dropped, func() {
		if a.known&cmcd.Dropped != 0 && data.Dropped > a.dropped {
			t.drop(data.Dropped - a.dropped)
		}
		a.dropped = data.Dropped
	})
	a.known |= given
	a.news |= given &^ cmcd.Dropped
}
