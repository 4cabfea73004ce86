package main

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// partsRun is many low-latency players. Each holds four connections: for each of
// video and audio one that waits for the next playlist and one that waits for the
// part that the last one hinted at.
type partsRun struct {
	loop  *loop
	stage *stage
	tally *tally
	// parts and lists are what was received while it was measured.
	parts, lists []receipt
	measuring    bool
	// newest is the playlist of each rendition that was read last.
	newest map[*track]reading
}

// reading is a playlist as it came and what it says.
type reading struct {
	text []byte
	says playlist
}

// read is parsePlaylist, once for all who got the same text: elsewhere viewers do not
// share a processor.
func (r *partsRun) read(t *track, text []byte) (playlist, error) {
	if known := r.newest[t]; bytes.Equal(known.text, text) && known.text != nil {
		return known.says, nil
	}
	says, err := parsePlaylist(text)
	if err == nil {
		r.newest[t] = reading{bytes.Clone(text), says}
	}
	return says, err
}

// receipt is when a viewer had all of a part, or a playlist that lists it.
type receipt struct {
	track  *track
	serial int
	at     time.Time
}

// follower is one rendition of one player.
type follower struct {
	run          *partsRun
	track        *track
	lists, media *conn
	// asked and hint are serial numbers: the last part that was asked for, and
	// the newest that the playlist hints at; -1 for none.
	asked, hint int
	waiting     bool
}

// begin starts player i.
func (r *partsRun) begin(i int) {
	for _, t := range r.stage.tracks {
		f := &follower{run: r, track: t, asked: -1, hint: -1}
		var err error
		if f.lists, err = r.loop.dial(viewerAddress(i), r.stage.address, r.tally.failed); err == nil {
			f.media, err = r.loop.dial(viewerAddress(i), r.stage.address, r.tally.failed)
		}
		if err != nil {
			r.tally.failed(err)
			return
		}
		f.reload("")
	}
}

// reload asks for the playlist; directives are what it waits for.
func (f *follower) reload(directives string) {
	f.lists.get(f.run.stage.request(f.track.path+directives), true, f.listed)
}

func (f *follower) listed(answer response) {
	now := f.run.loop.now
	if !f.run.tally.answered(answer) {
		f.run.loop.at(now.Add(time.Second), func() { f.reload("") })
		return
	}
	p, err := f.run.read(f.track, answer.body)
	if err != nil {
		f.run.tally.failed(err)
		return
	}
	if f.run.measuring && p.hint >= 0 {
		f.run.lists = append(f.run.lists, receipt{f.track, p.hint - 1, now})
	}
	f.hint = p.hint
	f.want()
	f.reload(fmt.Sprintf("?_HLS_msn=%d&_HLS_part=%d&_HLS_skip=YES", p.next(), len(p.open)))
}

// want asks for the next part that was hinted at, one after the other.
func (f *follower) want() {
	if f.waiting || f.hint <= f.asked {
		return
	}
	if f.asked < 0 {
		f.asked = f.hint - 1
	}
	f.asked++
	f.waiting = true
	uri := fmt.Sprintf("part-%d.m4s", f.asked)
	f.media.get(f.run.stage.request(beside(f.track.path, uri)), false, f.received)
}

func (f *follower) received(answer response) {
	f.waiting = false
	if f.run.tally.answered(answer) && f.run.measuring {
		f.run.parts = append(f.run.parts, receipt{f.track, f.asked, f.run.loop.now})
	}
	f.want()
}

// delays are how long after its publication each receipt was, sorted; first are
// those of renditions whose parts this program did not publish itself, after the
// first receipt of anybody.
func (r *partsRun) delays(all []receipt) (published, first []time.Duration) {
	type name struct {
		*track
		serial int
	}
	earliest := make(map[name]time.Time)
	for _, one := range all {
		key := name{one.track, one.serial}
		if at, known := earliest[key]; !known || one.at.Before(at) {
			earliest[key] = one.at
		}
	}
	for _, one := range all {
		if at, ok := r.stage.published(one.track, one.serial); ok {
			published = append(published, one.at.Sub(at))
		} else {
			first = append(first, one.at.Sub(earliest[name{one.track, one.serial}]))
		}
	}
	slices.Sort(published)
	slices.Sort(first)
	return published, first
}
