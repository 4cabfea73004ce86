package main

import (
	"fmt"
	"slices"
	"time"
)

// waitRun is many clients that wait for the same playlist: the one with the first
// part of the next segment.
type waitRun struct {
	loop  *loop
	stage *stage
	tally *tally
	conns []*conn
	// msn is the segment that is waited for.
	msn int
	// got is when each had this round's answer, rounds those of all rounds.
	got    []time.Time
	rounds []round
}

// round is one publish and when those who waited for it were answered, in order.
type round struct {
	msn int
	got []time.Time
}

// connect opens client i's connection.
func (r *waitRun) connect(i int) {
	c, err := r.loop.dial(viewerAddress(i), r.stage.address, r.tally.failed)
	if err != nil {
		r.tally.failed(err)
		return
	}
	r.conns = append(r.conns, c)
}

// begin has everybody wait.
func (r *waitRun) begin() {
	video := r.stage.tracks[0]
	r.msn = video.nextNumber() + 1
	r.got = make([]time.Time, 0, len(r.conns))
	request := r.stage.request(fmt.Sprintf("%s?_HLS_msn=%d&_HLS_part=0", video.path, r.msn))
	for _, c := range r.conns {
		c.get(request, false, r.answered)
	}
}

func (r *waitRun) answered(answer response) {
	r.tally.answered(answer)
	r.got = append(r.got, r.loop.now)
	if len(r.got) == len(r.conns) {
		slices.SortFunc(r.got, time.Time.Compare)
		r.rounds = append(r.rounds, round{r.msn, r.got})
		r.begin()
	}
}

// delays are, over all rounds, how long after the publish clients were answered,
// and how long after the first answer, sorted. The publish is the sending of the
// picture that completes the part; there is none of a server that has copies.
func (r *waitRun) delays() (published, first []time.Duration) {
	for _, one := range r.rounds {
		sent, ok := r.published(one.msn)
		for _, got := range one.got {
			first = append(first, got.Sub(one.got[0]))
			if ok {
				published = append(published, got.Sub(sent))
			}
		}
	}
	slices.Sort(published)
	slices.Sort(first)
	return published, first
}

// published is when what completes the first part of a segment was sent.
func (r *waitRun) published(msn int) (at time.Time, ok bool) {
	video := r.stage.tracks[0]
	serial, ok := video.first(msn)
	if !ok {
		return at, false
	}
	return r.stage.published(video, serial)
}
