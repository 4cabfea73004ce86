package verify

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// track is one rendition over the whole time of watching: every segment that
// was ever listed, oldest first.
type track struct {
	name   string
	pieces []listed
}

// listed is a segment with what a playlist or MPD says of it.
type listed struct {
	entry

	initURL string
	init    *initSegment // nil if there is none
	segment *segment     // nil for a gap
	// follows is true if the segment continues the one before it in the track.
	follows bool
}

// isVideo reports whether the segment is one of video that could be read.
func (l listed) isVideo() bool { return l.segment.readable() && l.init.isVideo() }

// isAudio is the same for audio.
func (l listed) isAudio() bool { return l.segment.readable() && l.init.isAudio() }

// tracks are the renditions as HLS lists them or, where only an MPD was
// watched, as DASH does.
func (o *observations) tracks() []track {
	if len(o.renditions) > 0 {
		return o.tracksHLS()
	}
	return o.tracksDASH()
}

func (o *observations) tracksHLS() []track {
	var all []track
	for _, r := range o.renditions {
		entries := map[uint64]entry{}
		for _, p := range r.playlists {
			for _, e := range p.entries {
				entries[e.msn] = e
			}
		}
		t := track{name: r.name}
		for _, msn := range slices.Sorted(maps.Keys(entries)) {
			t.add(o.listed(entries[msn], entries[msn].init), func(last, now listed) bool {
				return now.msn == last.msn+1 && now.period == last.period
			})
		}
		if len(t.pieces) > 0 {
			all = append(all, t)
		}
	}
	return all
}

func (o *observations) listed(e entry, init string) listed {
	l := listed{entry: e, initURL: init, init: o.inits[init]}
	if !e.gap {
		l.segment = o.segments[e.url]
	}
	return l
}

// add appends l; continues says whether it goes on where the last one ended.
func (t *track) add(l listed, continues func(last, now listed) bool) {
	if n := len(t.pieces); n > 0 {
		last := t.pieces[n-1]
		l.follows = last.segment.readable() && l.segment.readable() && continues(last, l)
	}
	t.pieces = append(t.pieces, l)
}

func (o *observations) tracksDASH() []track {
	type key struct {
		id    string
		start time.Duration
	}
	type place struct {
		timed

		start time.Duration
		init  string
	}
	order := []string{}
	places := map[string]map[string]place{}
	for r, start := range o.representations() {
		if places[r.id] == nil {
			order = append(order, r.id)
			places[r.id] = map[string]place{}
		}
		for _, e := range r.entries {
			places[r.id][e.url] = place{timed: e, start: start, init: r.init}
		}
	}
	all := make([]track, 0, len(order))
	for _, id := range order {
		sorted := slices.SortedFunc(maps.Values(places[id]), func(a, b place) int { return cmp.Compare(a.time, b.time) })
		t := track{name: id}
		var end uint64
		var last key
		for _, p := range sorted {
			now := key{id, p.start}
			isNext := p.time == end && now == last
			t.add(o.listed(entry{url: p.url, init: p.init}, p.init), func(_, _ listed) bool { return isNext })
			end, last = p.time+p.duration, now
		}
		if len(t.pieces) > 0 {
			all = append(all, t)
		}
	}
	return all
}

// representations visits every reading of every Representation with the start
// of its Period.
func (o *observations) representations() func(yield func(representation, time.Duration) bool) {
	return func(yield func(representation, time.Duration) bool) {
		for _, m := range o.manifests {
			for _, p := range m.periods {
				for _, r := range p.representations {
					r.live = m.kind == "dynamic"
					if !yield(r, p.start) {
						return
					}
				}
			}
		}
	}
}
