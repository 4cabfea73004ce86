package config

import (
	"strconv"
	"time"
)

// Rungs says when the encoded rungs run: one of the words below, or a number,
// such as "1": that many, best first, always, and the others on demand.
type Rungs string

// The words for Rungs.
const (
	// RungsAlways encodes every rung while the stream is live.
	RungsAlways Rungs = "always"
	// RungsOnDemand encodes the rungs that somebody watches.
	RungsOnDemand Rungs = "on_demand"
)

// OnDemand reports whether rungs rest that nobody watches, and how many of the
// best do not.
func (r Rungs) OnDemand() (only bool, always int) {
	if r == RungsOnDemand {
		return true, 0
	}
	n, err := strconv.Atoi(string(r))
	return err == nil, n
}

// Bounds of transcode.idle_after: viewers ask every few seconds.
const leastIdle, mostIdle = 5 * time.Second, time.Hour

func (v *validator) rungs() {
	rungs := v.cfg.Transcode.Rungs
	only, always := rungs.OnDemand()
	if rungs != RungsAlways && (!only || always < 0 || always > mostRungs) {
		v.add("transcode.rungs", string(rungs), "is unknown",
			"Write always, on_demand, or how many of the best rungs are always encoded, such as 1.")
	}
	v.lasts("transcode.idle_after", v.cfg.Transcode.IdleAfter, leastIdle, mostIdle)
}
