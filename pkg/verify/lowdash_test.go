package verify

import (
	"net/http"
	"testing"
	"time"
)

// healthyLowDASH is m as low-latency players are told it, with its newest
// segments open.
func healthyLowDASH(m manifest) *lowDASH {
	low := &lowManifest{
		manifest: m, updates: 350 * time.Millisecond, longest: 2 * time.Second, target: 1500 * time.Millisecond, least: time.Second, most: 3 * time.Second,
		slowest: 0.95, fastest: 1.05,
	}
	all := &lowDASH{manifest: low}
	for _, r := range m.periods[len(m.periods)-1].representations {
		at := r.entries[0].time
		wall := time.Unix(0, int64(clockTime(at, r.timescale)))
		one := offer{representation: r, early: 1650 * time.Millisecond, clocks: []producerClock{{wall: wall, at: at}}}
		low.offered = append(low.offered, one)
		newest := r.entries[len(r.entries)-1]
		there := exchange{kind: kindSegment, url: newest.url, status: http.StatusOK, header: http.Header{"Etag": {`"1"`}}}
		all.grown = append(all.grown, grown{
			of: one, entry: newest, first: there, again: there, open: true, same: true,
			published: time.Unix(0, int64(clockTime(newest.time, r.timescale))), stamped: newest.time,
		})
	}
	return all
}

func lowDASHBreakages() map[string][]breakage {
	m := func(change func(m *lowManifest)) func(o *observations) {
		return func(o *observations) { change(o.lowDASH.manifest) }
	}
	g := func(change func(g *grown)) func(o *observations) {
		return func(o *observations) { change(&o.lowDASH.grown[0]) }
	}
	return map[string][]breakage{
		"LLDASH-AVAILABILITY": {
			{m(func(m *lowManifest) { m.offered[1].complete = true }), "is not false"},
			{m(func(m *lowManifest) { m.offered[1].early = 0 }), "availabilityTimeOffset 0s"},
			{m(func(m *lowManifest) { m.offered[1].early = 3 * time.Second }), "segments last 2s at most"},
		},
		"LLDASH-SERVICE": {
			{m(func(m *lowManifest) { m.target = 0 }), "no target latency"},
			{m(func(m *lowManifest) { m.least = 2 * time.Second }), "between 2s"},
			{m(func(m *lowManifest) { m.fastest = 0.9 }), "of the speed"},
			{m(func(m *lowManifest) { m.updates = 2 * time.Second }), "an update every 2s"},
		},
		"LLDASH-CLOCK": {
			{m(func(m *lowManifest) { m.reference = 7 }), "refers to ProducerReferenceTime 7"},
			{g(func(g *grown) { g.published = time.Time{} }), "has prft of"},
			{g(func(g *grown) { g.stamped++ }), "has prft of"},
			{g(func(g *grown) { g.published = g.published.Add(time.Second) }), "after the MPD"},
		},
		"LLDASH-GROWING": {
			{g(func(g *grown) { g.first.status = http.StatusNotFound }), "404"},
			{g(func(g *grown) { g.same = false }), "other bytes"},
			{g(func(g *grown) { g.first.header = http.Header{"Etag": {`"2"`}} }), "ETag"},
		},
	}
}

func TestLowDASHIsWatched(t *testing.T) {
	t.Parallel()
	s := newStream(t)
	w := newWatcher(newFetcher(Options{Timeout: 10 * time.Second}), "", s.address+"manifest.mpd")
	defer w.fetch.close()
	w.probeLowDASH(t.Context())
	seen := w.seen.lowDASH
	if seen == nil || len(seen.grown) != len(s.lanes) {
		t.Fatalf("%+v, unread %v", seen, w.seen.unread)
	}
	open := 0
	for _, g := range seen.grown {
		if g.open {
			open++
		}
	}
	if open == 0 {
		t.Error("no segment grew")
	}
	for _, r := range rulesLowDASH() {
		if v := r.check(w.seen); v.outcome != Pass {
			t.Errorf("%s: %s %s", r.id, v.outcome, v.seen)
		}
	}
}
