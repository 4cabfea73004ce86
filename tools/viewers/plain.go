package main

import (
	"slices"
	"time"
)

// plainRun is many players of whole segments. Each holds a connection for each of
// video and audio, reloads the playlist once in a target duration and fetches what
// is new in it.
type plainRun struct {
	loop      *loop
	stage     *stage
	tally     *tally
	measuring bool
	// ages are how long after it was first listed a viewer had a segment.
	ages []time.Duration
	late int
}

// viewer is one rendition of one player.
type viewer struct {
	run    *plainRun
	track  *track
	conn   *conn
	target time.Duration
	due    time.Time
	// newest is the segment that was fetched last.
	newest  string
	pending []string
}

// begin starts player i.
func (r *plainRun) begin(i int) {
	for _, t := range r.stage.tracks {
		c, err := r.loop.dial(viewerAddress(i), r.stage.address, r.tally.failed)
		if err != nil {
			r.tally.failed(err)
			return
		}
		v := &viewer{run: r, track: t, conn: c, due: phase(t.newest(), r.loop.now)}
		r.loop.at(v.due, v.reload)
	}
}

// phase is the next time at which a player may begin. One that reloads just before
// the next segment is listed would have this one late by its own choice: nobody
// begins in the last quarter of the time between them.
func phase(listed, now time.Time) time.Time {
	const between = 2 * time.Second
	if now.Sub(listed)%between > between*3/4 {
		return now.Add(between / 4)
	}
	return now
}

// reload asks for the playlist.
func (v *viewer) reload() {
	v.conn.get(v.run.stage.request(v.track.path+"?ll=0"), true, v.listed)
}

func (v *viewer) listed(answer response) {
	if !v.run.tally.answered(answer) {
		v.due = v.due.Add(time.Second)
		v.run.loop.at(v.due, v.reload)
		return
	}
	p, err := parsePlaylist(answer.body)
	if err != nil {
		v.run.tally.failed(err)
		return
	}
	v.target = time.Duration(p.target) * time.Second
	known := slices.IndexFunc(p.segments, func(s segment) bool { return s.uri == v.newest })
	if v.newest == "" {
		known = len(p.segments) - 2 // a player that begins; what it missed is not late
	}
	for _, s := range p.segments[max(known+1, 0):] {
		v.pending = append(v.pending, s.uri)
	}
	// RFC 8216, 6.3.4: half as long if nothing was new.
	pause := v.target
	if len(v.pending) == 0 {
		pause /= 2
	}
	v.due = v.due.Add(pause)
	v.fetch()
}

// fetch asks for the next segment; when there is none, for the playlist in time.
func (v *viewer) fetch() {
	if len(v.pending) == 0 {
		v.run.loop.at(v.due, v.reload)
		return
	}
	v.conn.get(v.run.stage.request(beside(v.track.path, v.pending[0])), false, v.received)
}

func (v *viewer) received(answer response) {
	begins := v.newest == ""
	v.newest, v.pending = v.pending[0], v.pending[1:]
	if v.run.tally.answered(answer) && v.run.measuring && !begins {
		v.note()
	}
	v.fetch()
}

func (v *viewer) note() {
	listed, ok := v.track.since(v.newest)
	if !ok {
		return // the observer is about to see it
	}
	age := v.run.loop.now.Sub(listed)
	v.run.ages = append(v.run.ages, age)
	if age > v.target {
		v.run.late++
	}
}
